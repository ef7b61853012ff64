"""`tix orders` and `tix reserve`: hold a ticket, look after the hold, give it up, give its money back."""

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import completion
from cli.options import Verb, noun
from cli.output import Column, facts, local_time
from cli.run import Run, checked, given
from cli.story import TEST_CARD, next_steps, price, timeline
from cli.tickets import PAGE, Cursor, Limit, Ticket, minor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client import Conflict, Tix
    from server.orders.schemas import OrderOut, OrderWithHistory

app = noun("Your orders: what you hold, own, sell or let go.")

RESERVE_EXAMPLES = "tix reserve TICKET\ntix reserve TICKET --max-price 50.00\ntix reserve TICKET --json"
Status = Literal[
    "created",
    "accepted",
    "complete",
    "cancelled",
    "expired",
    "rejected",
    "revoked",
    "refunded",
    "disputed",
    "charged_back",
]
"""The contract's; said again, since the schemas cost 60 ms."""
Order = Annotated[
    str,
    typer.Argument(
        metavar="ORDER", show_default=False, autocompletion=completion.orders, help="The order's id."
    ),
]
MaxPrice = Annotated[
    str | None,
    typer.Option("--max-price", metavar="AMOUNT", help="Fail if it costs more, in its own currency: 50.00."),
]


@app.command(
    name="list",
    cls=Verb,
    epilog="tix orders list\ntix orders list --status created\ntix orders list --role seller",
)
def list_orders(
    ctx: typer.Context,
    *,
    status: Annotated[
        Status | None,
        typer.Option("--status", help="Only these."),
    ] = None,
    role: Annotated[
        Literal["buyer", "seller"],
        typer.Option("--role", help="What you bought, or what others bought of you."),
    ] = "buyer",
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> None:
    """List your orders, newest first.

    Piped, a line is: id, title, price in minor units, currency, expiresAt, status; tab-separated.
    """
    from server.orders.schemas import OrderQuery  # noqa: PLC0415 - pydantic models cost 60 ms

    run = Run(ctx)
    query = checked(OrderQuery, given(status=status, role=role, limit=limit, cursor=cursor))
    page = run.ask(lambda tix: tix.list_orders(query))
    more = run.again("orders list", role=role, status=status, limit=limit if limit != PAGE else None)
    run.out.page(page, _columns(), none="There are no such orders.", more=more)


@app.command(
    cls=Verb, epilog="tix orders show ORDER\ntix orders show ORDER --verbose\ntix orders show ORDER --json"
)
def show(ctx: typer.Context, order: Order) -> None:
    """Show one order: every step it took, what each means, and what you can do next.

    With --verbose each step has its request id, which finds it in the platform's logs.
    """
    run = Run(ctx, order=order)
    _show(run, run.ask(lambda tix: tix.show_order(order)))


@app.command(name="create", cls=Verb, epilog=RESERVE_EXAMPLES.replace("tix reserve", "tix orders create"))
def create(ctx: typer.Context, ticket: Ticket, *, max_price: MaxPrice = None) -> None:
    """Hold a ticket; the same as `tix reserve`."""
    reserve(ctx, ticket, max_price=max_price)


def reserve(ctx: typer.Context, ticket: Ticket, *, max_price: MaxPrice = None) -> None:
    """Hold a ticket for you to pay; nobody else can take it meanwhile."""
    run = Run(ctx, ticket=ticket)

    async def reserved(tix: "Tix") -> "OrderOut":
        most = await most_of(tix, ticket, max_price)
        return await hold(run, tix, ticket, max_price=most, key=run.options.idempotency_key)

    order = run.ask(reserved)
    left = _duration(order.expires_at - order.server_time)
    run.out.say(f"It is held for you for {left}. To pay: tix pay {order.id} {TEST_CARD}{run.flags}")
    run.out.one(order, lambda: _facts(order))


async def most_of(tix: "Tix", ticket: str, max_price: str | None) -> int | None:
    """--max-price in minor units of the ticket's currency. Raises Refused."""
    if max_price is None:
        return None
    return minor(max_price, (await tix.show_ticket(ticket)).currency, "max-price")


async def hold(run: Run, tix: "Tix", ticket: str, *, max_price: int | None, key: str | None) -> "OrderOut":
    """Hold it; one that is held by whoever asks is told as theirs."""
    from client import Conflict  # noqa: PLC0415 - httpx, which --help can do without

    try:
        return await tix.reserve_ticket(ticket, max_price=max_price, key=key)
    except Conflict as error:
        if error.code == "ticket_reserved":
            await _say_if_ones_own(run, tix, ticket, error)
        raise


async def _say_if_ones_own(run: Run, tix: "Tix", ticket: str, error: "Conflict") -> None:
    """Reserved, but by the one who asks? Then say so, and how to go on."""
    from client import TixError  # noqa: PLC0415 - httpx, which --help can do without
    from server.orders.schemas import OrderQuery  # noqa: PLC0415 - pydantic models cost 60 ms

    with suppress(TixError):  # a token that may only write: then the refusal says what it says
        held = (await tix.list_orders(OrderQuery(status="created", limit=100))).items
        paid = (await tix.list_orders(OrderQuery(status="accepted", limit=100))).items
        for own in (*held, *paid):
            if str(own.ticket.id) == ticket.lower():
                error.extra["orderId"] = str(own.id)
                if own.status == "created":
                    error.detail = f"You hold it yourself, for {_duration(own.expires_at - own.server_time)}."
                    run.subject["hint"] = f"tix pay {own.id} {TEST_CARD}{run.flags}"
                else:
                    error.detail = "You hold it yourself, and your payment is being taken."
                    run.subject["hint"] = f"tix orders show {own.id}{run.flags}"


@app.command(cls=Verb, epilog="tix orders extend ORDER")
def extend(ctx: typer.Context, order: Order) -> None:
    """Take more time to pay; once, since others may be waiting."""
    run = Run(ctx, order=order)
    longer = run.ask(lambda tix: tix.extend_order(order, key=run.options.idempotency_key))
    left = _duration(longer.expires_at - longer.server_time)
    run.out.say(f"It is held for you for {left} now. To pay: tix pay {order} {TEST_CARD}{run.flags}")
    run.out.one(longer, lambda: _facts(longer))


@app.command(cls=Verb, epilog="tix orders cancel ORDER\ntix orders cancel ORDER --yes")
def cancel(ctx: typer.Context, order: Order) -> None:
    """Give up a hold that is not paid."""
    from client import Conflict  # noqa: PLC0415 - httpx, which --help can do without
    from client.story import why_not_cancellable  # noqa: PLC0415 - likewise

    run = Run(ctx, order=order)
    before = run.ask(lambda tix: tix.show_order(order))
    if before.status == "cancelled":
        run.out.say("It was given up before; nothing changed.")
        _show(run, before)
        return
    if before.status == "created":
        run.confirm(f"Give up “{before.ticket.title}” ({price(before)})?")

    async def give_up(tix: "Tix") -> "OrderWithHistory":
        try:
            await tix.cancel_order(order)
        except Conflict as error:
            error.detail = why_not_cancellable(await tix.show_order(order))
            raise
        return await tix.show_order(order)

    given_up = run.ask(give_up)
    run.out.say("Given up; the ticket is free again.")
    _show(run, given_up)


@app.command(cls=Verb, epilog="tix orders refund ORDER\ntix orders refund ORDER --yes --json")
def refund(ctx: typer.Context, order: Order) -> None:
    """Give a buyer of yours the money back; the ticket is void at once and can be sold again.

    A refund that did not get through is sent again.
    """
    run = Run(ctx, order=order)
    if not run.options.yes:
        sold = run.ask(lambda tix: tix.show_order(order))
        run.confirm(f"Take “{sold.ticket.title}” back and give its buyer {price(sold)}?")
    revoked = run.ask(lambda tix: tix.refund_order(order, key=run.options.idempotency_key))
    run.out.say(
        f"The ticket is void for its buyer, and {price(revoked)} is on its way back. "
        f"To see it arrive: tix orders show {order}{run.flags}"
    )
    run.out.one(revoked, lambda: _facts(revoked))


def _show(run: Run, order: "OrderWithHistory") -> None:
    def people() -> str:
        steps = timeline(order, run.out.paint, requests=run.options.verbose > 0)
        return "\n\n".join(filter(None, (_facts(order), steps, next_steps(order, run.flags))))

    run.out.one(order, people)


def _facts(order: "OrderOut") -> str:
    from client.story import attention  # noqa: PLC0415 - httpx, which --help can do without

    held = order.status == "created"
    return facts(
        ("order", str(order.id)),
        ("ticket", order.ticket.title),
        ("venue", order.ticket.venue),
        ("starts", local_time(order.ticket.starts_at) if order.ticket.starts_at else None),
        ("seat", order.ticket.seat),
        ("price", price(order)),
        ("status", order.status),
        ("pay within", _duration(order.expires_at - order.server_time) if held else None),
        ("attention", attention(order)),
    )


def _duration(left: timedelta) -> str:
    return duration(left.total_seconds())


def duration(left: float) -> str:
    """Seconds, for people."""
    seconds = max(0, round(left))
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"


def _columns() -> "Sequence[Column[OrderOut]]":
    return [
        Column("id", lambda o: str(o.id), lambda o: str(o.id)),
        Column("ticket", lambda o: o.ticket.title, lambda o: o.ticket.title, shrinks=True),
        Column("price", lambda o: o.price, price),
        Column("currency", lambda o: o.currency, None),
        Column("expiresAt", lambda o: o.model_dump(mode="json")["expires_at"], None),
        Column("status", lambda o: o.status, lambda o: o.status),
    ]
