"""`tix tickets`: what is on sale, and one's own listings."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import completion, diff
from cli.options import Verb, noun
from cli.output import Column, facts, local_time
from cli.run import Run, checked, given, wrong_field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client import Tix
    from server.tickets.schemas import TicketOut

app = noun("Find tickets; list, change and withdraw your own.")

Ticket = Annotated[
    str,
    typer.Argument(
        metavar="TICKET", show_default=False, autocompletion=completion.tickets, help="The ticket's id."
    ),
]
Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Up to 200 characters.")]
Price = Annotated[
    str | None,
    typer.Option("--price", metavar="AMOUNT", help="As people write it: 45.00 (usd), 4500 (jpy)."),
]
Venue = Annotated[str | None, typer.Option("--venue", metavar="TEXT", help="Where it takes place.")]
StartsAt = Annotated[
    str | None,
    typer.Option("--starts-at", metavar="TIME", help="RFC 3339 with its offset: 2027-05-01T20:00+02:00."),
]
Seat = Annotated[str | None, typer.Option("--seat", metavar="TEXT", help="Which seat, up to 60 characters.")]
ExternalId = Annotated[
    str | None,
    typer.Option("--external-id", metavar="ID", help="Your own id for it, once among your listings."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100, metavar="N", help="At most so many (20).")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Have it checked, and show what would change.")]
PAGE = 20
MOST = 99_999_999
"""Minor units: Stripe's largest amount."""
Cursor = Annotated[str | None, typer.Option("--cursor", metavar="CURSOR", help="Go on after a page.")]


@app.command(
    name="list",
    cls=Verb,
    epilog="tix tickets list\n"
    "tix tickets list --q 'night train' --status available --sort price\n"
    "tix tickets list --mine --json\n"
    "tix tickets list | cut -f 1",
)
def list_tickets(  # noqa: PLR0913 - one per filter of the contract
    ctx: typer.Context,
    *,
    q: Annotated[str | None, typer.Option("--q", metavar="TEXT", help="Words in title or venue.")] = None,
    status: Annotated[
        Literal["available", "reserved", "sold", "withdrawn"] | None,
        typer.Option("--status", help="Only these; without it all but the withdrawn."),
    ] = None,
    sort: Annotated[
        Literal["createdAt", "-createdAt", "price", "-price", "startsAt"],
        typer.Option("--sort", help="A minus turns it round."),
    ] = "-createdAt",
    external_id: ExternalId = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only your own listings.")] = False,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> None:
    """List tickets, newest first.

    Piped, a line is: id, title, price in minor units, currency, venue, startsAt, seat, status; tab-separated.
    """
    from server.kit.schemas import Page  # noqa: PLC0415 - pydantic models cost 60 ms
    from server.tickets.schemas import TicketOut, TicketQuery  # noqa: PLC0415 - likewise

    run = Run(ctx)
    asked = given(q=q, status=status, sort=sort, external_id=external_id, limit=limit, cursor=cursor)

    async def search(tix: "Tix") -> Page[TicketOut]:
        if mine:
            me = await tix.current_user()
            if me is None:
                raise run.signed_out()
            asked["user_id"] = me.id
        return await tix.list_tickets(checked(TicketQuery, asked))

    page = run.ask(search, signed_in=mine)
    more = run.again(
        "tickets list",
        q=q,
        status=status,
        sort=sort if sort != "-createdAt" else None,
        external_id=external_id,
        mine=mine,
        limit=limit if limit != PAGE else None,
    )
    run.out.page(page, _columns(), none="There are no such tickets.", more=more)


@app.command(cls=Verb, epilog="tix tickets show TICKET\ntix tickets show TICKET --json")
def show(ctx: typer.Context, ticket: Ticket) -> None:
    """Show one ticket."""
    run = Run(ctx, ticket=ticket)
    _show(run, run.ask(lambda tix: tix.show_ticket(ticket), signed_in=False))


@app.command(
    cls=Verb,
    epilog="tix tickets create --title 'Front row' --price 45.00\n"
    "tix tickets create --title 'Night Train' --price 4800 --currency jpy --venue 'Hall A' --seat 'B 12'\n"
    "tix tickets create --title Matinee --price 20 --external-id show-17 --json\n"
    "tix tickets create --title Matinee --price 20 --dry-run",
)
def create(  # noqa: PLR0913 - the parts of a listing
    ctx: typer.Context,
    *,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Up to 200 characters.")],
    price: Annotated[
        str, typer.Option("--price", metavar="AMOUNT", help="As people write it: 45.00 (usd), 4500 (jpy).")
    ],
    currency: Annotated[
        str, typer.Option("--currency", metavar="CODE", help="Three letters, like eur.")
    ] = "usd",
    venue: Venue = None,
    starts_at: StartsAt = None,
    seat: Seat = None,
    external_id: ExternalId = None,
    dry_run: DryRun = False,
) -> None:
    """List a ticket of yours for sale.

    Amounts are typed and shown as people write them; --json and pipes give minor units (45.00 USD is 4500).
    """
    from server.tickets.schemas import NewTicket  # noqa: PLC0415 - pydantic models cost 60 ms

    run = Run(ctx)
    currency = currency.lower()
    listing = checked(
        NewTicket,
        given(
            title=title,
            price=minor(price, currency),
            currency=currency,
            venue=venue,
            starts_at=starts_at,
            seat=seat,
            external_id=external_id,
        ),
    )
    if dry_run:
        diff.show(run, None, run.ask(lambda tix: tix.preview_ticket(listing)))
        return
    made = run.ask(lambda tix: tix.create_ticket(listing, key=run.options.idempotency_key))
    run.out.say(f"Listed “{made.title}” for {_price(made)}.")
    _show(run, made)


@app.command(
    cls=Verb,
    epilog="tix tickets update TICKET --price 40.00\n"
    "tix tickets update TICKET --venue ''\n"
    "tix tickets update TICKET --relist\n"
    "tix tickets update TICKET --price 40.00 --dry-run\n"
    "tix tickets update TICKET --version 3 --title 'Back row'",
)
def update(  # noqa: PLR0913 - the parts of a listing
    ctx: typer.Context,
    ticket: Ticket,
    *,
    title: Title = None,
    price: Price = None,
    venue: Venue = None,
    starts_at: StartsAt = None,
    seat: Seat = None,
    external_id: ExternalId = None,
    relist: Annotated[bool, typer.Option("--relist", help="Put a withdrawn one on sale again.")] = False,
    version: Annotated[
        int | None,
        typer.Option(
            "--version", min=0, metavar="N", help="Fail if it is not at this version (as last read)."
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Change a listing nobody holds; an empty text takes venue, start, seat or external id away."""
    from server.tickets.schemas import TicketEdit  # noqa: PLC0415 - pydantic models cost 60 ms

    run = Run(ctx, ticket=ticket)
    edit = given(title=title)
    clearable = given(venue=venue, starts_at=starts_at, seat=seat, external_id=external_id)
    edit.update({name: value or None for name, value in clearable.items()})
    if relist:
        edit["withdrawn"] = False
    if not edit and price is None:
        wrong_field("price", "name this or another thing to change")

    async def change(tix: "Tix") -> "tuple[TicketOut, TicketOut]":
        before = await tix.show_ticket(ticket)
        if price is not None:
            edit["price"] = minor(price, before.currency)
        edit["version"] = before.version if version is None else version
        send = tix.preview_update if dry_run else tix.update_ticket
        return before, await send(ticket, checked(TicketEdit, edit))

    before, changed = run.ask(change)
    if dry_run:
        diff.show(run, before, changed)
        return
    run.out.say(f"“{changed.title}” is now at version {changed.version}.")
    _show(run, changed)


@app.command(
    cls=Verb,
    epilog="tix tickets withdraw TICKET\n"
    "tix tickets withdraw TICKET --yes\n"
    "tix tickets withdraw TICKET --dry-run",
)
def withdraw(ctx: typer.Context, ticket: Ticket, *, dry_run: DryRun = False) -> None:
    """Take a listing of yours off sale."""
    run = Run(ctx, ticket=ticket)

    async def preview(tix: "Tix") -> "tuple[TicketOut, TicketOut]":
        return await tix.show_ticket(ticket), await tix.preview_withdrawal(ticket)

    if dry_run:
        diff.show(run, *run.ask(preview))
        return
    if not run.options.yes:
        listing = run.ask(lambda tix: tix.show_ticket(ticket))
        run.confirm(f"Take “{listing.title}” ({_price(listing)}) off sale?")

    async def take_off(tix: "Tix") -> "TicketOut":
        await tix.withdraw_ticket(ticket)
        return await tix.show_ticket(ticket)

    gone = run.ask(take_off)
    run.out.say(f"“{gone.title}” is off sale; to put it back: tix tickets update {ticket} --relist")
    _show(run, gone)


def minor(amount: str, currency: str, field: str = "price") -> int:
    """Minor units of a typed amount. Raises Refused."""
    from client.money import shown, to_minor  # noqa: PLC0415 - the package brings httpx

    try:
        units = to_minor(amount, currency)
    except ValueError as error:
        wrong_field(field, str(error))
    if not 1 <= units <= MOST:
        wrong_field(field, f"must be from {shown(1, currency)} to {shown(MOST, currency)}")
    return units


def _price(ticket: "TicketOut") -> str:
    from client.money import shown  # noqa: PLC0415 - the package brings httpx

    return shown(ticket.price, ticket.currency)


def _show(run: Run, ticket: "TicketOut") -> None:
    run.out.one(
        ticket,
        lambda: facts(
            ("ticket", str(ticket.id)),
            ("title", ticket.title),
            ("price", _price(ticket)),
            ("status", ticket.status),
            ("venue", ticket.venue),
            ("starts", local_time(ticket.starts_at) if ticket.starts_at else None),
            ("seat", ticket.seat),
            ("external id", ticket.external_id),
            ("version", str(ticket.version)),
        ),
    )


def _columns() -> "Sequence[Column[TicketOut]]":
    return [
        Column("id", lambda t: str(t.id), lambda t: str(t.id)),
        Column("title", lambda t: t.title, lambda t: t.title, shrinks=True),
        Column("price", lambda t: t.price, _price),
        Column("currency", lambda t: t.currency, None),
        Column("venue", lambda t: t.venue, None),
        Column("startsAt", lambda t: t.model_dump(mode="json")["starts_at"], None),
        Column("seat", lambda t: t.seat, None),
        Column("status", lambda t: t.status, lambda t: t.status),
    ]
