"""What the CLI's tests share: outcomes, a server that answers as told, and what the API shows."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG_UP = 0
"""In place of a status: the connection ends without an answer."""
DEAD = "http://127.0.0.1:1"
"""An address at which nothing listens."""


@dataclass(frozen=True)
class Outcome:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)

    @property
    def problem(self) -> Any:
        """stderr, which is one line of JSON."""
        assert len(self.err.splitlines()) == 1, self.err
        return json.loads(self.err)


Run = Callable[..., Outcome]


class Stub(ThreadingHTTPServer):
    """Answers what it is told to, and remembers the tokens and bodies it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.asked: list[tuple[str, str | None, bytes]] = []
        self.keys: list[str | None] = []
        self.paths: list[str] = []
        self.headers: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, call: str, status: int, body: Any = None) -> None:
        """What `METHOD /path` gets; told more than once: in turn, the last for ever."""
        self.answers.setdefault(call, []).append((status, body))

    def refuse(self, call: str, status: int, code: str, **more: Any) -> None:
        self.answer(call, status, {"code": code, "detail": f"It is {code}", "requestId": "req-1", **more})


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        call = f"{self.command} {self.path.partition('?')[0]}"
        self.server.asked.append((call, self.headers.get("authorization"), body))
        self.server.paths.append(self.path)
        self.server.keys.append(self.headers.get("idempotency-key"))
        told = self.server.answers[call]
        status, answer = told.pop(0) if len(told) > 1 else told[0]
        if status == HANG_UP:
            self.close_connection = True
            return
        payload = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the base class looks for these

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


ID = "0198c6f0-0000-7000-8000-000000000001"
MOMENT = "2027-05-01T18:00:00.000000Z"


def ticket(**more: Any) -> dict[str, Any]:
    """A ticket as the API shows it."""
    return {
        "id": ID,
        "title": "Front row",
        "price": 4500,
        "currency": "usd",
        "venue": None,
        "startsAt": None,
        "seat": None,
        "externalId": None,
        "userId": ID,
        "orderId": None,
        "status": "available",
        "version": 0,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        **more,
    }


def order(**more: Any) -> dict[str, Any]:
    """An order as its buyer sees it."""
    snapshot = {
        name: ticket()[name] for name in ("id", "title", "price", "currency", "venue", "startsAt", "seat")
    }
    return {
        "id": ID,
        "userId": ID,
        "sellerId": ID,
        "status": "created",
        "ticket": snapshot,
        "price": 4500,
        "currency": "usd",
        "expiresAt": "2027-05-01T18:15:00.000000Z",
        "extendable": True,
        "serverTime": MOMENT,
        "version": 1,
        "needsReview": False,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        "history": [step("created", "reserved")],
        **more,
    }


def step(status: str, cause: str, **more: Any) -> dict[str, Any]:
    """A line of an order's history."""
    return {"status": status, "at": MOMENT, "cause": cause, "requestId": "req-7", **more}


def payment(**more: Any) -> dict[str, Any]:
    """A payment as its buyer sees it."""
    return {
        "id": ID,
        "orderId": ID,
        "mode": "intent",
        "stripeId": "pi_1",
        "clientSecret": "pi_1_secret_x",
        "checkoutUrl": None,
        "nextAction": None,
        "amount": 4500,
        "currency": "usd",
        "status": "open",
        "declineCode": None,
        "amountCaptured": 0,
        "amountRefunded": 0,
        "needsReview": False,
        "version": 1,
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        **more,
    }
