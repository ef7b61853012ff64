"""What is kept between two runs, per profile: the last view and the tickets last seen."""

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from cli.private import write_private
from server.tickets.schemas import TicketOut
from tui.catalogue import Wish
from tui.places import kept
from tui.words import ORDER

WISH = TypeAdapter(Wish)
SHARE = 60
KEPT = 100
"""Tickets, for the first paint of the next run."""


class Memory:
    """One file; what cannot be read there is as good as nothing."""

    def __init__(self, path: Path) -> None:
        """It need not be there."""
        self._path = path
        self._state: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            found = json.loads(path.read_text(encoding="utf-8"))
            self._state = found if isinstance(found, dict) else {}

    @classmethod
    def of(cls, environ: Mapping[str, str], profile: str) -> "Memory":
        """A profile's."""
        return cls(kept(environ) / f"{profile}.json")

    @property
    def folder(self) -> Path:
        """Where it is, for what else is to be kept."""
        return self._path.parent

    @property
    def view(self) -> str | None:
        """The one that was looked at last."""
        view = self._state.get("view")
        return view if isinstance(view, str) else None

    @view.setter
    def view(self, name: str) -> None:
        self._state["view"] = name

    @property
    def theme(self) -> str | None:
        """The colours that were chosen last."""
        theme = self._state.get("theme")
        return theme if isinstance(theme, str) else None

    @theme.setter
    def theme(self, name: str) -> None:
        self._state["theme"] = name

    @property
    def share(self) -> int:
        """Percent of the width of list and details that the list has."""
        share = self._state.get("share")
        return share if isinstance(share, int) and 0 < share < 100 else SHARE  # noqa: PLR2004 - percent

    @share.setter
    def share(self, percent: int) -> None:
        self._state["share"] = percent

    def wished(self, view: str) -> Wish:
        """What was looked for there."""
        try:
            return WISH.validate_python(self._of("wishes").get(view) or {})
        except ValidationError:
            return Wish()

    def wish(self, view: str, wish: Wish) -> None:
        """Keep what is looked for."""
        kept = {"text": wish.text, "status": wish.status, "sort": wish.sort}
        self._state["wishes"] = {**self._of("wishes"), view: kept}

    def booked(self) -> tuple[str, str | None]:
        """The role in which orders were looked at, and of which status."""
        role, status = (self._of("orders").get(name) for name in ("role", "status"))
        return "seller" if role == "seller" else "buyer", status if status in ORDER else None

    def book(self, role: str, status: str | None) -> None:
        """Keep which orders are looked at."""
        self._state["orders"] = {"role": role, "status": status}

    def browsed(self) -> tuple[list[TicketOut], float]:
        """What was found, and when, in seconds since 1970."""
        try:
            tickets = [TicketOut.model_validate(one) for one in self._state.get("tickets", ())]
            return tickets, float(self._state.get("seen", 0))
        except (TypeError, ValueError):
            return [], 0

    def browse(self, tickets: Iterable[TicketOut]) -> None:
        """Keep it for the next time."""
        first = [ticket.model_dump(mode="json", by_alias=True) for ticket in islice(tickets, KEPT)]
        self._state |= {"tickets": first, "seen": time.time()}

    def _of(self, name: str) -> dict[str, Any]:
        found = self._state.get(name)
        return found if isinstance(found, dict) else {}

    def save(self) -> None:
        """To the disk; where that cannot be, the next run begins afresh."""
        with suppress(OSError):
            write_private(self._path, json.dumps(self._state))
