"""An edit that came too late: what was read, what it is now, what is wanted."""

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from cli.diff import NAMES, in_words
from cli.output import harmless
from server.tickets.schemas import TicketEdit, TicketOut
from tui.keys import keyed

THEIRS, MINE, EDITING = "theirs", "mine", "editing"


def differences(read: TicketOut, now: TicketOut, edit: TicketEdit) -> Iterable[tuple[str, str, str, str]]:
    """Field, what it was, what it is now, what is wanted (empty: whatever it is); where these differ."""
    was, is_, wanted = (
        one.model_dump(mode="json", by_alias=True, exclude_unset=one is edit) for one in (read, now, edit)
    )
    for name in NAMES:
        if name in wanted or was[name] != is_[name]:
            want = in_words(name, wanted[name], now) if name in wanted else ""
            yield name, in_words(name, was[name], read), in_words(name, is_[name], now), want


class ConflictDialog(ModalScreen[str]):
    """Which of the two is to stand; back to editing unless one is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", f"answer('{EDITING}')", "Back to editing", id="back_to_editing"),
        Binding("t", f"answer('{THEIRS}')", "Take theirs", id="take_theirs"),
        Binding("m", f"answer('{MINE}')", "Put mine over it", id="put_mine"),
        Binding("left,h", "app.focus_previous", "Answer before", show=False, id="answer_before"),
        Binding("right,l", "app.focus_next", "Answer after", show=False, id="answer_after"),
    ]

    def __init__(self, read: TicketOut, now: TicketOut, edit: TicketEdit) -> None:
        """Three states of one listing."""
        super().__init__()
        self._read, self._now, self._edit = read, now, edit

    def compose(self) -> ComposeResult:
        """A paragraph for each field."""
        with Vertical(id="dialog"):
            yield Static(Content("Somebody changed this listing since you read it."), id="question")
            with VerticalScroll(id="differences"):
                for name, was, is_, want in differences(self._read, self._now, self._edit):
                    lines = (
                        name,
                        f"  you read   {was}",
                        f"  it is now  {is_}",
                        f"  you want   {want or 'it as it is'}",
                    )
                    yield Static(Content("\n".join(map(harmless, lines))))
            with Horizontal(id="answers"):
                yield Button(keyed(self, "Back ({back_to_editing})"), id=EDITING, variant="primary")
                yield Button(keyed(self, "Theirs ({take_theirs})"), id=THEIRS)
                yield Button(keyed(self, "Mine ({put_mine})"), id=MINE, variant="warning")

    def on_mount(self) -> None:
        """Nothing is lost by Enter."""
        self.query_one(f"#{EDITING}").focus()

    def action_answer(self, answer: str) -> None:
        """This is it."""
        self.dismiss(answer)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id or EDITING)
