"""Faults on demand: what may go wrong between Tix and Stripe, made to go wrong."""

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from server.stripe_sandbox.state import Books, State

CallFault = Literal[
    "latency", "rate_limit", "error_before", "error_after", "timeout", "drop_before", "drop_after"
]
WebhookFault = Literal["webhook_drop", "webhook_duplicate", "webhook_delay", "webhook_reorder"]

LONGEST = 100.0
"""Seconds an answer may be held back: below the server's own limit."""


class FaultParams(BaseModel):
    """What is to go wrong, where, and how often."""

    model_config = ConfigDict(extra="forbid")

    fault: CallFault | WebhookFault
    method: Literal["GET", "POST", "DELETE"] | None = None
    path: str = "/v1/"
    """How the call's path begins; `*` stands for one part of it: `/v1/payment_intents/*/capture`."""
    event: str = ""
    """How the event's type begins, for webhooks."""
    count: Annotated[int, Field(ge=1)] | None = 1
    """Times it happens; null: until it is removed."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of the calls that match, drawn with `seed`: the same seed, the same calls."""
    seed: int = 0
    seconds: Annotated[float, Field(ge=0, le=LONGEST)] = 1.0
    """The wait of latency, timeout, Retry-After, late webhooks; between webhooks in reverse order."""
    status: Annotated[int, Field(ge=500, le=599)] = 500
    times: Annotated[int, Field(ge=2, le=100)] = 2
    """Deliveries of one event that is duplicated."""

    @model_validator(mode="after")
    def _reverse_needs_an_end(self) -> Self:
        if self.fault == "webhook_reorder" and self.count is None:
            raise ValueError("webhook_reorder needs a count: so many events come in reverse order")
        return self


class Fault(FaultParams):
    """A fault that waits for its victims."""

    KIND: ClassVar[str] = "fault"

    id: str
    created: int
    seen: int = 0
    """Calls that matched."""
    hits: int = 0
    """Calls that went wrong."""

    def draw(self) -> bool:
        """Whether the call just seen is one of the share."""
        digest = hashlib.sha256(f"{self.seed}:{self.seen}".encode()).digest()
        return int.from_bytes(digest[:8]) < self.share * 2**64

    def concerns(self, method: str, path: str) -> bool:
        """Whether this call is meant."""
        pattern = "[^/]+".join(re.escape(part) for part in self.path.split("*"))
        return (
            not self.fault.startswith("webhook_")
            and self.method in {None, method}
            and re.match(pattern, path) is not None
        )


def standing_faults(books: Books) -> list[Fault]:
    """All that are not used up, oldest first."""
    return [Fault.model_validate_json(body) for body in reversed(books.newest(Fault.KIND, limit=1000))]


def take_faults(books: Books, concerns: Callable[[Fault], bool]) -> list[Fault]:
    """What goes wrong this time; each is counted, and gone once it is used up."""
    taken = []
    for fault in standing_faults(books):
        if not concerns(fault):
            continue
        fault.seen += 1
        if fault.draw():
            fault.hits += 1
            taken.append(fault)
        if fault.count is not None and fault.hits >= fault.count:
            books.delete(fault.id)
        else:
            books.write(Fault.KIND, fault.id, fault.model_dump_json())
    return taken


class Faults:
    """The faults of calls; those of webhooks strike where events are written."""

    def __init__(self, state: State) -> None:
        """Those in the file still stand."""
        self._state = state
        # Written by the writer's thread, in the order of its transactions. A call need not wait for the file
        # to hear that nothing is to go wrong.
        self._standing = True

    async def add(self, params: FaultParams) -> Fault:
        """Let something go wrong from now on."""

        def work(books: Books) -> Fault:
            self._standing = True
            fault_id = f"fault_{secrets.token_hex(6)}"
            fault = Fault(id=fault_id, created=int(books.now), **params.model_dump())
            books.write(Fault.KIND, fault.id, fault.model_dump_json())
            return fault

        return await self._state.within(work)

    async def list_(self) -> list[Fault]:
        """All that stand."""
        return await self._state.within(standing_faults)

    async def remove(self, fault_id: str | None = None) -> list[Fault]:
        """Let one fault, or none, happen any more; those that were removed."""

        def work(books: Books) -> list[Fault]:
            removed = [fault for fault in standing_faults(books) if fault_id in {None, fault.id}]
            for fault in removed:
                books.delete(fault.id)
            return removed

        return await self._state.within(work)

    async def of_call(self, method: str, path: str) -> list[Fault]:
        """What goes wrong with this call."""

        def work(books: Books) -> list[Fault]:
            taken = take_faults(books, lambda fault: fault.concerns(method, path))
            self._standing = bool(standing_faults(books))
            return taken

        return await self._state.within(work) if self._standing else []


def deliveries_of(books: Books, event_type: str) -> list[float]:
    """Seconds until each delivery of an event: one at once, unless faults want it otherwise."""
    delays = [0.0]
    for fault in take_faults(
        books, lambda it: it.fault.startswith("webhook_") and event_type.startswith(it.event)
    ):
        match fault.fault:
            case "webhook_drop":
                delays = []
            case "webhook_duplicate":
                delays *= fault.times
            case "webhook_delay":
                delays = [delay + fault.seconds for delay in delays]
            case "webhook_reorder":
                left = (fault.count or 0) - fault.hits
                delays = [delay + fault.seconds * left for delay in delays]
            case _:
                raise AssertionError(fault.fault)
    return delays
