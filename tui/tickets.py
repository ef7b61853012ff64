"""What every view that shows a ticket says of it: whether it can be held, and what can be copied."""

from collections.abc import Mapping

from server.tickets.schemas import TicketOut
from tui.session import Session


def why_not_held(session: Session, ticket: TicketOut) -> str | None:
    """Why it cannot be held, in a sentence; None: it is free and another's."""
    if session.owns(ticket.user_id):
        return "It is your own: nobody buys from oneself."
    if ticket.status == "available":
        return None
    return {
        "reserved": "Somebody holds it; it may become free again.",
        "sold": "It is sold.",
        "withdrawn": "It is not on sale any more.",
    }.get(ticket.status, f"It is {ticket.status}.")


def copies(session: Session, ticket: TicketOut, commands: Mapping[str, str]) -> dict[str, str]:
    """What can be copied of it, by what it is called; `commands` among it."""
    found = {"id": str(ticket.id)}
    if session.shop:
        found["address"] = f"{session.shop.rstrip('/')}/tickets/{ticket.id}"
    return {**found, **commands, "JSON": ticket.model_dump_json(by_alias=True)}  # long, so last
