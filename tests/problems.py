"""What the contract promises of every failure, and that a refused request leaves no trace."""

import re
from typing import Any

import asyncpg
import httpx

from server.worker import TABLES
from tests.platform import DATA_TABLES, Platform

MEMBERS = {"type", "title", "status", "detail", "code", "requestId"}
LEAKS = re.compile(
    r"Traceback|asyncpg|tortoise|pydantic|sanic|postgres|nats:|redis|\bSELECT\b|\bINSERT\b|\bUPDATE\b|constraint"
    r"|site-packages|\.py\b|Exception|Error\(|127\.0\.0\.1|localhost",
    re.IGNORECASE,
)
SECRET = "hunter2-is-a-secret"
"""Put into requests where a secret would be; no failure may repeat it."""

COUNTED = {"outbox", "idempotency_keys", "revocations", "dead_letters"}
"""Tables of which only the number of rows matters: the relay marks rows in its own time."""


def assert_problem(answer: httpx.Response, status: int, code: str, *, field: str | None = None) -> Any:
    """The answer is this problem document and leaks nothing; returns it."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body.keys() >= MEMBERS
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:tix:problem:{code}")
    assert body["requestId"] == answer.headers["x-request-id"]
    assert body["title"]
    assert len(body["detail"]) < 1000
    assert not (found := LEAKS.search(answer.text)), f"leaks {found}: {answer.text}"
    assert SECRET not in answer.text
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if status in {429, 503}:
        assert int(answer.headers["retry-after"]) >= 1
    if status == 422:
        assert body["errors"]
        assert all(error.keys() == {"field", "message"} and error["message"] for error in body["errors"])
    if field is not None:
        assert field in {error["field"].split(".")[0] for error in body["errors"]}, body["errors"]
    return body


class Watch:
    """Sees whether anything was stored or changed, in any service."""

    def __init__(self, sessions: dict[str, "asyncpg.Connection[Any]"]) -> None:
        self._sessions = sessions

    @classmethod
    async def open(cls, platform: Platform) -> "Watch":
        """Connect to every service's schema."""
        return cls(
            {
                service: await asyncpg.connect(
                    platform.settings.database(service),  # type: ignore[arg-type]
                    server_settings={"search_path": service},
                )
                for service in DATA_TABLES
            }
        )

    async def close(self) -> None:
        """Disconnect."""
        for session in self._sessions.values():
            await session.close()

    async def all(self) -> dict[str, Any]:
        """Service.table → its number of rows and, but for the plumbing, a hash of what they hold."""
        found: dict[str, Any] = {}
        for service, session in self._sessions.items():
            tables = [name for name in (*DATA_TABLES[service], *TABLES[service]) if name != "inbox"]
            parts = [
                f"SELECT '{name}' AS name, count(*) AS rows, "
                + ("''" if name in COUNTED else "md5(string_agg(t::text, '|' ORDER BY t::text))")
                + f" AS hash FROM {name} t"
                for name in tables
            ]
            for row in await session.fetch(" UNION ALL ".join(parts)):
                found[f"{service}.{row['name']}"] = (row["rows"], row["hash"])
        return found
