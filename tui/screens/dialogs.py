"""Questions over a view: yes or no, one of several, and what to copy."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from cli.output import harmless
from tui.keys import key_of

TEST_METHODS = (
    ("pm_card_visa", "goes through"),
    ("pm_card_chargeDeclined", "is declined"),
    ("pm_card_chargeDeclinedInsufficientFunds", "has too little on it"),
    ("pm_card_authenticationRequired", "wants to see its owner (3-D Secure)"),
)
"""Stripe's, for test mode: https://docs.stripe.com/testing"""


class Confirm(ModalScreen[bool]):
    """Whether to go on; No unless Yes is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="yes"),
        Binding("n,escape", "answer(False)", "No", id="no"),
        Binding("left,right,h,l,tab", "app.focus_next", "Other answer", show=False, id="other_answer"),
    ]

    def __init__(self, question: str, *, yes: str) -> None:
        """`question` names the thing and the money; `yes` is a verb."""
        super().__init__()
        self._question, self._yes = question, yes

    def compose(self) -> ComposeResult:
        """The question over its two answers."""
        with Vertical(id="dialog"):
            yield Static(Content(harmless(self._question)), id="question")
            with Horizontal(id="answers"):
                yield Button(f"No ({key_of(self, 'no')})", id="no", variant="primary")
                yield Button(f"{self._yes} ({key_of(self, 'yes')})", id="yes", variant="warning")

    def on_mount(self) -> None:
        """No is what Enter says."""
        self.query_one("#no").focus()

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - Textual calls it so
        """This is it."""
        self.dismiss(answer)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class Choice(ModalScreen[str | None]):
    """One of several lines; None when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="leave_choice"),
        Binding("j", "app.simulate_key('down')", "Down", show=False, id="choice_down"),
        Binding("k", "app.simulate_key('up')", "Up", show=False, id="choice_up"),
        Binding("g", "app.simulate_key('home')", "First", show=False, id="choice_first"),
        Binding("G", "app.simulate_key('end')", "Last", show=False, id="choice_last"),
    ]

    def __init__(self, heading: str, options: Mapping[str, str]) -> None:
        """What is chosen → how it is shown."""
        super().__init__()
        self._heading, self._options = heading, options

    def compose(self) -> ComposeResult:
        """The list under its heading."""
        with Vertical(id="dialog", classes="-choice"):
            yield Static(Content(self._heading), id="question")
            yield OptionList(
                *(
                    Option(Content(harmless(text)), id=str(place))
                    for place, text in enumerate(self._options.values())
                ),
                id="options",
            )
            yield from self.more()

    def more(self) -> Iterable[Input]:
        """What stands below the list."""
        return ()

    def on_mount(self) -> None:
        """The first line is ready to be taken."""
        options = self.query_one(OptionList)
        options.highlighted = 0 if self._options else None
        options.display = bool(self._options)
        (options if self._options else self.query_one(Input)).focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(list(self._options)[event.option_index])

    def action_leave(self) -> None:
        """Nothing was chosen."""
        self.dismiss(None)


class MethodChoice(Choice):
    """A payment method: one of Stripe's for tests, or typed."""

    def __init__(self, *, is_live: bool) -> None:
        """Where money is real, Stripe's test cards are not offered."""
        super().__init__(
            "Pay by which payment method? No card numbers here: a page of Stripe's takes them.",
            {} if is_live else {name: f"{name}: {what}" for name, what in TEST_METHODS},
        )

    def more(self) -> Iterable[Input]:
        """Any other."""
        yield Input(placeholder="or type another: pm_…", id="method", compact=True)

    @on(Input.Submitted, "#method")
    def _typed(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)
