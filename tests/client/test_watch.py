"""Streams as the client sees them: cut off, split, said twice, refused, over."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from client import (
    Anew,
    NotFound,
    Tix,
    TixError,
    Unauthenticated,
    Unreachable,
    sse,
    watch_order,
    watch_tickets,
)
from server.orders.schemas import Decline
from tests.cli.running import ID, order, step, ticket

STATUSES = ("created", "accepted", "complete", "revoked", "refunded")


def known(version: int, **more: Any) -> dict[str, Any]:
    """The order after so many steps."""
    history = [step(status, "reserved") for status in STATUSES[:version]]
    return order(status=STATUSES[version - 1], version=version, history=history, **more)


def event(id_: str, name: str, data: Any) -> str:
    return f"id: {id_}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


class Server:
    """Answers in turn; a string is a stream that breaks off after it, bytes one in single bytes."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str | None]] = []
        self.waited: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, request.headers.get("last-event-id")))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        stream = ("retry: 1\n\n" + answer).encode()
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=_bytes(stream))

    def tix(self) -> Tix:
        async def wait(seconds: float, _: TixError) -> None:
            self.waited.append(seconds)

        return Tix("http://tix.example", "token", transport=httpx.MockTransport(self), wait=wait)


async def _bytes(text: bytes) -> AsyncIterator[bytes]:
    for byte in range(0, len(text), 7):  # no piece is a whole event
        yield text[byte : byte + 7]


def refusal(status: int, code: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, json={"code": code, "detail": code})


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "JITTER_SECONDS", 0)


async def seen(server: Server, most: int = 10) -> list[Any]:
    """What a watcher of the order is told: versions, and codes of declines."""
    found: list[Any] = []
    async with watch_order(server.tix(), ID) as changes:
        async for one in changes:
            found.append(one.decline_code if isinstance(one, Decline) else one.version)
            if len(found) == most:
                break
    return found


async def test_it_goes_on_after_the_last_id_and_tells_nothing_twice() -> None:
    """Also after a heartbeat, which has an id and no event."""
    decline = {"orderId": ID, "paymentId": ID, "declineCode": "stolen_card", "at": known(1)["createdAt"]}
    server = Server(
        event("a-1.1", "ready", {}) + event("a-1.1", "order", known(1)) + event("a-2.1", "decline", decline),
        event("a-2.1", "decline", decline)
        + event("a-3.2", "order", known(2))
        + ": still here\nid: a-7.2\n\n",
        event("a-8.3", "order", known(3)) + event("a-9.5", "order", known(5)),
    )
    assert await seen(server) == [1, "stolen_card", 2, 3, 5]
    assert [last_id for _, last_id in server.asked] == [None, "a-2.1", "a-7.2"]


async def test_it_ends_with_the_order_and_when_told_so() -> None:
    ended = Server(event("a-1.5", "order", known(5)))
    assert await seen(ended) == [5]
    told = Server(event("a-1.3", "order", known(3)), httpx.Response(204))
    assert await seen(told) == [3]


async def test_what_python_takes_for_ends_of_lines_stays_in_a_title() -> None:
    title = "Night\u2028Train\x85"
    snapshot = {**order()["ticket"], "title": title}
    server = Server(event("a-1.5", "order", known(5, ticket=snapshot)))
    async with watch_order(server.tix(), ID) as changes:
        assert [one.ticket.title async for one in changes if not isinstance(one, Decline)] == [title]


async def test_a_refused_stream_is_asked_for_again_and_meanwhile_it_looks() -> None:
    """As seldom as the server says; what it saw is not told again by the stream."""
    server = Server(
        refusal(429, "too_many_streams", **{"retry-after": "5"}),
        httpx.Response(200, json=known(1)),
        refusal(503, "streams_full", **{"retry-after": "7"}),
        httpx.Response(200, json=known(2)),
        event("a-1.2", "ready", {}) + event("a-1.2", "order", known(2)) + event("a-2.5", "order", known(5)),
    )
    assert await seen(server) == [1, 2, 5]
    assert server.waited[0] >= 5
    assert server.waited[1] >= 7


async def test_a_tix_without_streams_is_looked_at_to_the_end() -> None:
    server = Server(
        *(refusal(404, "not_found"), httpx.Response(200, json=known(3))),
        *(httpx.Response(200, headers={"content-type": "text/html"}), httpx.Response(200, json=known(5))),
    )
    assert await seen(server) == [3, 5]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(404, "order_not_found", NotFound), (401, "unauthenticated", Unauthenticated)],
)
async def test_what_no_waiting_cures_is_raised(status: int, code: str, kind: type[TixError]) -> None:
    with pytest.raises(kind):
        await seen(Server(refusal(status, code)))


async def test_who_was_there_is_waited_for_and_who_never_was_is_not() -> None:
    away = httpx.ConnectError("away")
    with pytest.raises(Unreachable):
        await seen(Server(*[away] * 4))
    server = Server(event("a-1.1", "order", known(1)), *[away] * 9, event("a-2.5", "order", known(5)))
    assert await seen(server) == [1, 5]
    assert server.asked[-1][1] == "a-1.1"


async def test_tickets_begin_anew_when_changes_were_missed() -> None:
    server = Server(
        event("a-1", "ready", {}) + event("a-2", "ticket", ticket(version=1)),
        event("b-1", "reset", {}) + event("b-2", "ticket", ticket(version=3)),
    )
    assert await tickets(server, 4) == [Anew(missed=False), 1, Anew(missed=True), 3]


async def test_refused_tickets_are_compared() -> None:
    """What changed between two looks is told, and what the stream tells later is not told by a look."""

    def page(*versions: int) -> httpx.Response:
        items = [ticket(id=ID[:-1] + str(number), version=v) for number, v in enumerate(versions)]
        return httpx.Response(200, json={"items": items, "nextCursor": None})

    full = [refusal(503, "streams_full") for _ in range(3)]
    told = event("a-1", "ticket", ticket(id=ID[:-1] + "0", version=6))
    server = Server(full[0], page(1, 2), full[1], page(1, 5), told, full[2], page(6, 7))
    assert await tickets(server, 4) == [Anew(missed=False), 5, 6, 7]


async def tickets(server: Server, most: int) -> list[Any]:
    found: list[Any] = []
    async with watch_tickets(server.tix()) as changes:
        async for one in changes:
            found.append(one if isinstance(one, Anew) else one.version)
            if len(found) == most:
                break
    return found
