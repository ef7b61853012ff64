"""An event as calendars read it: RFC 5545."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.orders.schemas import OrderOut

LINE = 75
"""Octets of a line, at most; the next begins with a space."""


def event(order: "OrderOut", starts_at: datetime, address: str) -> str:
    """The event of an order's ticket; `address` is the order's page. When it ends, nobody has said."""
    ticket = order.ticket
    place = ", ".join(filter(None, (ticket.venue, ticket.seat)))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tix//Tix//EN",
        "BEGIN:VEVENT",
        f"UID:{order.id}@tix",
        f"DTSTAMP:{_moment(order.updated_at)}",
        f"DTSTART:{_moment(starts_at)}",
        f"SUMMARY:{_text(ticket.title)}",
        *([f"LOCATION:{_text(place)}"] if place else []),
        f"URL:{address}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    for char in "\\;,":
        text = text.replace(char, f"\\{char}")
    return text.replace("\r\n", "\n").replace("\n", "\\n")


def _folded(line: str) -> str:
    """No character is cut in two."""
    lines, room = [""], LINE
    for char in line:
        size = len(char.encode())
        if size > room:
            lines.append(" ")
            room = LINE - 1
        lines[-1] += char
        room -= size
    return "\r\n".join(lines)
