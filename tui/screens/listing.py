"""The form for a listing: a new one, or one's own to change."""

from collections.abc import Iterable, Mapping
from typing import ClassVar
from uuid import uuid4

from textual import on, work
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from cli.output import harmless
from client import TixError
from client.money import shown
from server.tickets.schemas import NewTicket, TicketEdit, TicketOut
from tui.actions import guarded, key
from tui.listings import LABELS, Mistyped, edit_of, errors_of, new_ticket, texts
from tui.messages import TicketsChanged
from tui.screens.conflict import MINE, THEIRS, ConflictDialog
from tui.screens.dialogs import Confirm
from tui.screens.view import View
from tui.widgets.field import Field


class Listing(View):
    """All fields of a listing, each with what is wrong with it."""

    AUTO_FOCUS = "#field-title"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("f2,ctrl+o", "save", "Save", "List it, or change it; enter in the last field does the same."),
        key("up", "app.focus_previous", "Field before", "To the field above.", show=False, name="up"),
        key("down", "app.focus_next", "Next field", "To the field below.", show=False, name="down"),
    ]

    def __init__(self, ticket: TicketOut | None = None) -> None:
        """`ticket`: as it was read; None: a new one."""
        super().__init__()
        self.listing = ticket
        self._is_saving = False
        self._attempt: tuple[NewTicket, str] | None = None

    def body(self) -> Iterable[Widget]:
        """The fields, below what they are of."""
        listing = self.listing
        with VerticalScroll(id="listing", can_focus=False):
            name = f"“{listing.title}”" if listing else "A new listing"
            yield Static(Content(harmless(name)), id="heading")
            values = texts(listing)
            for field, (label, hint) in LABELS.items():
                yield Field(field, label, hint=hint, value=values[field])
            yield Static(id="complaint", classes="-error")

    def on_mount(self) -> None:
        """The currency of a listing stays."""
        if self.listing is not None:
            self._fields["currency"].entry.disabled = True

    @property
    def _fields(self) -> dict[str, Field]:
        return {one.field: one for one in self.query(Field)}

    @property
    def _changed(self) -> dict[str, str]:
        return {name: one.text for name, one in self._fields.items() if one.is_changed}

    def _complain(self, errors: Mapping[str, str], sentence: str = "") -> None:
        """Beside the fields, and below them; the first that is wrong is ready to be corrected."""
        if not self.is_drawn:
            return
        for name, one in self._fields.items():
            one.complain(errors.get(name, ""))
        self._say(sentence)
        wrong = [one for name, one in self._fields.items() if name in errors]
        if wrong:
            wrong[0].entry.focus()

    def _say(self, sentence: str) -> None:
        self.query_one("#complaint", Static).update(Content(harmless(sentence)))

    def on_tickets_changed(self, message: TicketsChanged) -> None:
        """Somebody else, or another window, was faster."""
        listing = self.listing
        if listing is None or self._is_saving:
            return
        if any(one.id == listing.id and one.version > listing.version for one in message.tickets or ()):
            self._say("It was changed meanwhile; saving shows how.")

    # --- actions ------------------------------------------------------------------------------------------

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.input is list(self._fields.values())[-1].entry:
            self.action_save()
        else:
            self.focus_next()

    @guarded
    def action_save(self) -> None:
        """Send it, if it can be a listing."""
        if self._is_saving:
            return
        listing, changed = self.listing, self._changed
        if listing is not None and not changed:
            self.tui.report("Nothing was changed.")
            return
        try:
            if listing is None:
                wanted = new_ticket({name: one.text for name, one in self._fields.items()})
                self._create(wanted)
            else:
                self._update(listing, edit_of(listing, changed))
        except Mistyped as wrong:
            self._complain(wrong.errors)

    @work(group="write")
    async def _create(self, wanted: NewTicket) -> None:
        """The same listing again has the same key: an answer that was lost makes no second one."""
        if self._attempt is None or self._attempt[0] != wanted:
            self._attempt = wanted, str(uuid4())
        self._is_saving = True
        self._complain({}, "Saving…")
        try:
            made = await self.session.tix.create_ticket(wanted, key=self._attempt[1])
        except TixError as error:
            self._refuse(error)
        else:
            self._leave(made, f"Listed “{made.title}” for {shown(made.price, made.currency)}.")
        finally:
            self._is_saving = False

    @work(group="write")
    async def _update(self, read: TicketOut, edit: TicketEdit) -> None:
        self._is_saving = True
        self._complain({}, "Saving…")
        try:
            changed = await self.session.tix.update_ticket(read.id, edit)
        except TixError as error:
            if error.code == "version_conflict":
                await self._settle(read, edit)
            else:
                self._refuse(error)
        else:
            self._leave(changed, f"“{changed.title}” is changed.")
        finally:
            self._is_saving = False

    async def _settle(self, read: TicketOut, edit: TicketEdit) -> None:
        """Theirs, mine, or neither yet; what is as wanted already was our own first attempt."""
        try:
            now = await self.session.tix.show_ticket(read.id)
        except TixError as error:
            self._refuse(error)
            return
        wanted = edit.model_dump(exclude_unset=True, exclude={"version"})
        if all(getattr(now, name) == value for name, value in wanted.items()):
            self._leave(now, f"“{now.title}” is changed.")
            return
        self._complain({}, "")
        answer = await self.app.push_screen_wait(ConflictDialog(read, now, edit))
        if answer == MINE:
            self.listing = now
            self._update(now, edit.model_copy(update={"version": now.version}))
        elif answer == THEIRS:
            self.listing = now
            for name, text in texts(now).items():
                self._fields[name].begin(text)

    def _refuse(self, error: TixError) -> None:
        errors = errors_of(error)
        self._complain(errors, "" if errors else error.detail)

    def _leave(self, ticket: TicketOut, said: str) -> None:
        self.tui.tell(lambda: TicketsChanged([ticket]))
        self.tui.report(said)
        if self.is_current:
            self.dismiss()

    @work(exclusive=True, group="leave")
    async def action_back(self) -> None:  # type: ignore[override]  # a worker, for it asks
        """Out; what was typed is lost after a question only."""
        if self._changed and not await self.app.push_screen_wait(
            Confirm("Leave the form? What you typed is not saved.", yes="Leave")
        ):
            return
        self.dismiss()
