"""`tix demo`: one story on a platform of its own, told by those who act in it and by the bus.

Nothing is scripted but the actions: every outcome is asked of the API or heard from the bus, and one that is
not as promised ends the demo with a sentence.
"""

import asyncio
import signal
from contextlib import AsyncExitStack
from functools import partial

from cli import INTERRUPTED
from cli.errors import UNEXPECTED, Refused, sentence
from cli.output import Output
from cli.sandbox import PlatformFailed, Sandbox
from cli.timeline import StoryFailed, Timeline
from client import Conflict, Tix, TixError
from client.money import shown
from server.orders.schemas import OrderOut
from server.tickets.schemas import NewTicket, TicketOut

HOLD_SECONDS = 5
PASSWORD = "correct horse battery staple"  # noqa: S105 - of accounts that live for seconds
CARD = "pm_card_visa"
LISTINGS = (("Night Train, row A", 4500), ("Night Train, row B", 3000), ("Matinee", 1850))
"""Title and price in US cents."""
PROMISED = {
    "ticket:created": 3,
    "order:created": 3,
    "payment:authorized": 1,
    "order:accepted": 1,
    "payment:created": 1,
    "order:completed": 1,
    "order:cancelled": 1,
    "order:expired": 1,
    "order:rejected": 0,
    "payment:voided": 0,
}
"""How often the bus must have said what at the end."""


def play(out: Output) -> None:
    """Run the demo. Raises Refused when anything went differently than promised."""
    stopped: list[int] = []
    try:
        asyncio.run(_until_stopped(out, stopped))
    except asyncio.CancelledError:
        raise SystemExit(128 + stopped[0] if stopped else INTERRUPTED) from None
    except (StoryFailed, PlatformFailed, TixError) as error:
        raise Refused(
            sentence(str(error)), code="demo_failed", exit_code=UNEXPECTED, hint="tix demo"
        ) from error


async def _until_stopped(out: Output, stopped: list[int]) -> None:
    playing = asyncio.current_task()
    assert playing is not None  # noqa: S101 - inside asyncio.run there is one

    def stop(number: int) -> None:
        stopped.append(number)
        playing.cancel()  # the platform is stopped and its directory removed on the way out

    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop, int(number))
    await _play(out)


async def _play(out: Output) -> None:
    timeline = Timeline(out)
    out.say("Starting PostgreSQL, NATS, Redis, a Stripe sandbox and five services of Tix for this demo …")
    async with Sandbox(timeline.hear, hold_seconds=HOLD_SECONDS) as sandbox:
        try:
            async with Tix(sandbox.api_url) as anyone:
                await sandbox.wait_ready(anyone.is_ready)
            timeline.line(
                "Tix", "✓", f"is up at {sandbox.api_url}; a reserved ticket is held for {HOLD_SECONDS} s"
            )
            await _story(timeline, sandbox.api_url)
            await _examine(timeline, sandbox)
        except (StoryFailed, PlatformFailed, TixError):
            out.say(f"\nThe end of the platform's log:\n{sandbox.tail()}")
            raise
    timeline.chapter("The end.")
    timeline.line(
        "Tix", "✓", f"is stopped and its data removed; all went as promised, in {timeline.seconds:.0f} s"
    )


async def _story(timeline: Timeline, api_url: str) -> None:
    async with AsyncExitStack() as stack:
        sam, bea, carl = [await stack.enter_async_context(Tix(api_url)) for _ in range(3)]
        timeline.chapter("Sam sells three tickets.")
        await _sign_up(timeline, Sam=sam)
        front, back, matinee = [await _list(timeline, sam, title, price) for title, price in LISTINGS]
        timeline.chapter("Bea and Carl want the same one.")
        await _sign_up(timeline, Bea=bea, Carl=carl)
        names = {id(bea): "Bea", id(carl): "Carl"}
        first, order, second = await _race(timeline, bea, carl, front, names)
        timeline.chapter(f"{names[id(first)]} pays.")
        await _pay(timeline, names[id(first)], first, order, front)
        await _is_sold(timeline, names[id(second)], second, front)
        timeline.chapter(f"{names[id(second)]} takes another, and thinks better of it.")
        await _cancel(timeline, names[id(second)], second, back)
        timeline.chapter(f"{names[id(first)]} takes the third, and forgets to pay.")
        await _run_out(timeline, names[id(first)], first, matinee)
    counts = timeline.counts()
    wrong = [f"{kind} {counts[kind]} times, not {n}" for kind, n in PROMISED.items() if counts[kind] != n]
    if wrong:
        raise StoryFailed(f"The bus said {'; '.join(wrong)}.")


async def _sign_up(timeline: Timeline, **people: Tix) -> None:
    for name, tix in people.items():
        email = f"{name.lower()}@example.com"
        await timeline.does(name, f"signs up as {email}", tix.sign_up(email, PASSWORD))


async def _list(timeline: Timeline, seller: Tix, title: str, price: int) -> TicketOut:
    ticket = await timeline.does(
        "Sam",
        f"lists “{title}” for {shown(price, 'usd')}",
        seller.create_ticket(NewTicket(title=title, price=price)),
    )
    await timeline.heard("ticket:created", subject=str(ticket.id))
    return ticket


async def _race(
    timeline: Timeline, bea: Tix, carl: Tix, ticket: TicketOut, names: dict[int, str]
) -> tuple[Tix, OrderOut, Tix]:
    """Both reserve at the same moment; returns the winner, the order and the loser."""
    racers = (bea, carl)

    async def race() -> tuple[Tix, OrderOut, Tix, Conflict]:
        outcomes = await asyncio.gather(
            *(tix.reserve_ticket(ticket.id) for tix in racers), return_exceptions=True
        )
        match outcomes:
            case [OrderOut() as order, Conflict(code="ticket_reserved") as refusal]:
                return bea, order, carl, refusal
            case [Conflict(code="ticket_reserved") as refusal, OrderOut() as order]:
                return carl, order, bea, refusal
        raise StoryFailed(
            f"Of two who reserve one ticket, one must win and one be refused; it was {outcomes}."
        )

    winner, order, loser, refusal = await timeline.does(
        "Both", f"reach for “{ticket.title}” at the same moment", race()
    )
    timeline.line(names[id(winner)], "✓", f"holds it, for {HOLD_SECONDS} s")
    timeline.line(names[id(loser)], "✗", f"reads: {_refusal(refusal)}")
    await timeline.heard("order:created", subject=str(order.id))
    return winner, order, loser


async def _pay(timeline: Timeline, who: str, buyer: Tix, order: OrderOut, ticket: TicketOut) -> None:
    await timeline.does(
        who,
        f"pays {shown(order.price, order.currency)} by card",
        buyer.pay_order(order.id, payment_method=CARD),
    )
    await timeline.heard("order:completed", subject=str(order.id))
    await timeline.becomes(partial(buyer.show_order, order.id), "complete", f"{who}'s order")
    await timeline.becomes(partial(buyer.show_ticket, ticket.id), "sold", f"“{ticket.title}”")
    timeline.line(who, "✓", f"owns “{ticket.title}”")


async def _is_sold(timeline: Timeline, who: str, late: Tix, ticket: TicketOut) -> None:
    try:
        await late.reserve_ticket(ticket.id)
    except Conflict as refusal:
        if refusal.code != "ticket_sold":
            raise
        timeline.line(who, "✗", f"tries again and reads: {_refusal(refusal)}")
    else:
        raise StoryFailed(f"{who} could reserve “{ticket.title}”, which is sold.")


async def _cancel(timeline: Timeline, who: str, buyer: Tix, ticket: TicketOut) -> None:
    order = await timeline.does(who, f"reserves “{ticket.title}”", buyer.reserve_ticket(ticket.id))
    await timeline.heard("order:created", subject=str(order.id))
    await timeline.does(who, "cancels", buyer.cancel_order(order.id))
    await timeline.heard("order:cancelled", subject=str(order.id))
    await timeline.becomes(partial(buyer.show_ticket, ticket.id), "available", f"“{ticket.title}”")


async def _run_out(timeline: Timeline, who: str, buyer: Tix, ticket: TicketOut) -> None:
    order = await timeline.does(who, f"reserves “{ticket.title}”", buyer.reserve_ticket(ticket.id))
    await timeline.heard("order:expired", subject=str(order.id), within=HOLD_SECONDS + 5)
    await timeline.becomes(partial(buyer.show_order, order.id), "expired", f"{who}'s order")
    await timeline.becomes(partial(buyer.show_ticket, ticket.id), "available", f"“{ticket.title}”")
    timeline.line("Tix", "✓", f"gave “{ticket.title}” back, by itself")


async def _examine(timeline: Timeline, sandbox: Sandbox) -> None:
    timeline.chapter("Doctor checks every promise against the databases.")
    status, said = await sandbox.examine()
    for line in said.splitlines():
        timeline.line("Doctor", "✗" if status else "✓", line)
    if status:
        raise StoryFailed(f"Doctor found that a promise does not hold (exit {status}).")


def _refusal(error: Conflict) -> str:
    return f"“{sentence(error.detail)}” ({error.status} {error.code})"
