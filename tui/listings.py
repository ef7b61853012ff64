"""A listing between a form, where all is text, and the API."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cli.output import harmless
from cli.wording import wording
from client import TixError
from client.money import shown, to_minor, written
from server.tickets.schemas import DEAREST, NewTicket, TicketEdit, TicketOut

M = TypeVar("M", bound=BaseModel)
LABELS: Mapping[str, tuple[str, str]] = {
    "title": ("title", "what it is for"),
    "price": ("price", "45.00"),
    "currency": ("currency", "usd"),
    "venue": ("venue", "where it takes place"),
    "starts_at": ("starts", "2027-05-01 20:00 (your time), or with its offset"),
    "seat": ("seat", "B 12"),
    "external_id": ("your id", "once among your listings"),
}
"""Field → what it is called, and what may be typed."""
OTHERS = {"startsAt": "starts_at", "externalId": "external_id"}
WHEN = "write it as 2027-05-01 20:00 in your time, or with its offset"
NEEDED = frozenset({"title", "price", "currency"})


class Mistyped(Exception):
    """What was typed is no listing."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Field → sentence."""
        super().__init__()
        self.errors = errors


def texts(ticket: TicketOut | None) -> dict[str, str]:
    """Field → as it is typed."""
    if ticket is None:
        return {**dict.fromkeys(LABELS, ""), "currency": "usd"}
    starts = f"{ticket.starts_at.astimezone():%Y-%m-%d %H:%M}" if ticket.starts_at else ""
    found = {name: getattr(ticket, name) or "" for name in LABELS}
    found |= {"price": written(ticket.price, ticket.currency), "starts_at": starts}
    return {name: harmless(text) for name, text in found.items()}


def new_ticket(typed: Mapping[str, str]) -> NewTicket:
    """A new listing. Raises Mistyped."""
    given = {name: text for name, text in typed.items() if text or name in NEEDED}
    return _checked(NewTicket, given, given["currency"].lower())


def edit_of(ticket: TicketOut, changed: Mapping[str, str]) -> TicketEdit:
    """An edit of what was changed; an empty text takes a field away. Raises Mistyped."""
    given = {name: text if text or name in NEEDED else None for name, text in changed.items()}
    edit = _checked(TicketEdit, given, ticket.currency)
    return edit.model_copy(update={"version": ticket.version})


def words(typed: Mapping[str, str]) -> tuple[str, ...]:
    """The same for the command line."""
    given = dict(typed)
    if given.get("starts_at"):
        with suppress(ValueError, OverflowError):
            given["starts_at"] = _moment(given["starts_at"])
    return tuple(word for name, text in given.items() for word in (f"--{name.replace('_', '-')}", text))


def _checked(model: type[M], typed: Mapping[str, str | None], currency: str) -> M:
    values: dict[str, Any] = dict(typed)
    errors: dict[str, str] = {}
    if values.get("currency") is not None:
        values["currency"] = currency
    if "price" in values:
        try:
            values["price"] = _amount(values["price"], currency)
        except ValueError as error:
            errors["price"] = str(error)
            values["price"] = 1  # the others are checked all the same
    if values.get("starts_at"):
        try:
            values["starts_at"] = _moment(values["starts_at"])
        except (ValueError, OverflowError):
            errors["starts_at"] = WHEN
            del values["starts_at"]
    try:
        checked = model.model_validate(values, strict=False)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        found = {field_of(str(problem["loc"][0])): wording(problem) for problem in problems}
        raise Mistyped({**found, **errors}) from error
    if errors:
        raise Mistyped(errors)
    return checked


def _amount(text: str, currency: str) -> int:
    amount = to_minor(text, currency)
    if not 1 <= amount <= DEAREST:
        raise ValueError(f"must be from {shown(1, currency)} to {shown(DEAREST, currency)}")
    return amount


def _moment(text: str) -> str:
    """With an offset: one's own where none is typed. Raises ValueError and OverflowError."""
    moment = datetime.fromisoformat(text)
    return text if moment.tzinfo else moment.astimezone().isoformat()


def field_of(name: str) -> str:
    """Our field of a name in JSON."""
    return OTHERS.get(name, name)


def errors_of(error: TixError) -> dict[str, str]:
    """What the server says of single fields; those we do not know are not among them."""
    found = {field_of(one["field"]): one["message"] for one in error.errors}
    if error.code == "external_id_taken":
        found.setdefault("external_id", error.detail)
    return {name: message for name, message in found.items() if name in LABELS}
