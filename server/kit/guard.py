"""The request guard: refuses what Sanic's parser lets through and two servers would read differently.

Each line is a raw request that was accepted when tried (request smuggling, RFC 9112 §3–7); the list and
the tests on raw sockets are in `tests/kit/test_guard.py`.
"""

import re
from typing import Any

from sanic import Request
from sanic.exceptions import BadURL, RequestTimeout, ServiceUnavailable
from sanic.http import Http, Stage
from sanic.server.protocols.http_protocol import HttpProtocol

from server.kit.errors import BadRequest

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# All of a head that `_check_characters` has nothing against, at once: a tenth of what its lines cost.
_PLAIN = re.compile(
    rb"%b [^\r\n]*(?:\r\n(?:%b:[^\x00-\x08\x0a-\x1f\x7f]*)?)*" % (_TOKEN.pattern, _TOKEN.pattern)
)
_LENGTH = re.compile(r"[0-9]{1,9}")
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")

DISCARD = 16 * 1024 * 1024
"""Bytes of a refused body which are read and thrown away, so that its sender can read the answer."""
TIMED_OUT = frozenset({RequestTimeout.status_code, ServiceUnavailable.status_code})
"""How a request is answered that was not there in whole, or not answered, in time."""


class BodyTimeout(ServiceUnavailable):
    """The client's fault; but like Sanic's own it is answered without what looks at a request first."""

    status_code = RequestTimeout.status_code
    message = "The body has not arrived"


class BoundedProtocol(HttpProtocol):
    """Sanic's protocol, with timeouts that count from a request's first byte, and know whose they are.

    Sanic's count from the last one: a byte every nine seconds holds a connection for ever. And to Sanic a
    body that does not arrive is a failure of ours.
    """

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Leave the clock alone while a request is under way."""
        before = self._time
        super().data_received(data)
        if self.http is not None and (self.http.stage is not Stage.IDLE or self.http.request_body):
            self._time = before

    def check_timeouts(self) -> None:
        """End what takes too long."""
        super().check_timeouts()  # type: ignore[no-untyped-call] # Sanic does not type it
        if self.http and isinstance(self.http.exception, ServiceUnavailable) and self.http.request_body:
            self.http.exception = BodyTimeout()


def discard_rest(request: Request, status: int) -> None:
    """Have what is unread of a refused body read before the connection closes.

    Closing it with unread bytes resets it, and the client never sees the answer.
    """
    stream = request.stream
    if not isinstance(stream, Http) or not stream.request_body:
        return
    if status in TIMED_OUT:  # Sanic has stopped its clock and would wait for the rest for ever
        stream.request_body = None
        stream.keep_alive = False
        return
    kind: object = stream.request_body  # "chunked", or True for a body of known length
    if kind == "chunked" or (stream.request_bytes or 0) > (stream.request_max_size or 0):
        stream.keep_alive = False
        stream.protocol.request_max_size = stream.request_max_size = DISCARD


class AnswerableRequest(Request):
    """Sanic's request, which it can also make, for its 400, where the address itself is the fault."""

    __slots__ = ()

    def __init__(self, url_bytes: bytes, **named: Any) -> None:  # noqa: ANN401 - handed on as it is
        """Without a head it is the stand-in for a request that could not be read."""
        try:
            super().__init__(url_bytes, **named)
        except BadURL:
            if named.get("head"):
                raise
            super().__init__(b"*", **named)


class Malformed(BadRequest):
    """The request breaks HTTP in a way that could hide another request in it."""

    code = "malformed_request"
    title = "This is not a request Tix accepts"


def check(request: Request) -> None:
    """Raises Malformed; the connection closes after the answer."""
    if not _PLAIN.fullmatch(request.head):
        _check_characters(request)
    if request.headers.getall("transfer-encoding", []):
        raise Malformed("Send a Content-Length; chunked bodies are not accepted.")
    if any(not _LENGTH.fullmatch(value) for value in request.headers.getall("content-length", [])):
        raise Malformed("Content-Length must be a plain number.")
    named = request.headers.getall("host", [])
    if len(named) != 1 or not _HOST.fullmatch(named[0]):
        raise Malformed("Send exactly one valid Host header.")
    if not request.raw_url.startswith(b"/") or b"#" in request.raw_url:
        raise Malformed("Ask for a path, not for an absolute address or a fragment.")


def _check_characters(request: Request) -> None:
    if not _TOKEN.fullmatch(request.method.encode(errors="replace")):
        raise Malformed("The method has characters that are not allowed in one.")
    for line in request.head.split(b"\r\n")[1:]:
        if not line:
            continue
        name, _, value = line.partition(b":")
        if not _TOKEN.fullmatch(name):
            raise Malformed("A header name has characters that are not allowed in one.")
        if _CONTROL.search(value):
            raise Malformed("A header value has control characters.")
