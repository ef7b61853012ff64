"""A line of a form: what is asked for, what was typed, and what is wrong with it."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from cli.output import harmless


class Field(Vertical):
    """A label, an entry and a complaint."""

    def __init__(self, field: str, label: str, *, hint: str = "", value: str = "") -> None:
        """`hint` is shown while it is empty."""
        super().__init__()
        self.field = field
        self._label, self._hint = label, hint
        self.original = value

    def compose(self) -> ComposeResult:
        """Label and entry, over what is wrong."""
        with Horizontal(classes="entry"):
            yield Static(Content(self._label), classes="label")
            yield Input(self.original, placeholder=self._hint, id=f"field-{self.field}", compact=True)
        yield Static(classes="-error")

    def on_mount(self) -> None:
        """Nothing is wrong yet."""
        self.complain("")

    @property
    def entry(self) -> Input:
        """Where it is typed."""
        return self.query_one(Input)

    @property
    def text(self) -> str:
        """What was typed."""
        return self.entry.value.strip()

    @property
    def is_changed(self) -> bool:
        """Whether it is not as it was."""
        return self.text != self.original

    def begin(self, value: str) -> None:
        """As it is now."""
        self.original = value
        self.entry.value = value

    def complain(self, sentence: str) -> None:
        """What is wrong with it; empty: nothing."""
        told = self.query_one(".-error", Static)
        told.update(Content(harmless(sentence)))
        told.display = bool(sentence)
