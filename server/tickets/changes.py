"""tickets' changes for those who follow them: each ticket as the list shows it."""

from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

from sanic import Blueprint, HTTPResponse, Request

from server import events
from server.kit.auth import Principal
from server.kit.feed import Change, Heard
from server.kit.http import parse_query, requires
from server.kit.reference import Doc
from server.kit.sse import REFUSES, RESUME, Streams, Told
from server.tickets import service
from server.tickets.schemas import EventsQuery, TicketOut

REMEMBERED = 20_000
"""Tickets of which it is known what was told last."""
EVERYBODY = "tickets"

Version = tuple[int, int]
"""Of the listing and of the seat: either rises with every change that can be seen."""


def of_seller(user_id: UUID) -> str:
    """The topic of one seller's tickets."""
    return f"tickets of {user_id}"


class Changes:
    """Events → tickets. What changes nothing is left out: a verdict said again, say."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._told: OrderedDict[UUID, Version] = OrderedDict()

    async def __call__(self, heard: Sequence[Heard]) -> list[Change]:
        """A change for each event that moved a ticket, all with the ticket as it is now or was later."""
        news = [(one.seq, *about) for one in heard if (about := _about(one.event))]
        if not news:
            return []
        seats = [one.event.seat for one in heard if isinstance(one.event, events.SeatMoved)]
        found = await service.find_after(ids={ticket_id for _, ticket_id, _ in news}, seats=seats)
        shown = {ticket.id: (ticket, TicketOut.model_validate(ticket)) for ticket in found}
        changes = []
        for seq, ticket_id, version in news:  # nothing is awaited from here on: it is told, or asked again
            if ticket_id in shown and self._is_news(ticket_id, version):
                ticket, answer = shown[ticket_id]
                told = Told("ticket", answer.model_dump_json(by_alias=True))
                changes.append(Change(seq, (EVERYBODY, of_seller(ticket.user_id)), told))
        return changes

    def _is_news(self, ticket_id: UUID, version: Version) -> bool:
        known = self._told.pop(ticket_id, (-1, -1))
        self._told[ticket_id] = (max(known[0], version[0]), max(known[1], version[1]))
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return self._told[ticket_id] != known


def _about(event: object) -> tuple[UUID, Version] | None:
    match event:
        case events.TicketCreated(ticket=listing) | events.TicketUpdated(ticket=listing):
            return listing.id, (listing.version, -1)
        case events.SeatMoved(seat=seat):
            return seat.ticket_id, (-1, seat.seat_version)
    return None


WATCH = Doc(
    "Tickets as they change: `ticket` events after `ready` or `reset`. userId=me, with a token: one's own.",
    {200: "Server-Sent Events (text/event-stream)."},
    query=EventsQuery,
    headers=RESUME,
    refuses=REFUSES,
)


def routes(*, streams: Streams) -> Blueprint:
    """The endpoint of tickets' changes."""
    bp = Blueprint("ticket-changes")

    @bp.get("/api/tickets/events", ctx_service="tickets", ctx_doc=WATCH)
    async def watch_tickets(request: Request) -> HTTPResponse | None:
        if parse_query(EventsQuery, request).user_id is None:
            return await streams.serve(request, View(EVERYBODY), reader=None)
        return await watch_own_tickets(request)

    @requires("tickets:read")
    async def watch_own_tickets(request: Request, seller: Principal) -> HTTPResponse | None:
        return await streams.serve(request, View(of_seller(seller.id)), reader=seller)

    return bp


class View:
    """What one client follows: everybody's tickets, or a seller's."""

    extra = ""
    is_over = False

    def __init__(self, topic: str) -> None:
        """EVERYBODY, or `of_seller`."""
        self.topic = topic

    async def first(self) -> Sequence[Told]:
        """Nothing: who begins reads the list."""
        return ()

    async def tell(self, change: Change) -> Told:
        """The ticket, rendered once for all."""
        told: Told = change.about
        return told
