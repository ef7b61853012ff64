"""tickets over HTTP."""

from functools import lru_cache, partial
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from pydantic import ValidationError
from sanic import Blueprint, HTTPResponse, Request

from server.kit import limits
from server.kit.answers import Answer
from server.kit.auth import Principal
from server.kit.cursors import decode_cursor, encode_cursor
from server.kit.errors import DomainError, Invalid
from server.kit.gather import Shared
from server.kit.http import invalid, keyed, parse, parse_query, path_id, read_query, reply, requires, stored
from server.kit.kept import Kept, Snapshot
from server.kit.reference import Doc
from server.kit.schemas import Page
from server.tickets import service
from server.tickets.models import Ticket, TicketNotFound, TicketReserved, TicketSold, VersionConflict, etag
from server.tickets.schemas import (
    Batch,
    BatchItem,
    BatchOut,
    BatchPreview,
    BatchResult,
    DryRun,
    ItemError,
    Listing,
    Named,
    NewTicket,
    TicketEdit,
    TicketOut,
    TicketPreview,
    TicketQuery,
    TicketUpserted,
    UpsertPreview,
)

CREATE = Doc(
    "List a ticket.",
    {201: TicketOut},
    body=NewTicket,
    query=DryRun,
    keyed=True,
    refuses=(service.ExternalIdTaken,),
)
SEARCH = Doc(
    "Tickets, newest first unless sorted; withdrawn ones only if asked for.",
    {200: Page[TicketOut]},
    query=TicketQuery,
)
SHOW = Doc(
    "A ticket, with an ETag.",
    {200: TicketOut, 304: "As it was."},
    headers={"If-None-Match": "the ETag of what one has"},
    refuses=(TicketNotFound,),
)
UPDATE = Doc(
    "Change a listing as it was read: version, or If-Match, says which that was.",
    {200: TicketOut},
    body=TicketEdit,
    query=DryRun,
    headers={"If-Match": "the ETag of what was read, instead of version"},
    refuses=(
        service.NotOwner,
        TicketNotFound,
        VersionConflict,
        TicketReserved,
        TicketSold,
        service.ExternalIdTaken,
        service.CurrencyImmutable,
    ),
)
WITHDRAW = Doc(
    "Take a listing off sale. Again does nothing.",
    {204: "It is off sale."},
    query=DryRun,
    refuses=(service.NotOwner, TicketNotFound, TicketReserved, TicketSold),
)
UPSERT = Doc(
    "Have one's listing of this id be as said; `changed` tells whether it was not.",
    {200: TicketUpserted, 201: TicketUpserted},
    body=Listing,
    query=DryRun,
    refuses=(TicketReserved, TicketSold, service.CurrencyImmutable),
)
BATCH = Doc(
    "The same for up to 1,000, a result each; atomic: all of them or none.",
    {200: BatchOut},
    body=Batch,
    query=DryRun,
    keyed=True,
    refuses=(service.BatchRefused,),
)

PAGES = 200
"""Kept, 42 kB each at most."""
TICKETS = 5000
"""Kept, some 1 kB each."""


def routes() -> Blueprint:
    """tickets' endpoints."""
    bp = Blueprint("tickets")
    snapshot = Snapshot("tickets")
    shared = Shared(_page)  # while there are writes, too
    pages = Kept[TicketQuery, bytes](snapshot, most=PAGES)
    tickets = Kept[UUID, tuple[str, bytes]](snapshot, most=TICKETS)

    @bp.post("/api/tickets", ctx_service="tickets", ctx_doc=CREATE)
    @requires("tickets:write")
    async def create_ticket(request: Request, seller: Principal) -> HTTPResponse:
        body, dry = parse(NewTicket, request), parse_query(DryRun, request).dry_run
        ticket = await service.create_ticket(
            user_id=seller.id,
            listing=body.model_dump(),
            dry_run=dry,
            once=None
            if dry
            else keyed(
                request, seller, lambda made: stored(201, TicketOut.model_validate(made), _etag(made))
            ),
        )
        return (
            _preview(ticket) if dry else reply(TicketOut.model_validate(ticket), 201, headers=_etag(ticket))
        )

    @bp.get("/api/tickets", ctx_service="tickets", ctx_doc=SEARCH)
    async def search_tickets(request: Request) -> HTTPResponse:
        query = _asked(request.query_string)
        page = await pages.get(query, partial(shared.get, query))
        return Answer(page, content_type="application/json")

    @bp.get("/api/tickets/<ticket_id:str>", ctx_service="tickets", ctx_doc=SHOW)
    async def show_ticket(request: Request, ticket_id: str) -> HTTPResponse:
        id_ = path_id(ticket_id, TicketNotFound)
        tag, ticket = await tickets.get(id_, partial(_ticket, id_))
        if _has(request, tag):
            return Answer(status=304, headers={"ETag": tag})
        return Answer(ticket, headers={"ETag": tag}, content_type="application/json")

    @bp.put("/api/tickets/<ticket_id:str>", ctx_service="tickets", ctx_doc=UPDATE)
    @requires("tickets:write")
    async def update_ticket(request: Request, seller: Principal, ticket_id: str) -> HTTPResponse:
        body, dry = parse(TicketEdit, request), parse_query(DryRun, request).dry_run
        edit = body.model_dump(exclude_unset=True, exclude={"version"})
        for name in ("title", "price", "currency", "withdrawn"):
            if name in edit and edit[name] is None:
                raise Invalid.field(name, "cannot be null")
        ticket = await service.update_ticket(
            ticket_id=path_id(ticket_id, TicketNotFound),
            user_id=seller.id,
            version=_expected_version(request, body.version),
            edit=edit,
            dry_run=dry,
        )
        return _preview(ticket) if dry else reply(TicketOut.model_validate(ticket), headers=_etag(ticket))

    @bp.delete("/api/tickets/<ticket_id:str>", ctx_service="tickets", ctx_doc=WITHDRAW)
    @requires("tickets:write")
    async def withdraw_ticket(request: Request, seller: Principal, ticket_id: str) -> HTTPResponse:
        dry = parse_query(DryRun, request).dry_run
        ticket = await service.withdraw_ticket(
            ticket_id=path_id(ticket_id, TicketNotFound), user_id=seller.id, dry_run=dry
        )
        return _preview(ticket) if dry else reply(None, 204)

    _upserts(bp)
    return bp


def _upserts(bp: Blueprint) -> None:
    """Listings by the seller's own ids, one or many."""

    @bp.put("/api/tickets/by-external-id/<external_id:str>", ctx_service="tickets", ctx_doc=UPSERT)
    @requires("tickets:write")
    async def upsert_ticket(request: Request, seller: Principal, external_id: str) -> HTTPResponse:
        body, dry = parse(Listing, request), parse_query(DryRun, request).dry_run
        done = await service.upsert_ticket(
            user_id=seller.id, listing={**body.model_dump(), **_named(external_id)}, dry_run=dry
        )
        answer = {
            **TicketOut.model_validate(done.ticket).model_dump(),
            "changed": done.status != "unchanged",
        }
        if dry:
            return reply(UpsertPreview(**answer))
        status = 201 if done.status == "created" else 200
        return reply(TicketUpserted(**answer), status, headers=_etag(done.ticket))

    @bp.post("/api/tickets/batch", ctx_service="tickets", ctx_doc=BATCH, ctx_body_limit=limits.BATCH_BODY)
    @requires("tickets:write")
    async def upsert_tickets(request: Request, seller: Principal) -> HTTPResponse:
        body, dry = parse(Batch, request), parse_query(DryRun, request).dry_run
        outcomes = await service.upsert_tickets(
            user_id=seller.id,
            listings=[_item(item) for item in body.items],
            atomic=body.atomic,
            dry_run=dry,
            once=None
            if dry
            else keyed(request, seller, lambda made: stored(200, BatchOut(results=_results(made)))),
        )
        results = _results(outcomes)
        return reply(BatchPreview(results=results) if dry else BatchOut(results=results))


@lru_cache(PAGES)
def _asked(query: str) -> TicketQuery:
    """A query string that is asked with again and again. Raises Invalid."""
    return read_query(TicketQuery, query)


async def _ticket(ticket_id: UUID) -> tuple[str, bytes]:
    """A ticket's ETag, and the ticket as it is sent. Raises TicketNotFound."""
    ticket = await service.find_ticket(ticket_id=ticket_id)
    shown = TicketOut.model_validate(ticket).model_dump_json(by_alias=True)
    return etag(ticket["version"], ticket["seat_version"]), shown.encode()


async def _page(query: TicketQuery) -> bytes:
    """A page of the list, as it is sent."""
    found = await service.search_tickets(
        **query.model_dump(exclude={"cursor", "limit"}),
        after=_after(query.cursor, query.sort),
        limit=query.limit + 1,
    )
    page, more = found[: query.limit], len(found) > query.limit
    shown = Page[TicketOut](
        items=[TicketOut.model_validate(ticket) for ticket in page],
        next_cursor=encode_cursor(query.sort, page[-1]["sort_key"], page[-1]["id"]) if more else None,
    )
    return shown.model_dump_json(by_alias=True).encode()


def _named(quoted: str) -> dict[str, Any]:
    # By hand: Sanic forgets `unquote` of a route when another router is made from the same routes.
    try:
        return Named.model_validate({"externalId": unquote(quoted, errors="strict")}).model_dump()
    except UnicodeDecodeError as error:
        raise Invalid.field("externalId", "must be UTF-8, percent-encoded") from error
    except ValidationError as error:
        raise invalid(error) from error


def _item(item: object) -> dict[str, Any] | DomainError:
    """A listing of a batch, or what is wrong with it."""
    if not isinstance(item, dict):
        return Invalid.field("item", "must be an object")
    try:
        return BatchItem.model_validate(item, by_alias=True, by_name=False).model_dump()
    except ValidationError as error:
        return invalid(error)


def _results(outcomes: list[service.Upserted | DomainError]) -> list[BatchResult]:
    return [
        BatchResult(index=index, status="error", error=ItemError.model_validate(service.told(outcome)))
        if isinstance(outcome, DomainError)
        else BatchResult(
            index=index,
            status=outcome.status,
            ticket=TicketOut.model_validate(outcome.ticket),
            before=TicketOut.model_validate(outcome.before) if outcome.before else None,
        )
        for index, outcome in enumerate(outcomes)
    ]


def _preview(ticket: Ticket) -> HTTPResponse:
    return reply(TicketPreview.model_validate(ticket))


def _has(request: Request, etag: str) -> bool:
    """Whether If-None-Match, which may be a list, names this version (RFC 9110 §13.1.2)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in given.split(",")}


def _etag(ticket: Ticket) -> dict[str, str]:
    return {"ETag": ticket.etag}


def _after(cursor: str | None, sort: str) -> tuple[str, UUID] | None:
    parts = decode_cursor(cursor, 3)
    if parts is None:
        return None
    try:
        id_ = UUID(parts[2])
    except ValueError as error:
        raise Invalid.field("cursor", "not a cursor of this list") from error
    if parts[0] != sort:
        raise Invalid.field("cursor", "made for another sort; start again without it")
    return parts[1], id_


def _expected_version(request: Request, version: int | None) -> int:
    """The version the client read: from the body, or the first part of If-Match."""
    given: Any = request.headers.get("if-match")
    if version is None and given:
        first = given.strip('" ').partition(".")[0]
        version = int(first) if first.isascii() and first.isdigit() and len(first) < 10 else None  # noqa: PLR2004
    if version is None:
        raise Invalid.field("version", "send the version you read, or If-Match")
    return version
