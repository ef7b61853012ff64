"""The calls of those who sell by script: listings by their own ids, a thousand at a time, and dry runs."""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel

from client.http import Connection, new_key
from server.tickets.schemas import (
    BatchItem,
    BatchOut,
    Listing,
    NewTicket,
    TicketEdit,
    TicketPreview,
    TicketUpserted,
)

A = TypeVar("A", bound=BaseModel)
DRY: Mapping[str, str] = {"dryRun": "true"}


class Listings(Connection):
    """A part of `Tix`. What is called `preview` is checked by the server, which does nothing."""

    async def upsert_ticket(self, external_id: str, listing: Listing) -> TicketUpserted:
        """Have one's listing of this id be as said. Raises Conflict `ticket_reserved`, …, Invalid."""
        path = f"/api/tickets/by-external-id/{quote(external_id, safe='')}"
        return await self._ask(TicketUpserted, "PUT", path, body=listing)

    async def upsert_tickets(
        self,
        items: Sequence[BatchItem],
        *,
        atomic: bool = False,
        dry_run: bool = False,
        key: str | None = None,
    ) -> BatchOut:
        """The same for up to 1,000 of them and 1 MiB, a result each. Raises Conflict `batch_refused`, ….

        In a dry run an update comes with what it would replace, `before`.
        """
        body = {
            "items": [item.model_dump(mode="json", by_alias=True, exclude_unset=True) for item in items],
            "atomic": atomic,
        }
        query = DRY if dry_run else None
        return await self._ask(
            BatchOut, "POST", "/api/tickets/batch", query=query, body=body, key=key or new_key()
        )

    async def preview_ticket(self, listing: NewTicket) -> TicketPreview:
        """What `create_ticket` would answer. Raises what it would."""
        return await self._ask(TicketPreview, "POST", "/api/tickets", query=DRY, body=listing)

    async def preview_update(self, ticket_id: UUID | str, edit: TicketEdit) -> TicketPreview:
        """What `update_ticket` would answer. Raises what it would."""
        return await self._ask(TicketPreview, "PUT", _path(ticket_id), query=DRY, body=edit)

    async def preview_withdrawal(self, ticket_id: UUID | str) -> TicketPreview:
        """The ticket as `withdraw_ticket` would leave it. Raises what it would."""
        return await self._ask(TicketPreview, "DELETE", _path(ticket_id), query=DRY)


def _path(ticket_id: UUID | str) -> str:
    return f"/api/tickets/{quote(str(ticket_id), safe='')}"
