"""`python tests/faults/killed.py ARM TRACE`: payments as a process that kills itself at a named point.

It is `python -m server run payments`, forked by a small supervisor that forks it again whenever it dies.
Between any two steps of the money code lies a point: around each transaction, claim and call to Stripe. Each
point reached is a line of the file TRACE. The file ARM names the one to die at, as `FLOW NAME#N` (N: the N-th
time it is reached); it is deleted first, so that the next process lives.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from server import app, run, worker
from server.kit import deliveries, relay
from server.kit.db import Once, Transaction, transaction
from server.payments import ops, owed, service, settlement, till
from server.payments.gateway import Gateway

SOON = 0.7
"""Seconds until what a dead process left is taken up, a call or an event; a live one is far quicker."""
CALLS = (
    *("create_intent", "confirm_intent", "get_intent", "capture_intent", "cancel_intent", "refund_intent"),
    *("create_checkout", "get_checkout", "expire_checkout"),
)


class Points:
    """Counts the points that are reached, and dies at one of them."""

    def __init__(self, arm: Path, trace: Path) -> None:
        self._arm = arm
        self._trace = trace
        self._reached: Counter[tuple[str, str]] = Counter()

    def reach(self, name: str) -> None:
        """The process is at this point."""
        try:
            flow, _, target = self._arm.read_text().partition(" ")
        except FileNotFoundError:
            return
        self._reached[flow, name] += 1
        point = f"{name}#{self._reached[flow, name]}"
        with self._trace.open("a") as trace:
            trace.write(f"{flow} {point}\n")
        if point == target:
            self._arm.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Fork the service until it ends by itself, or we are told to."""
    points = Points(Path(sys.argv[1]), Path(sys.argv[2]))
    _hook(points)
    while True:
        child = os.fork()
        if child == 0:
            options = argparse.Namespace(services=["payments"], only=None, workers=1)
            return asyncio.run(run.run(options, os.environ))
        signal.signal(signal.SIGTERM, lambda *_, pid=child: os.kill(pid, signal.SIGTERM))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return os.waitstatus_to_exitcode(status)


def _hook(points: Points) -> None:
    """Put the points in, and shorten the time that what a dead process left stays where it is."""
    for module in (owed, till, ops):
        module.LEASE = timedelta(seconds=SOON)  # type: ignore[attr-defined]
    deliveries.ACK_SECONDS = SOON  # type: ignore[assignment]
    for module in (service, till, settlement, relay):
        module.transaction = _transactions(points)  # type: ignore[attr-defined]
    _hook_claims(points)
    make = app.gateway_of

    def gateway_of(settings: Any) -> Gateway:
        gateway = make(settings)
        for name in CALLS:
            setattr(gateway, name, _call(points, name, getattr(gateway, name)))
        return gateway

    app.gateway_of = worker.gateway_of = gateway_of  # type: ignore[attr-defined]


def _transactions(points: Points) -> Callable[..., AbstractAsyncContextManager[Transaction]]:
    @asynccontextmanager
    async def hooked(label: str, service: str, once: Once | None) -> AsyncIterator[Transaction]:
        points.reach(f"{label} begin")
        async with transaction(service, once=once) as tx:
            yield tx
            points.reach(f"{label} commit")
        points.reach(f"{label} committed")

    def open_(service: str, *, once: Once | None = None) -> AbstractAsyncContextManager[Transaction]:
        caller = sys._getframe(1)
        op = caller.f_locals.get("op")
        # The reconciler runs by the clock, whatever a flow does.
        name = caller.f_code.co_name
        label = f"{name} {op.kind.value}" if op is not None else name
        return transaction(service, once=once) if name == "reconcile" else hooked(label, service, once)

    return open_


def _hook_claims(points: Points) -> None:
    """By the worker, several, and by a request, its own."""
    claim, take = owed.PaymentOp.claim, owed.PaymentOp.take

    async def claimed(**more: Any) -> list[owed.PaymentOp]:
        found = await claim(**more)
        for op in found:
            points.reach(f"claimed {op.kind.value}")
        return found

    async def taken(*wanted: Any) -> owed.PaymentOp | None:
        op = await take(*wanted)
        if op is not None:
            points.reach(f"claimed {op.kind.value}")
        return op

    owed.PaymentOp.claim = claimed  # type: ignore[method-assign]
    owed.PaymentOp.take = taken  # type: ignore[method-assign, assignment]


def _call(points: Points, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    async def hooked(*arguments: Any, **more: Any) -> Any:
        points.reach(f"{name} asked")
        answer = await call(*arguments, **more)
        points.reach(f"{name} answered")
        return answer

    return hooked


if __name__ == "__main__":
    sys.exit(main())
