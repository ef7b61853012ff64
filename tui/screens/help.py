"""What can be pressed here: a list made of the bindings, to be searched and to be run."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cli.output import harmless
from tui.actions import key
from tui.keys import key_of
from tui.offers import Offer

KEYS_WIDTH, LABEL_WIDTH = 13, 14


class Help(ModalScreen[Offer | None]):
    """The actions of a screen; the one that is chosen is handed back, to be run there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape,f1", "leave", "Back", "Back to what was there.", name="leave_help"),
        key("down", "move('cursor_down')", "Down", "The next one.", show=False, name="help_down"),
        key("up", "move('cursor_up')", "Up", "The one before.", show=False, name="help_up"),
        key("pagedown", "move('page_down')", "A page down", "A page on.", show=False, name="help_page_down"),
        key("pageup", "move('page_up')", "A page up", "A page back.", show=False, name="help_page_up"),
    ]

    def __init__(self, offered: Sequence[Offer]) -> None:
        """Those of the screen below."""
        super().__init__()
        self._offered = offered
        self.shown: list[Offer] = []

    def compose(self) -> ComposeResult:
        """A field over the list."""
        with Vertical(id="dialog", classes="-wide"):
            leave = key_of(self, "leave_help")
            yield Static(
                f"What can be done here: type to search, enter runs it, {leave} leaves.", id="question"
            )
            yield Input(placeholder="search", id="search", compact=True)
            yield OptionList(id="options")
            yield Static(id="tip")

    def on_mount(self) -> None:
        """All of them."""
        self.query_one(OptionList).can_focus = False  # the field keeps it, whatever is clicked
        self._show("")

    def _show(self, text: str) -> None:
        words = text.casefold().split()
        self.shown = [
            one
            for one in self._offered
            if all(word in f"{one.keys} {one.label} {one.tip} {one.scope}".casefold() for word in words)
        ]
        options = self.query_one(OptionList)
        options.clear_options()
        scope = ""
        for place, one in enumerate(self.shown):
            if one.scope != scope:
                scope = one.scope
                options.add_option(
                    Option(Content.styled(scope.capitalize(), "bold $text-accent"), disabled=True)
                )
            options.add_option(Option(_line(one), id=str(place)))
        self.query_one("#tip", Static).update("")
        if not self.shown:
            options.add_option(Option(Content("Nothing fits."), disabled=True))
        options.action_first()

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted, "#search")
    def _submitted(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None and self.shown:
            options.action_select()

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        """The whole of what its line may have no room for."""
        one = self.shown[int(event.option_id or 0)]
        self.query_one("#tip", Static).update(Content(harmless(one.told)))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.shown[int(event.option_id or 0)])

    def action_move(self, how: str) -> None:
        """Mark another one."""
        getattr(self.query_one(OptionList), f"action_{how}")()

    def action_leave(self) -> None:
        """None of them."""
        self.dismiss(None)


def _line(one: Offer) -> Content:
    """Keys, name and sentence; what cannot be done says why, behind a sign."""
    tip = f"✗ {one.why_not}" if one.why_not else one.tip
    style = "$text-muted" if one.why_not else ""
    return Content.assemble(
        (f"{harmless(one.keys):<{KEYS_WIDTH}} ", "bold"),
        (f"{harmless(one.label):<{LABEL_WIDTH}} ", style),
        (harmless(tip), style),
    )
