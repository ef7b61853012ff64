"""How things are said and marked: a state is a sign, a word and a colour, never a colour alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from cli.output import harmless
from client.errors import TixError


class Mark(NamedTuple):
    """A state as it is shown; `style` is a colour of the theme."""

    sign: str
    word: str
    style: str

    @property
    def colour(self) -> str:
        """The variable of the theme in which it can be read."""
        return f"$text-{self.style}" if self.style != "foreground" else "$foreground"

    def __str__(self) -> str:
        """Sign and word."""
        return f"{self.sign} {self.word}"


TICKET: Mapping[str, Mark] = {
    "available": Mark("●", "available", "success"),
    "reserved": Mark("◐", "reserved", "warning"),
    "sold": Mark("■", "sold", "secondary"),
    "withdrawn": Mark("✗", "withdrawn", "error"),
    "holding": Mark("…", "holding", "warning"),
}
"""`holding` is ours: a hold that was asked for and not answered yet."""

ORDER: Mapping[str, Mark] = {
    "created": Mark("◐", "held", "warning"),
    "accepted": Mark("◑", "being paid", "warning"),
    "complete": Mark("✓", "yours", "success"),
    "cancelled": Mark("✗", "given up", "secondary"),
    "expired": Mark("✗", "expired", "error"),
    "rejected": Mark("✗", "not paid", "error"),
    "revoked": Mark("↩", "taken back", "warning"),
    "refunded": Mark("↩", "refunded", "secondary"),
    "disputed": Mark("!", "disputed", "error"),
    "charged_back": Mark("↩", "charged back", "error"),
}

OUTCOME: Mapping[str, Mark] = {
    "created": Mark("+", "created", "success"),
    "updated": Mark("~", "updated", "warning"),
    "unchanged": Mark("=", "unchanged", "secondary"),
    "wrong": Mark("✗", "wrong", "error"),
}
"""Of a row of a file."""


def mark(of: Mapping[str, Mark], status: str) -> Mark:
    """The mark of a status; one of tomorrow is shown by its name."""
    return of.get(status, Mark("?", harmless(status), "foreground"))


def complaint(error: TixError) -> str:
    """A failure as a sentence or two, with each field's where it names some."""
    fields = [f"{one['field']}: {one['message']}" for one in error.errors]
    return harmless(" ".join((error.detail, *fields)))


def clock(seconds: float) -> str:
    """mm:ss, or h:mm:ss; never below zero."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def age(seconds: float) -> str:
    """How old, roughly: 12 s, 3 min, 2 h, 4 d."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def day(moment: datetime | None) -> str:
    """A date and time where this runs; empty where there is none."""
    return f"{moment.astimezone():%a %d %b %Y %H:%M}" if moment else ""


def spelt(seconds: float) -> str:
    """A length of time in words: 2 minutes, 1 minute 30 seconds, 1 second; never below zero."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    parts = [
        f"{count} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((minutes, "minute"), (rest, "second"))
        if count
    ]
    return " ".join(parts) or "0 seconds"


def sentence(text: str) -> str:
    """With a full stop and a capital, so that another may follow."""
    ended = text if text.endswith((".", "!", "?", "…")) else f"{text}."
    return ended[:1].upper() + ended[1:]
