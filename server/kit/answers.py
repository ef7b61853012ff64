"""Answers as they are sent: without what Sanic adds to them, their lines written at a quarter of the cost."""

from collections.abc import Iterator
from typing import Any

from sanic import HTTPResponse
from sanic.compat import Header
from sanic.helpers import has_message_body


class PlainHeaders(Header):
    """An answer's headers without the `alt-svc: ` that Sanic adds, with nothing in it.

    Sanic takes that line out of its own code when an application starts, which works once a process.
    """

    def __setitem__(self, name: str, value: Any) -> None:  # noqa: ANN401 - as Sanic has it
        """Set it, but that one."""
        if name != "alt-svc":
            super().__setitem__(name, value)


class Answer(HTTPResponse):
    """Sanic's, which passes each name and value through a table of what it must not hold: 20 us for seven."""

    __slots__ = ()

    @property
    def processed_headers(self) -> Iterator[tuple[bytes, bytes]]:
        """All lines as if they were one; a value with a character that cannot be seen goes Sanic's way."""
        headers = self.headers
        if has_message_body(self.status):
            headers.setdefault("content-type", self.content_type)
        headers.pop("alt-svc", None)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        seen = "".join(lines)
        if not (seen.isascii() and seen.isprintable()):
            return super().processed_headers
        name, _, rest = "\r\n".join(lines).partition(": ")
        return iter(((name.encode(), rest.encode()),))
