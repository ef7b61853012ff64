"""How long an event takes: from COMMIT to its consumer's transaction, and to a thousand people who watch."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import nats
import uvloop
from nats.js.api import StreamConfig

from bench.figures import Bench, Case, Sample
from bench.flows import follow
from bench.wire import Caller, encode

T = TypeVar("T")

PACE = 50
"""Events a second."""
FOLLOWERS = 1000
CHANGES = 5
"""A second, each told to all followers."""
BETWEEN = """
SELECT percentile_cont({share}) WITHIN GROUP
  (ORDER BY extract(epoch FROM i.received_at - o.occurred_at) * 1000)
FROM tickets.outbox o JOIN orders.inbox i ON i.event_id = o.id
WHERE o.occurred_at > now() - make_interval(secs => $1)
"""


def latency(bench: Bench) -> dict[str, Case]:
    """By PostgreSQL's clock alone: when an event was written, and when its consumer's transaction began."""
    return {"event": partial(_latency, bench)}


def _latency(bench: Bench) -> Sample:
    [seller] = bench.stage.people(1)
    request = encode("POST", "/api/tickets", token=seller.token, body={"title": "Matinee", "price": 900})
    seconds = bench.seconds(5)
    began, since = time.monotonic(), bench.meter.start()

    async def run() -> None:
        caller = await Caller.connected(bench.stage.url)
        for number in range(int(seconds * PACE)):
            await asyncio.sleep(max(began + number / PACE - time.monotonic(), 0))
            await caller.ask(request)
        caller.close()

    _run(run())
    bench.stage.settle()
    used, age = bench.meter.used(since), time.monotonic() - began
    count = int(seconds * PACE)
    return Sample(
        rate=PACE,
        p50=bench.stage.number("tickets", BETWEEN.format(share=0.5), age),
        p99=bench.stage.number("tickets", BETWEEN.format(share=0.99), age),
        cpu={part: cost / count * 1e6 for part, cost in used.items() if cost},
    )


def fan_out(bench: Bench) -> dict[str, Case]:
    """A thousand streams, a few changes a second."""
    return {"fan-out to 1,000": partial(_fan_out, bench)}


def _fan_out(bench: Bench) -> Sample:
    [seller] = bench.stage.people(1)
    request = encode("POST", "/api/tickets", token=seller.token, body={"title": "Matinee", "price": 900})
    count = int(bench.seconds(10) * CHANGES)
    late: list[float] = []

    async def run() -> dict[str, float]:
        secret = bench.stage.settings.forwarded_secret or ""
        while True:  # the first has the end of the stream read, which may take longer than it waits
            first = await follow(bench.stage.url, 1, secret)
            await _reached(first.answered, 1)
            first.hang_up()
            if first.ready:
                break
        crowd = await follow(bench.stage.url, FOLLOWERS, secret)
        await _reached(crowd.answered, FOLLOWERS)
        if crowd.refused:
            raise RuntimeError(f"{crowd.refused} of {FOLLOWERS} streams were refused")
        caller = await Caller.connected(bench.stage.url)
        began, since = time.monotonic(), bench.meter.start()
        for number in range(count):
            await asyncio.sleep(max(began + number / CHANGES - time.monotonic(), 0))
            heard = len(crowd.came)
            _, ticket = await caller.ask(request)
            await _reached(lambda: len(crowd.came), heard + FOLLOWERS)
            written = datetime.fromisoformat(ticket["updatedAt"]).timestamp()
            late.extend(came - written for came in crowd.came[heard:])
        used, elapsed = bench.meter.used(since), time.monotonic() - began
        caller.close()
        crowd.hang_up()
        return {part: cost / elapsed for part, cost in used.items()}

    cores = _run(run())
    bench.stage.settle()
    late.sort()
    return Sample(
        rate=CHANGES * FOLLOWERS,
        p50=late[len(late) // 2] * 1000,
        p99=late[int(len(late) * 0.99)] * 1000,
        more={f"share of a core, {part}": share for part, share in cores.items() if share},
    )


async def _reached(count: Callable[[], int], goal: int) -> None:
    while count() < goal:  # noqa: ASYNC110 - counted in a callback a thousand times; an event each costs more
        await asyncio.sleep(0.005)


def publishing(bench: Bench) -> dict[str, Case]:
    """JetStream's own rate: acknowledged messages as large as an event, 64 on their way."""
    return {"jetstream publish": partial(_publish, bench)}


def _publish(bench: Bench) -> Sample:
    count = bench.count(5000)

    async def run() -> float:
        client = await nats.connect(bench.stage.settings.nats_url or "")
        stream = client.jetstream()
        await stream.add_stream(StreamConfig(name="BENCH", subjects=["bench"]))
        left = iter(range(count))

        async def lane() -> None:
            for _ in left:
                await stream.publish("bench", b"x" * 600)

        began = time.monotonic()
        await asyncio.gather(*(lane() for _ in range(64)))
        took = time.monotonic() - began
        await stream.delete_stream("BENCH")
        await client.close()
        return count / took

    since = bench.meter.start()
    rate = _run(run())
    return Sample(rate=rate, cpu={"nats": bench.meter.used(since).get("nats", 0) / count * 1e6})


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
