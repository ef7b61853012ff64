"""Pages of sellers: one's own listings, a new one, and its changes."""

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar, get_args
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sanic import Blueprint, HTTPResponse, Request

from client import Conflict, Forbidden, Invalid
from client.money import written
from server.tickets.schemas import CURRENCIES, NewTicket, Status, TicketEdit, TicketOut, TicketQuery
from server.web.asking import is_at_work, signed_in
from server.web.forms import Form, Wrong, fields, key_of, paged, read, read_price
from server.web.render import WORDS, page, see

B = TypeVar("B", bound=BaseModel)
PER_PAGE = 20
LABELS: Mapping[str, str] = {
    "title": "Title",
    "price": "Price",
    "currency": "Currency",
    "venue": "Venue",
    "seat": "Seat",
    "startsAt": "Starts",
}
"""What a listing is made of, in the order of the form."""
NAMES: Mapping[str, str] = {**{name: label.lower() for name, label in LABELS.items()}, "startsAt": "start"}
"""And what a sentence calls it."""
EDITABLE = tuple(name for name in LABELS if name != "currency")
NARROWED: Mapping[str, str] = {"status": "status", "cursor": "page"}
LOWEST = 1
"""Minor units."""
CODES = [(code, code.upper()) for code in sorted(CURRENCIES)]
NEEDED = ("title", "price")
LONGEST_VERSION = 10
DONE: Mapping[str, str] = {
    "listed": "Listed. Buyers can find it now.",
    "saved": "Saved.",
    "withdrawn": "Withdrawn. Nobody can find or reserve it any more; you can list it again.",
    "relisted": "Listed again. Buyers can find it now.",
}
"""What a page says by the word in its address: never a text from the address itself."""


def pages() -> Blueprint:
    """List, edit, withdraw, list again."""
    routes = Blueprint("sell")
    routes.add_route(show_listings, "/sell", name="listings")
    routes.add_route(show_new, "/sell/new", name="new")
    routes.add_route(list_ticket, "/sell/new", methods=["POST"], name="list ticket")
    routes.add_route(go_to_edit, "/sell/<ticket_id>", name="listing")
    routes.add_route(show_edit, "/sell/<ticket_id>/edit", name="edit")
    routes.add_route(save_ticket, "/sell/<ticket_id>/edit", methods=["POST"], name="save")
    routes.add_route(withdraw_ticket, "/sell/<ticket_id>/withdraw", methods=["POST"], name="withdraw")
    routes.add_route(relist_ticket, "/sell/<ticket_id>/relist", methods=["POST"], name="relist")
    return routes


async def show_listings(request: Request) -> HTTPResponse:
    """The visitor's own listings, newest first; withdrawn ones when asked for."""
    asked = {name: request.args.get(name, "") for name in NARROWED}
    tix = signed_in(request)
    try:
        query = read(TicketQuery, {**asked, "limit": PER_PAGE}, NARROWED)
        own = query.model_copy(update={"user_id": UUID(request.ctx.visitor.user_id)})
        found = await tix.list_tickets(own)
    except Invalid as error:
        return _listings(request, Form(asked, Wrong.of(error, NARROWED).errors), [], None)
    except Wrong as error:
        return _listings(request, Form(asked, error.errors), [], None)
    return _listings(request, Form(asked), found.items, found.next_cursor)


async def show_new(request: Request) -> HTTPResponse:
    """The form."""
    signed_in(request)
    return _new(request, Form({"currency": "usd"}))


async def list_ticket(request: Request) -> HTTPResponse:
    """On to the listings; 422 with the form."""
    tix = signed_in(request)
    given = fields(request)
    typed = {name: given.get(name, "").strip() for name in LABELS}
    try:
        await tix.create_ticket(_new_ticket(typed), key=key_of(given))
    except Invalid as error:
        return _new(request, Form(typed, Wrong.of(error, NAMES).errors), 422)
    except Wrong as error:
        return _new(request, Form(typed, error.errors), 422)
    except Conflict as error:
        if not is_at_work(error):
            raise
        return see("/sell")
    return see("/sell?done=listed")


async def go_to_edit(_: Request, ticket_id: str) -> HTTPResponse:
    """Where a listing is edited."""
    return see(f"/sell/{quote(ticket_id, safe='%')}/edit")


async def show_edit(request: Request, ticket_id: str) -> HTTPResponse:
    """The form, or why the listing cannot be edited now."""
    ticket = await _own(request, ticket_id)
    return _edit(request, ticket, Form(_typed(ticket)))


async def save_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """Change what was changed in the form; 409 with what somebody else changed meanwhile, 422 with the form.

    A form brings along what it showed, so that a field that was left alone is not sent: nobody else's
    change of it is undone.
    """
    ticket = await _own(request, ticket_id)
    given = fields(request)
    now = _typed(ticket)
    typed = {name: given.get(name, now[name]).strip() for name in EDITABLE}
    touched = [name for name in EDITABLE if typed[name] != given.get(f"was-{name}", "")]
    changed = {name: typed[name] for name in touched}
    try:
        edit = _ticket_edit(changed, given.get("version", ""), ticket.currency)
        await signed_in(request).update_ticket(ticket.id, edit)
    except Invalid as error:
        return _edit(request, ticket, Form(typed, Wrong.of(error, NAMES).errors), 422)
    except Wrong as error:
        return _edit(request, ticket, Form(typed, error.errors), 422)
    except Conflict as error:
        newest = await _own(request, ticket_id)
        if error.code != "version_conflict":
            return _edit(request, newest, Form(typed, {"": error.detail}), 409)
        return _changed_meanwhile(request, newest, given, changed)
    return see(f"/sell/{ticket.id}/edit?done=saved")


async def withdraw_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """Off sale; 409 with the reason."""
    ticket = await _own(request, ticket_id)
    try:
        await signed_in(request).withdraw_ticket(ticket.id)
    except Conflict as error:
        return await _refused(request, ticket_id, error)
    return see(f"/sell/{ticket.id}/edit?done=withdrawn")


async def relist_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """On sale again; pressed twice, the same."""
    ticket = await _own(request, ticket_id)
    if ticket.status == "withdrawn":
        try:
            edit = TicketEdit(version=ticket.version, withdrawn=False)
            await signed_in(request).update_ticket(ticket.id, edit)
        except Conflict as error:
            return await _refused(request, ticket_id, error)
    return see(f"/sell/{ticket.id}/edit?done=relisted")


# --- what was typed ---------------------------------------------------------------------------------------


def _checked(model: type[B], typed: Mapping[str, str | None], currency: str, **more: object) -> B:
    """What was typed as the service takes it: price and time are written otherwise there. Raises Wrong."""
    errors: dict[str, str] = {}
    given: dict[str, object] = {**typed, **more}
    if price := typed.get("price"):
        try:
            given["price"] = read_price(price, currency, lowest=LOWEST)
        except ValueError as error:
            errors["price"] = str(error)
            given["price"] = LOWEST  # the other fields are looked at all the same
    if starts := typed.get("startsAt"):
        given["startsAt"] = f"{starts}Z"
    try:
        made = model.model_validate(given, by_alias=True, by_name=False)
    except ValidationError as error:
        found = {**_for_people(Wrong.of(error, NAMES).errors), **errors}
        raise Wrong({name: found[name] for name in ("", *LABELS) if name in found}) from error
    if errors:
        raise Wrong(errors)
    return made


def _for_people(errors: Mapping[str, str]) -> dict[str, str]:
    """What a schema says of offsets, said as people write times."""
    told = dict(errors)
    if "offset" in told.get("startsAt", ""):
        told["startsAt"] = "Write the start as a date and a time, like 2030-05-01T20:00."
    return told


def _new_ticket(typed: Mapping[str, str]) -> NewTicket:
    filled = {name: text for name, text in typed.items() if text}
    return _checked(NewTicket, filled, filled.get("currency", "usd"))


def _ticket_edit(changed: Mapping[str, str], version: str, currency: str) -> TicketEdit:
    """An emptied field becomes null, where it may. Raises Wrong."""
    if empty := [name for name in NEEDED if changed.get(name) == ""]:
        raise Wrong({name: f"Fill in the {NAMES[name]}." for name in empty})
    if not (version.isascii() and version.isdigit() and len(version) < LONGEST_VERSION):
        raise Wrong({"": "The form is not whole. Reload the page and try again."})
    emptied = {name: text or None for name, text in changed.items()}
    return _checked(TicketEdit, emptied, currency, version=int(version))


def _typed(ticket: TicketOut) -> dict[str, str]:
    """A listing as its form shows it."""
    return {
        "title": ticket.title,
        "price": written(ticket.price, ticket.currency),
        "venue": ticket.venue or "",
        "seat": ticket.seat or "",
        "startsAt": _local(ticket.starts_at) if ticket.starts_at else "",
    }


def _local(at: datetime) -> str:
    """As a datetime-local field wants it, in UTC."""
    utc = at.astimezone(UTC).replace(tzinfo=None)
    finest = "milliseconds" if utc.microsecond else "seconds" if utc.second else "minutes"
    return utc.isoformat(timespec=finest)


def _command(values: Mapping[str, str], currency: str) -> str:
    """The same listing from the command line, quoted for a shell."""
    starts = values.get("startsAt")
    options = {
        "--title": values.get("title") or "Front row",
        "--price": values.get("price") or "45.00",
        "--currency": currency if currency != "usd" else "",
        "--venue": values.get("venue"),
        "--seat": values.get("seat"),
        "--starts-at": f"{starts}Z" if starts else "",
    }
    words = [word for option, value in options.items() if value for word in (option, value)]
    return shlex.join(["tix", "tickets", "create", *words])


# --- pages ------------------------------------------------------------------------------------------------


async def _own(request: Request, ticket_id: str) -> TicketOut:
    """The visitor's own listing. Raises Unauthenticated, NotFound, Forbidden."""
    ticket = await signed_in(request).show_ticket(ticket_id)
    if str(ticket.user_id) != request.ctx.visitor.user_id:
        raise Forbidden("Only its seller may change this ticket.", code="not_owner", status=403)
    return ticket


def _done(request: Request) -> str | None:
    return DONE.get(request.args.get("done", ""))


def _listings(request: Request, form: Form, tickets: list[TicketOut], following: str | None) -> HTTPResponse:
    return page(
        request,
        "sell.html",
        422 if form.errors else 200,
        form=form,
        tickets=tickets,
        statuses=[("", "All but withdrawn"), *((status, WORDS[status]) for status in get_args(Status))],
        done=_done(request),
        **paged("/sell", form, following),
    )


def _new(request: Request, form: Form, status: int = 200) -> HTTPResponse:
    currency = form.value("currency") if form.value("currency") in CURRENCIES else "usd"
    command = _command(form.values, currency)
    return page(request, "sell_new.html", status, form=form, currencies=CODES, command=command)


def _edit(
    request: Request,
    ticket: TicketOut,
    form: Form,
    status: int = 200,
    meanwhile: list[tuple[str, str, str | None]] | None = None,
) -> HTTPResponse:
    return page(
        request,
        "sell_edit.html",
        status,
        ticket=ticket,
        form=form,
        was=_typed(ticket),
        meanwhile=meanwhile or [],
        command=_command(_typed(ticket), ticket.currency),
        done=_done(request),
    )


async def _refused(request: Request, ticket_id: str, error: Conflict) -> HTTPResponse:
    ticket = await _own(request, ticket_id)
    return _edit(request, ticket, Form(_typed(ticket), {"": error.detail}), 409)


def _changed_meanwhile(
    request: Request, newest: TicketOut, given: Mapping[str, str], changed: Mapping[str, str]
) -> HTTPResponse:
    """What is new beside what was typed, in a form on the new version.

    If all that was typed is there already, it was sent twice.
    """
    now = _typed(newest)
    if all(now[name] == text for name, text in changed.items()):
        return see(f"/sell/{newest.id}/edit?done=saved")
    meanwhile = [
        (LABELS[name], now[name], changed.get(name))
        for name in EDITABLE
        if now[name] != given.get(f"was-{name}", "") and now[name] != changed.get(name)
    ]
    form = Form({**now, **changed}, {"": "The listing was changed meanwhile. Look at both, then save again."})
    return _edit(request, newest, form, 409, meanwhile)
