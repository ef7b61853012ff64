"""tickets' public contract."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from server.kit.schemas import Answer, Body, Moment, Text

FIRST_YEAR, LAST_YEAR = 1970, 9000
MAX_VERSION = 2**31 - 1
MOST_ITEMS = 1000
RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


# What Stripe charges cards in: https://docs.stripe.com/currencies
CURRENCIES = frozenset(
    """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf
    clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf
    idr ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur
    mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr
    sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf
    yer zar zmw
    """.split()  # noqa: SIM905 - a table to read, not 133 quoted strings
)


def _accepted(currency: str) -> str:
    if currency not in CURRENCIES:
        raise ValueError("must be a currency code of three lower-case letters, like usd")
    return currency


def _written(value: object) -> object:
    """RFC 3339 (seconds may be left out); pydantic alone also takes a number in quotes for a time."""
    if not isinstance(value, str):
        return value
    try:
        if RFC3339.fullmatch(value):
            return datetime.fromisoformat(value.upper())
    except ValueError:
        pass
    raise ValueError("must be a time with its offset, like 2030-05-01T20:00:00Z")


def _sane(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:  # beyond it, a change of offset leaves the calendar
        raise ValueError(f"the year must be between {FIRST_YEAR} and {LAST_YEAR}")
    return moment.astimezone(UTC)  # PostgreSQL reads no offset beyond 15:59, Python any below 24:00


StartsAt = Annotated[Moment, BeforeValidator(_written), AfterValidator(_sane)]
Title = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Venue = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
SeatName = Annotated[Text, StringConstraints(min_length=1, max_length=60)]
ExternalId = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
DEAREST = 99_999_999
"""Minor units: Stripe's largest amount, 999,999.99."""
Price = Annotated[int, Field(ge=1, le=DEAREST)]
Currency = Annotated[str, AfterValidator(_accepted)]
Status = Literal["available", "reserved", "sold", "withdrawn"]
Sort = Literal["createdAt", "-createdAt", "price", "-price", "startsAt"]


class Listing(Body):
    """A whole listing: what is left out is null, and the currency usd."""

    title: Title
    price: Price
    currency: Currency = "usd"
    venue: Venue | None = None
    starts_at: StartsAt | None = None
    seat: SeatName | None = None


class NewTicket(Listing):
    """What a seller lists."""

    external_id: ExternalId | None = None


class Named(Body):
    """The externalId that an address holds."""

    external_id: ExternalId


class BatchItem(Listing):
    """One listing of a batch, known by its externalId."""

    external_id: ExternalId


class Batch(Body):
    """Listings to create or bring up to date; what is wrong with one is said of that one."""

    items: Annotated[list[Any], Field(max_length=MOST_ITEMS)]
    atomic: bool = False


class TicketEdit(Body):
    """An edit of a listing: fields left out stay; `version` (or If-Match) is the one that was read."""

    version: Annotated[int, Field(ge=0, le=MAX_VERSION)] | None = None
    title: Title | None = None
    price: Price | None = None
    currency: Currency | None = None
    venue: Venue | None = None
    starts_at: StartsAt | None = None
    seat: SeatName | None = None
    external_id: ExternalId | None = None
    withdrawn: bool | None = None


class TicketQuery(Body):
    """How a list is narrowed, sorted and paged."""

    q: Annotated[Text, StringConstraints(max_length=200)] | None = None
    status: Status | None = None
    min_price: Annotated[int, Field(ge=0, le=DEAREST)] | None = None
    max_price: Annotated[int, Field(ge=0, le=DEAREST)] | None = None
    sort: Sort = "-createdAt"
    user_id: UUID | None = None
    external_id: Annotated[Text, StringConstraints(max_length=100)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, StringConstraints(max_length=500)] | None = None


class EventsQuery(Body):
    """Whose changes: everybody's, or with `userId=me` one's own."""

    user_id: Literal["me"] | None = None


def _yes_or_no(value: object) -> object:
    return {"true": True, "false": False}.get(str(value), value)


class DryRun(Body):
    """`?dryRun=true`: check everything, write nothing."""

    dry_run: Annotated[bool, BeforeValidator(_yes_or_no)] = False


class TicketOut(Answer):
    """A ticket as everyone sees it; `price` in minor units."""

    id: UUID
    title: str
    price: int
    currency: str
    venue: str | None
    starts_at: Moment | None
    seat: str | None
    external_id: str | None
    user_id: UUID
    order_id: UUID | None
    status: Status
    version: int
    created_at: Moment
    updated_at: Moment


class TicketPreview(TicketOut):
    """What a write would have answered."""

    dry_run: Literal[True] = True


class TicketUpserted(TicketOut):
    """A listing after an upsert; `changed` is false when it was so before: nothing was written or told."""

    changed: bool


class UpsertPreview(TicketUpserted):
    """What an upsert would have answered."""

    dry_run: Literal[True] = True


def _absent(value: object) -> bool:
    return value is None


class FieldError(Answer):
    """What is wrong with one field."""

    field: str
    message: str


class ItemError(Answer):
    """Why one listing of a batch was refused: a problem document's `code`, `detail` and `errors`."""

    code: str
    detail: str
    errors: Annotated[list[FieldError] | None, Field(exclude_if=_absent)] = None


class BatchResult(Answer):
    """What became of the item at `index`; `before`, in a dry run, is what an update would replace."""

    index: int
    status: Literal["created", "updated", "unchanged", "error"]
    ticket: Annotated[TicketOut | None, Field(exclude_if=_absent)] = None
    before: Annotated[TicketOut | None, Field(exclude_if=_absent)] = None
    error: Annotated[ItemError | None, Field(exclude_if=_absent)] = None


class BatchOut(Answer):
    """A result for each item, in their order."""

    results: list[BatchResult]


class BatchPreview(BatchOut):
    """What a batch would have answered."""

    dry_run: Literal[True] = True
