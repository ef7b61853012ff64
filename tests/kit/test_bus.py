"""A consumer on the real stream: retried, buried, never buried, heard once, never back in time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import nats.errors
import nats.js.errors
import pytest
from nats.aio.msg import Msg
from uuid_utils.compat import uuid7

from server.kit import deliveries
from server.kit.bus import MAX_FAILURES, Bus, Listener
from server.kit.db import rows, transaction
from server.kit.errors import Unavailable
from server.kit.events import Envelope, Event
from server.kit.inbox import HeardOnce
from server.kit.keeper import STREAM
from server.kit.log import request_id
from server.settings import Settings
from tests.platform import keeping
from tests.waiting import until

PATIENCE = 0.0005


class Probed(Event):
    """Nobody's event but ours."""

    type: ClassVar[str] = "ticket:probed"
    number: int


Hear = Callable[[Probed, HeardOnce], Awaitable[None]]


def connected(settings: Settings) -> AbstractAsyncContextManager[Bus]:
    """What a process of its own would have: a replica, or the same one after a restart."""
    return keeping(settings, patience=PATIENCE)


@pytest.fixture
async def link(empty: Settings) -> AsyncIterator[Bus]:
    """The stream, with nothing in it."""
    async with connected(empty) as made:
        yield made


@asynccontextmanager
async def listening(link: Bus, hear: Hear, *, buries: bool = True) -> AsyncIterator[Listener]:
    """A consumer of Probed, for the block."""
    listener = Listener("tickets", Probed, hear)
    stopping = asyncio.Event()
    task = asyncio.create_task(link.listen(listener, stopping, buries=buries))
    try:
        yield listener
    finally:
        stopping.set()
        await task


def envelope(number: int, id_: UUID | None = None) -> Envelope:
    """One Probed."""
    return Envelope(
        id=id_ or uuid7(), type=Probed.type, occurred_at=datetime.now(UTC), data={"number": number}
    )


async def buried() -> list[dict[str, Any]]:
    """The dead letters of tickets."""
    return await rows("tickets", "SELECT * FROM dead_letters ORDER BY created_at")


def settled(link: Bus, listener: Listener, delivered: int) -> Callable[[], Coroutine[Any, Any, bool]]:
    """Whether that many messages were delivered and every one is answered for."""

    async def is_settled() -> bool:
        try:
            info = await link.jetstream.consumer_info(STREAM, listener.durable)
        except nats.js.errors.NotFoundError:
            return False
        assert info.delivered is not None
        all_delivered = info.delivered.stream_seq >= delivered and info.num_pending == 0
        return bool(all_delivered and info.num_ack_pending == 0)

    return is_settled


async def test_a_failing_handler_is_tried_again(link: Bus) -> None:
    """A bug that passes costs a moment; nothing is buried."""
    tries = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        tries.append(event.number)
        if len(tries) < 4:
            raise RuntimeError("not yet")

    await link.publish(envelope(7), request="r")
    async with listening(link, hear) as listener:
        await until(settled(link, listener, 1), "the message is acknowledged")
    assert tries == [7] * 4
    assert await buried() == []


async def test_a_handler_that_always_fails_buries_the_message(link: Bus) -> None:
    """After MAX_FAILURES tries; whole, with the reason; and the next one is delivered."""
    tries: list[int] = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        tries.append(event.number)
        if event.number == 13:
            raise RuntimeError("thirteen is unlucky")

    bad = envelope(13)
    await link.publish(bad, request="request-13")
    await link.publish(envelope(14), request="request-14")
    async with listening(link, hear) as listener:
        await until(buried, "the message is buried")
        await until(settled(link, listener, 2), "the stream is consumed")
    assert tries.count(13) == MAX_FAILURES
    assert tries.count(14) == 1
    [letter] = await buried()
    assert (letter["consumer"], letter["subject"]) == (listener.durable, "ticket.probed")
    assert letter["event_id"] == str(bad.id)
    assert Envelope.model_validate_json(letter["payload"]) == bad
    assert "thirteen is unlucky" in letter["error"]
    assert "request-13" in letter["headers"]


async def test_all_replicas_together_try_a_poisonous_message_eight_times(
    settings: Settings, link: Bus
) -> None:
    """Not eight times each."""
    tries: list[str] = []

    def replica(name: str) -> Hear:
        async def hear(event: Probed, once: HeardOnce) -> None:
            tries.append(name)
            raise RuntimeError("always")

        return hear

    async with connected(settings) as second, connected(settings) as third:
        await link.publish(envelope(1), request="r")
        async with (
            listening(link, replica("a")),
            listening(second, replica("b")),
            listening(third, replica("c")) as listener,
        ):
            await until(settled(link, listener, 1), "the message is given up")
    assert len(tries) == MAX_FAILURES
    assert len(await buried()) == 1


@pytest.mark.slow
async def test_a_restart_does_not_begin_to_count_anew(settings: Settings, link: Bus) -> None:
    """Each process gets one try; the eighth buries, and what passes by itself is not counted."""
    tries: list[Exception] = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        error = RuntimeError("always") if len(tries) % 2 else ConnectionResetError("passes")
        tries.append(error)
        raise error

    await link.publish(envelope(1), request="r")
    while not await buried():
        told = len(tries)
        async with connected(settings) as one, listening(one, hear):
            await until(lambda told=told: len(tries) > told, "it is tried")  # type: ignore[misc]
        assert len(tries) < 3 * MAX_FAILURES
    assert [type(error) for error in tries].count(RuntimeError) == MAX_FAILURES
    assert [type(error) for error in tries].count(ConnectionResetError) == MAX_FAILURES
    assert len(await buried()) == 1


async def test_a_crash_after_the_burial_buries_no_second_time(
    link: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The letter is stored and JetStream never heard of it: the message comes again."""
    monkeypatch.setattr(deliveries, "ACK_SECONDS", 0.3)
    real, ends = Msg.term, []

    async def term(message: Msg) -> None:
        ends.append(message)
        if len(ends) == 1:
            raise nats.errors.ConnectionClosedError
        await real(message)

    monkeypatch.setattr(Msg, "term", term)

    async def hear(event: Probed, once: HeardOnce) -> None:
        raise RuntimeError("always")

    await link.publish(envelope(1), request="r")
    async with listening(link, hear) as listener:
        await until(settled(link, listener, 1), "the message is terminated")
    assert len(ends) == 2
    assert len(await buried()) == 1


async def test_a_stranger_with_a_long_id_is_buried_too(link: Bus) -> None:
    """The column holds 64 characters; the header is kept whole."""

    async def hear(event: Probed, once: HeardOnce) -> None:
        raise AssertionError("must not be heard")

    await link.jetstream.publish("ticket.probed", b"no event", headers={"Nats-Msg-Id": "long *>. " * 30})
    async with listening(link, hear) as listener:
        await until(settled(link, listener, 1), "the message is given up")
    [letter] = await buried()
    assert letter["headers"].count("long") == 30


@pytest.mark.parametrize("how", ["kept", "not kept"])
async def test_a_slow_handler_keeps_its_message(link: Bus, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Four times as long as JetStream waits; without a word meanwhile, it hands the message to others."""
    monkeypatch.setattr(deliveries, "ACK_SECONDS", 0.3)
    if how == "not kept":
        monkeypatch.setattr(deliveries, "holding", lambda _: lambda: None)
    clock = asyncio.get_running_loop().time
    tries = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        tries.append(event.number)
        end = clock() + 1.2
        await until(lambda: clock() > end, "a slow handler is done")

    await link.publish(envelope(1), request="r")
    async with listening(link, hear) as listener:
        await until(settled(link, listener, 1), "the message is acknowledged")
    assert (len(tries) == 1) is (how == "kept")


@pytest.mark.slow
async def test_a_lane_that_breaks_ends_them_all(link: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is heard of: whoever runs the consumer starts it anew, not once more."""

    async def ack(message: Msg) -> None:
        raise RuntimeError("a bug")

    async def hear(event: Probed, once: HeardOnce) -> None: ...

    before = asyncio.all_tasks()
    await link.publish(envelope(1), request="r")
    with monkeypatch.context() as broken, pytest.raises(ExceptionGroup) as caught:  # noqa: PT012
        broken.setattr(Msg, "ack", ack)
        async with asyncio.timeout(10):
            await link.listen(Listener("tickets", Probed, hear), asyncio.Event())
    assert "a bug" in repr(caught.value.exceptions)
    await until(lambda: asyncio.all_tasks() <= before, "no lane is left")


@pytest.mark.parametrize(
    "payload",
    [b"", b"not json", b"\xff\0\xfe", b"{}", b"[]", b'{"id":1}', b"null", b"x" * 100_000],
)
async def test_a_message_that_is_no_event_is_buried(link: Bus, payload: bytes) -> None:
    """It can never be read, and must not block those behind it."""

    async def hear(event: Probed, once: HeardOnce) -> None:
        raise AssertionError("must not be heard")

    await link.jetstream.publish("ticket.probed", payload)
    async with listening(link, hear) as listener:
        await until(buried, "the message is buried")
        await until(settled(link, listener, 1), "the stream is consumed")
    [letter] = await buried()
    assert letter["event_id"] == "-"


async def test_an_event_with_wrong_data_is_buried(link: Bus) -> None:
    """Its type is right and its fields are not."""

    async def hear(event: Probed, once: HeardOnce) -> None:
        raise AssertionError("must not be heard")

    wrong = envelope(1).model_copy(update={"data": {"number": "one"}})
    await link.publish(wrong, request="r")
    async with listening(link, hear):
        await until(buried, "the message is buried")


@pytest.mark.parametrize("error", [Unavailable(), ConnectionResetError(), TimeoutError()])
async def test_a_failure_that_may_pass_never_buries(link: Bus, error: Exception) -> None:
    """However often: the database or Stripe being away says nothing about the message."""
    tries = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        tries.append(event.number)
        if len(tries) <= MAX_FAILURES + 1:
            raise error

    await link.publish(envelope(1), request="r")
    async with listening(link, hear) as listener:
        await until(settled(link, listener, 1), "the message is acknowledged")
    assert len(tries) == MAX_FAILURES + 2
    assert await buried() == []


async def test_a_service_without_a_database_gives_up_without_a_letter(link: Bus) -> None:
    """expiration has nowhere to bury; the sweeper does its work anyway."""
    tries = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        tries.append(event.number)
        raise RuntimeError("always")

    await link.publish(envelope(1), request="r")
    async with listening(link, hear, buries=False) as listener:
        await until(settled(link, listener, 1), "the message is terminated")
    assert len(tries) == MAX_FAILURES
    assert await buried() == []


async def test_the_same_event_twice_in_the_stream_has_one_effect(link: Bus) -> None:
    """The stream's memory of ids is short; the inbox's is not."""
    effects = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        async with transaction("tickets", once=once):
            effects.append(event.number)

    one = envelope(1)
    raw = one.model_dump_json(by_alias=True).encode()
    for n in range(3):  # other message ids, so that the stream takes them all
        await link.jetstream.publish("ticket.probed", raw, headers={"Nats-Msg-Id": f"copy-{n}"})
    async with listening(link, hear) as listener:
        await until(settled(link, listener, 3), "all copies are acknowledged")
    assert effects == [1]


async def test_the_stream_drops_a_repeated_publication(link: Bus) -> None:
    """A relay that died before it marked a row publishes it again."""
    one = envelope(1)
    for _ in range(3):
        await link.publish(one, request="r")
    assert (await link.jetstream.stream_info(STREAM)).state.messages == 1


async def test_p12_two_replicas_share_the_work(link: Bus) -> None:
    """Both listen on one durable consumer; each event is handled by one of them."""
    heard: list[tuple[str, int]] = []

    def replica(name: str) -> Hear:
        async def hear(event: Probed, once: HeardOnce) -> None:
            heard.append((name, event.number))

        return hear

    async with listening(link, replica("a")), listening(link, replica("b")) as listener:
        for number in range(60):
            await link.publish(envelope(number), request="r")
        await until(settled(link, listener, 60), "all are acknowledged")
    assert sorted(number for _, number in heard) == list(range(60))


async def test_a_handler_knows_the_request_that_caused_the_event(link: Bus) -> None:
    """The request id travels with the event into the consumer's log lines."""
    seen = []

    async def hear(event: Probed, once: HeardOnce) -> None:
        seen.append(request_id.get())

    await link.publish(envelope(1), request="request-of-the-seller")
    async with listening(link, hear):
        await until(lambda: seen, "it is heard")
    assert seen == ["request-of-the-seller"]


async def test_stopping_ends_an_idle_consumer_at_once(link: Bus) -> None:
    """It does not sit out its fetch of five seconds."""

    async def hear(event: Probed, once: HeardOnce) -> None: ...

    async with asyncio.timeout(3):
        async with listening(link, hear) as listener:
            await until(settled(link, listener, 0), "it listens")
