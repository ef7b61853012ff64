"""Counts what a request asks of PostgreSQL, and its events after it: by its id, which travels with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from server.kit import gather
from server.kit.log import request_id

METHODS = ("execute", "fetch", "fetchrow", "fetchval", "executemany")


@dataclass
class Statements:
    """What ran on behalf of `id`, in order."""

    id: str = field(default_factory=lambda: str(uuid7()))
    ran: list[tuple[str, Sequence[Any]]] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """To send with the request that is to be looked at."""
        return {"X-Request-Id": self.id}

    @property
    def words(self) -> list[str]:
        """Their first words, to see at a glance what they are."""
        return [sql.split()[0].upper() for sql, _ in self.ran]


@contextmanager
def counted() -> Iterator[Statements]:
    """Every statement of this process that runs under the id of the requests in the block."""
    seen = Statements()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            gather, "Context", copy_context
        )  # shared reads are nobody's own, but here there is one who asks
        for name in METHODS:
            patch.setattr(asyncpg.Connection, name, _counting(getattr(asyncpg.Connection, name), seen))
        yield seen


def _counting(method: Any, seen: Statements) -> Any:
    async def run(self: Any, query: str, *values: Any, **options: Any) -> Any:
        if request_id.get() == seen.id and not query.startswith("SET ROLE"):  # of a connection's making
            seen.ran.append((query, values))
        return await method(self, query, *values, **options)

    return run
