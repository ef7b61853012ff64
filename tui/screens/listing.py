"""The form for a listing: a new one, or one's own to change."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from functools import partial
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
from tui.listings import LABELS, Mistyped, edit_of, errors_of, new_ticket, texts, words
from tui.messages import TicketsChanged
from tui.screens.conflict import MINE, THEIRS, ConflictDialog
from tui.screens.dialogs import Confirm
from tui.screens.view import ON_ITS_WAY, View
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
        self._about: Hashable = ticket.id if ticket else self
        self._is_over = False
        """Whether it is saved."""
        self._attempt: tuple[NewTicket, str] | None = None

    @property
    def _is_saving(self) -> bool:
        return self.tui.is_sending(self._about)

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

    def why_not(self, action: str) -> str | None:
        """One answer is waited for at a time."""
        return ON_ITS_WAY if action == "save" and self._is_saving else super().why_not(action)

    @guarded
    def action_save(self) -> None:
        """Send it, if it can be a listing."""
        listing, changed = self.listing, self._changed
        if listing is not None and not changed:
            self.tui.report("Nothing was changed.")
            return
        try:
            if listing is None:
                wanted = new_ticket({name: one.text for name, one in self._fields.items()})
                self._send(f"Listing “{wanted.title}”", partial(self._create, wanted))
            else:
                edit = edit_of(listing, changed)
                self._send(f"Changing “{listing.title}”", partial(self._update, listing, edit))
        except Mistyped as wrong:
            self._complain(wrong.errors)

    def _send(self, what: str, ask: Callable[[], Awaitable[tuple[TicketOut, str]]]) -> None:
        async def work() -> None:
            try:
                saved, said = await ask()
            except TixError as error:
                self._refuse(what, error)
            else:
                self._is_over = True
                self.tui.saved(saved, said)
                self._end()

        self._complain({}, "Saving…")
        self.tui.send(self._about, what, work)

    async def _create(self, wanted: NewTicket) -> tuple[TicketOut, str]:
        """The same listing again has the same key: an answer that was lost makes no second one."""
        if self._attempt is None or self._attempt[0] != wanted:
            self._attempt = wanted, str(uuid4())
        made = await self.session.tix.create_ticket(wanted, key=self._attempt[1])
        return made, f"Listed “{made.title}” for {shown(made.price, made.currency)}."

    async def _update(self, read: TicketOut, edit: TicketEdit) -> tuple[TicketOut, str]:
        """What is as wanted already was our own first attempt."""
        try:
            changed = await self.session.tix.update_ticket(read.id, edit)
        except TixError as error:
            if error.code != "version_conflict":
                raise
            changed = await self.session.tix.show_ticket(read.id)
            wanted = edit.model_dump(exclude_unset=True, exclude={"version"})
            if any(getattr(changed, name) != value for name, value in wanted.items()):
                raise _Overtaken(error, changed, edit) from error
        return changed, f"“{changed.title}” is changed."

    def _refuse(self, what: str, error: TixError) -> None:
        """Beside the fields; in a toast once the form was left."""
        if not self.is_running:
            self.tui.failed(what, error)
        elif isinstance(error, _Overtaken) and self.listing is not None:
            self._complain({})
            self._settle(self.listing, error.now, error.edit)
        else:
            errors = errors_of(error)
            self._complain(errors, "" if errors else error.detail)

    @work(exclusive=True, group="ask")
    async def _settle(self, read: TicketOut, now: TicketOut, edit: TicketEdit) -> None:
        """Theirs, mine, or neither yet."""
        answer = await self.app.push_screen_wait(ConflictDialog(read, now, edit))
        if answer == MINE:
            self.listing = now
            mine = edit.model_copy(update={"version": now.version})
            self._send(f"Changing “{now.title}”", partial(self._update, now, mine))
        elif answer == THEIRS:
            self.listing = now
            for name, text in texts(now).items():
                self._fields[name].begin(text)

    def twins(self) -> Iterable[str]:
        """Saving is one of two."""
        return ("edit",) if self.listing else ("new",)

    def done_to(self) -> Mapping[str, str | tuple[str, ...]]:
        """What is changed, and what was typed."""
        typed = words(self._changed)
        if self.listing is None:
            return {"fields": typed} if typed else {}
        return {"ticket": str(self.listing.id), **({"changes": typed} if typed else {})}

    def on_screen_resume(self) -> None:
        """What was asked over it is answered, while it was saved."""
        self._end()

    def _end(self) -> None:
        if self._is_over and self.is_active:
            self.dismiss()

    @guarded
    @work(exclusive=True, group="ask")
    async def action_back(self) -> None:  # type: ignore[override]  # a worker, for it asks
        """Out; what was typed is lost after a question only, and what is being saved may be saved."""
        question = "Leave the form? What you typed is not saved." if self._changed else ""
        if self._is_saving:
            question = (
                "Leave the form? Tix has not answered yet: what you typed may be saved or not. "
                "What comes of it is told."
            )
        if question and not await self.app.push_screen_wait(Confirm(question, yes="Leave")):
            return
        if self.is_active:
            self.dismiss()


class _Overtaken(TixError):
    """Somebody changed it meanwhile: as it is `now`, and what was wanted."""

    def __init__(self, error: TixError, now: TicketOut, edit: TicketEdit) -> None:
        super().__init__(error.detail, code=error.code, status=error.status)
        self.now, self.edit = now, edit
