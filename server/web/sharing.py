"""What a ticket's page tells search engines and chats: schema.org's Event and Offer."""

from collections.abc import Mapping
from typing import Any

from client.money import shown, written
from server.kit.schemas import rfc3339
from server.tickets.schemas import TicketOut

AVAILABILITY: Mapping[str, str] = {
    "available": "InStock",
    "reserved": "Reserved",
    "sold": "SoldOut",
    "withdrawn": "Discontinued",
}
"""https://schema.org/ItemAvailability."""


def event_of(ticket: TicketOut, address: str) -> dict[str, Any]:
    """A ticket as https://schema.org/Event, which has one offer; what is not known is left out."""
    made: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": ticket.title,
        "url": address,
        "offers": {
            "@type": "Offer",
            "price": written(ticket.price, ticket.currency),
            "priceCurrency": ticket.currency.upper(),
            "availability": f"https://schema.org/{AVAILABILITY[ticket.status]}",
            "validFrom": rfc3339(ticket.created_at),
            "url": address,
        },
    }
    if ticket.starts_at:
        made["startDate"] = rfc3339(ticket.starts_at)
        made["eventStatus"] = "https://schema.org/EventScheduled"
    if ticket.venue:
        # Search engines want an address, and take a line of text for one; a seller gives no other.
        made["location"] = {"@type": "Place", "name": ticket.venue, "address": ticket.venue}
    return made


def in_short(ticket: TicketOut) -> str:
    """A line about it: `45.00 USD · Town Hall · A 12`."""
    return " · ".join(filter(None, (shown(ticket.price, ticket.currency), ticket.venue, ticket.seat)))
