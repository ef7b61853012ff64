"""One timeline of what people do and what the bus says, as it happens."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from cli.output import Output, harmless
from client import TixError
from client.money import shown

T = TypeVar("T")

SIGNS: Mapping[str, str] = {"✓": "green", "✗": "red", "·": "cyan"}
HEARD_SECONDS = 10.0
"""How long an event may take before the demo says that it did not come."""
LOOK_SECONDS = 0.05


class StoryFailed(Exception):
    """Something went differently than the story promises; a sentence."""


class Timeline:
    """Shows lines in the order they happen; an event of an action never stands before it."""

    def __init__(self, out: Output) -> None:
        """`out` decides between text and JSON lines."""
        self._out = out
        self._started = time.perf_counter()
        self._events: list[dict[str, Any]] = []
        self._held: list[dict[str, Any]] | None = None
        self._titles: dict[str, str] = {}
        self._arrival = asyncio.Event()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self._started

    def counts(self) -> Counter[str]:
        """How many events of each type came; one that came twice counts once."""
        return Counter({event["id"]: event["type"] for event in self._events}.values())

    # --- lines --------------------------------------------------------------------------------------------

    def chapter(self, title: str) -> None:
        """A heading."""
        if not self._out.as_json:
            self._out.write(f"\n{self._out.paint(title, 'bold')}")

    def line(self, who: str, sign: str, text: str) -> None:
        """Somebody did something (✓), or was refused (✗)."""
        if self._out.as_json:
            self._out.write(
                json.dumps({"seconds": round(self.seconds, 2), "who": who, "ok": sign == "✓", "did": text})
            )
        else:
            self._row(who, sign, text)

    def _row(self, who: str, sign: str, text: str) -> None:
        stamp = self._out.paint(f"{self.seconds:5.1f} s", "dim")
        self._out.write(f"{stamp}  {who:<6} {self._out.paint(sign, SIGNS[sign])} {harmless(text)}")

    def _show(self, event: dict[str, Any]) -> None:
        if self._out.as_json:
            self._out.write(json.dumps({"seconds": round(self.seconds, 2), "event": event}))
        else:
            self._row("", "·", f"{event['type']:<20} {self._meaning(event['type'], event['data'])}")

    def _meaning(self, kind: str, data: Mapping[str, Any]) -> str:
        order, payment = data.get("order", {}), data.get("payment", {})
        named = data.get("seat", {}).get("ticketId") or data.get("orderId", "")
        title = f"“{self._titles.get(named, '?')}”"
        amount = shown(payment["amount"], payment["currency"]) if payment else ""
        return {
            "ticket:created": f"“{data.get('ticket', {}).get('title', '?')}” is on sale",
            "order:created": f"{title} is held until {order.get('expiresAt', '')[11:19]} UTC",
            "order:accepted": f"{title} is surely the buyer's: take the money",
            "order:completed": f"{title} is sold",
            "order:cancelled": f"{title} is free again",
            "order:expired": f"{title} is free again",
            "expiration:complete": f"the alarm set for the hold of {title} goes off",
            "payment:authorized": f"{amount} reserved on the card, nothing taken yet",
            "payment:created": f"{amount} taken",
        }.get(kind, "")

    # --- actions ------------------------------------------------------------------------------------------

    async def does(self, who: str, what: str, call: Awaitable[T]) -> T:
        """Do it and show it. Raises StoryFailed."""
        with self._holding_events():
            try:
                done = await call
            except TixError as error:
                raise StoryFailed(f"{who} {what}, but was refused: {error.detail} ({error.code})") from error
            self.line(who, "✓", what)
        return done

    @contextmanager
    def _holding_events(self) -> Iterator[None]:
        held: list[dict[str, Any]] = []
        self._held = held
        try:
            yield
        finally:
            self._held = None
            for event in held:
                self._show(event)

    # --- events -------------------------------------------------------------------------------------------

    def hear(self, event: dict[str, Any]) -> None:
        """Take an event from the bus."""
        self._events.append(event)
        if ticket := event["data"].get("ticket"):
            self._titles[ticket["id"]] = ticket["title"]
        if order := event["data"].get("order"):
            self._titles[order["id"]] = self._titles.get(order["ticketId"], "?")
        if self._held is None:
            self._show(event)
        else:
            self._held.append(event)
        self._arrival.set()

    async def heard(self, kind: str, *, subject: str, within: float = HEARD_SECONDS) -> None:
        """Wait for an event of this type that names this id. Raises StoryFailed."""
        end = time.monotonic() + within
        while not any(
            event["type"] == kind and subject in json.dumps(event["data"]) for event in self._events
        ):
            self._arrival.clear()
            try:
                await asyncio.wait_for(self._arrival.wait(), end - time.monotonic())
            except TimeoutError:
                raise StoryFailed(f"The bus did not say {kind} within {within:.0f} s.") from None

    @staticmethod
    async def becomes(call: Callable[[], Awaitable[T]], status: str, what: str) -> None:
        """Ask until the answer has this status. Raises StoryFailed."""
        end = time.monotonic() + HEARD_SECONDS
        while (seen := getattr(await call(), "status", None)) != status:
            if time.monotonic() > end:
                raise StoryFailed(f"{what} should be {status} by now, but is {seen}.")
            await asyncio.sleep(LOOK_SECONDS)
