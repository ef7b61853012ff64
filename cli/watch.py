"""`tix tickets watch` and `tix orders watch`: a line for each change, as it happens."""

import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.clock import steady
from cli.errors import CONFLICT, PENDING, Refused
from cli.orders import Order, duration
from cli.output import STATUS_COLOURS, Output, harmless
from cli.run import Run
from cli.story import told
from cli.tickets import ExternalId

if TYPE_CHECKING:
    import asyncio

    from client import Tix
    from server.orders.schemas import Decline, OrderWithHistory
    from server.tickets.schemas import TicketOut

TICKETS_EXAMPLES = (
    "tix tickets watch\ntix tickets watch --q 'night train' --status available\n"
    "tix tickets watch --mine --json | jq -r .status"
)
ORDER_EXAMPLES = "tix orders watch ORDER\ntix orders watch ORDER --timeout 60 --json"
OURS = frozenset({"complete", "disputed"})
BEING_PAID = frozenset({"authorized", "capturing"})
TOLD = 10
"""Columns of a status."""


def watch_tickets(
    ctx: typer.Context,
    *,
    q: Annotated[str | None, typer.Option("--q", metavar="TEXT", help="Words in title or venue.")] = None,
    status: Annotated[
        Literal["available", "reserved", "sold", "withdrawn"] | None,
        typer.Option("--status", help="Only what becomes this."),
    ] = None,
    external_id: ExternalId = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only your own listings.")] = False,
) -> None:
    """Show tickets as they change, until Ctrl-C or --timeout; restarts of the platform are survived.

    Piped, or with --json, each line is the changed ticket as JSON; with -o csv, tsv or name as that.
    """
    import asyncio  # noqa: PLC0415 - 30 ms, which --help can do without

    from client import Anew, watch_tickets  # noqa: PLC0415 - httpx, likewise

    run = Run(ctx)

    def wanted(ticket: "TicketOut") -> bool:
        words = f"{ticket.title} {ticket.venue or ''}".lower()
        return (
            (q is None or q.lower() in words)
            and status in {None, ticket.status}
            and external_id in {None, ticket.external_id}
        )

    async def follow(tix: "Tix") -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(run.options.timeout), watch_tickets(tix, mine=mine) as changes:
                async for news in changes:
                    if not isinstance(news, Anew):
                        if wanted(news):
                            _show_ticket(run.out, news)
                    elif news.missed:
                        run.out.urge("Some changes were missed; look at the list again.", code="missed")
                    else:
                        run.out.say("Watching; Ctrl-C ends it.")

    run.ask(follow, signed_in=mine)


def watch_order(ctx: typer.Context, order: Order) -> None:
    """Show each step of an order and end when the ticket is its buyer's (0) or will not be (6).

    Exit 8 if neither is known after --timeout. Piped, or with --json, each line is JSON: the order after a
    step, or a declined card; with -o csv, tsv or name as that.
    """
    import asyncio  # noqa: PLC0415 - 30 ms, which --help can do without

    run = Run(ctx, order=order)
    watch = _Watch(run)

    async def follow(tix: "Tix") -> None:
        try:
            async with asyncio.timeout(run.options.timeout):
                await watch.outcome(tix, order)
        except TimeoutError:
            raise Refused(
                f"After {run.options.timeout:.0f} s it is not decided: {watch.known()}",
                code="still_pending",
                exit_code=PENDING,
                hint=f"tix orders watch {order}{run.flags}",
            ) from None
        except asyncio.CancelledError:  # Ctrl-C
            status = watch.order.status if watch.order else None
            more = f"To go on: tix orders watch {order}{run.flags}"
            run.out.urge(f"Not decided yet: {watch.known()} {more}", code="interrupted", status=status)
            raise
        finally:
            watch.stop_clock()

    run.ask(follow)


class _Watch:
    """What was told of an order, and the clock that runs beside it on a terminal."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.order: OrderWithHistory | None = None
        self._ends = 0.0
        self._clock: asyncio.Task[None] | None = None
        self._has_clock = run.out.is_terminal and sys.stderr.isatty() and run.out.form == "table"

    async def outcome(self, tix: "Tix", order_id: str) -> None:
        """Return when the ticket is the buyer's. Raises Refused when it will not be."""
        from client import watch_order  # noqa: PLC0415 - httpx, which --help can do without
        from server.orders.schemas import Decline  # noqa: PLC0415 - pydantic models cost 60 ms

        async with watch_order(tix, order_id) as changes:
            async for news in changes:
                self.stop_clock()
                if isinstance(news, Decline):
                    self._show_decline(news)
                else:
                    self._show(news)
                    if await self._is_decided(tix, news):
                        return
                self._start_clock()

    async def _is_decided(self, tix: "Tix", order: "OrderWithHistory") -> bool:
        """Whether the ticket is the buyer's. Raises Refused when it will not be."""
        if order.status in OURS:
            return True
        if order.status not in {"created", "accepted"} and not await _is_being_paid(tix, order):
            raise Refused(
                told(order.history[-1], order),
                code=f"order_{order.status}",
                exit_code=CONFLICT,
                hint=f"tix orders show {order.id}{self._run.flags}",
            )
        return False

    def known(self) -> str:
        """Where the order is, in a sentence."""
        if self.order is None:
            return "nothing is known of the order."
        return f"it is {self.order.status}. {told(self.order.history[-1], self.order)}"

    def stop_clock(self) -> None:
        """Take the countdown off the screen."""
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _show(self, order: "OrderWithHistory") -> None:
        out, shown = self._run.out, len(self.order.history) if self.order else 0
        flagged = order.needs_review and not (self.order and self.order.needs_review)
        self.order = order
        self._ends = steady() + (order.expires_at - order.server_time).total_seconds()

        def steps() -> str:
            told_now = [(step.at, step.status, told(step, order)) for step in order.history[shown:]]
            if flagged:
                told_now.append((order.updated_at, order.status, "Something is unclear; a person must look."))
            return "\n".join(_line(out, *one) for one in told_now)

        out.record(order, steps)

    def _show_decline(self, decline: "Decline") -> None:
        why = decline.decline_code or "no reason given"
        said = f"The bank declined this card ({why}); the hold remains."
        self._run.out.record(decline, lambda: _line(self._run.out, decline.at, "declined", said))

    def _start_clock(self) -> None:
        import asyncio  # noqa: PLC0415 - 30 ms, which --help can do without

        if self._has_clock and self.order and self.order.status == "created":
            self._clock = asyncio.create_task(_count_down(self._ends))


async def _is_being_paid(tix: "Tix", order: "OrderWithHistory") -> bool:
    """Whether an expired order is waiting for the verdict on a payment that came late."""
    from client import Forbidden, NotFound  # noqa: PLC0415 - httpx, which --help can do without

    if order.status == "expired":
        with suppress(Forbidden, NotFound):  # a seller does not see the payments
            return any(one.status in BEING_PAID for one in (await tix.list_payments(order.id)).items)
    return False


async def _count_down(end: float) -> None:
    import asyncio  # noqa: PLC0415 - 30 ms, which --help can do without

    while (left := end - steady()) > 0:
        sys.stderr.write(f"  held for {duration(left)} more\x1b[K\r")  # whatever comes next stands over it
        sys.stderr.flush()
        await asyncio.sleep(left % 1 or 1)


def _show_ticket(out: Output, ticket: "TicketOut") -> None:
    from client.money import shown  # noqa: PLC0415 - the package brings httpx

    price = shown(ticket.price, ticket.currency)
    said = f"“{ticket.title}”  {price}  {ticket.id}"
    out.record(ticket, lambda: _line(out, datetime.now().astimezone(), ticket.status, said))


def _line(out: Output, at: datetime, status: str, text: str) -> str:
    state = out.paint(f"{harmless(status):<{TOLD}}", STATUS_COLOURS.get(status))
    return f"{out.paint(f'{at.astimezone():%H:%M:%S}', 'dim')}  {state}  {harmless(text)}"
