"""What is kept between two runs, per profile: the last view and the tickets last seen."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from server.tickets.schemas import TicketOut
from tui.catalogue import Wish
from tui.places import kept

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

    def browsed(self) -> tuple[Wish, list[TicketOut]]:
        """What was looked for, and what was found."""
        wish = self._state.get("wish")
        try:
            tickets = [TicketOut.model_validate(one) for one in self._state.get("tickets", ())]
            return WISH.validate_python(wish or {}), tickets
        except (TypeError, ValidationError):
            return Wish(), []

    def wish(self, wish: Wish) -> None:
        """Keep what is looked for."""
        self._state["wish"] = {"text": wish.text, "status": wish.status, "sort": wish.sort}

    def browse(self, wish: Wish, tickets: Iterable[TicketOut]) -> None:
        """Keep it for the next time."""
        self.wish(wish)
        first = [
            ticket.model_dump(mode="json", by_alias=True)
            for ticket, _ in zip(tickets, range(KEPT), strict=False)
        ]
        self._state["tickets"] = first

    def save(self) -> None:
        """To the disk; where that cannot be, the next run begins afresh."""
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(self._state), encoding="utf-8")
            fresh.chmod(0o600)
            fresh.replace(self._path)
