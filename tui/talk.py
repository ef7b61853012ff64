"""What the app says, and how it is left: toasts, which the log keeps, and the question before the end."""

from collections.abc import Awaitable, Callable, Hashable, Iterator
from typing import ClassVar

from textual import work
from textual.app import App
from textual.binding import BindingType
from textual.message import Message
from textual.worker import Worker

from cli.output import harmless
from client import TixError
from tui.actions import key
from tui.holds import Holds
from tui.journal import Journal
from tui.messages import Logged, Sending
from tui.screens.dialogs import Confirm
from tui.words import complaint, spelt

ERROR_SECONDS = 86_400
"""As long as nobody dismisses it."""


class Talk(App[int]):
    """An app with a log."""

    NOTIFICATION_TIMEOUT = 4
    BINDINGS: ClassVar[list[BindingType]] = [
        key("d", "dismiss", "Dismiss", "Take the toasts away; the log keeps them.", show=False),
        key("q", "leave", "Quit", "Out of tix, or one level out; a hold goes on without it.", show=False),
    ]
    holds: Holds

    def __init__(self) -> None:
        """Nothing was said yet."""
        super().__init__()
        self.journal = Journal(lambda: self.tell(Logged))
        self._is_leaving = False
        self._sending: dict[Hashable, str] = {}

    def tell(self, make: Callable[[], Message]) -> None:
        """Every view that is there, each its own message."""
        for stack in self._screen_stacks.values():
            for screen in stack:
                if screen.is_running:
                    screen.post_message(make())

    # --- toasts -------------------------------------------------------------------------------------------

    def report(self, text: str, *, severity: str = "information") -> None:
        """A toast, kept in the log; errors stay until they are dismissed, each once."""
        text = harmless(text)
        self.journal.add(severity, text)
        is_error = severity == "error"
        if not (is_error and any(toast.message == text for toast in self._notifications)):
            timeout = ERROR_SECONDS if is_error else None
            self.notify(text, severity=severity, timeout=timeout, markup=False)  # type: ignore[arg-type]

    def failed(self, what: str, error: TixError) -> None:
        """Say what became of `what`, the beginning of a sentence."""
        self.report(f"{what}: {complaint(error)}", severity="error")

    def action_dismiss(self) -> None:
        """No toast any more."""
        self.clear_notifications()

    # --- what changes something ---------------------------------------------------------------------------

    def send(self, about: Hashable, what: str, work: Callable[[], Awaitable[None]]) -> Worker[None] | None:
        """Send it, whatever view is left meanwhile; one at a time about the same thing, else nothing.

        `what` is being done, as the beginning of a sentence: "Holding “Front row”". A TixError is told.
        """
        if about in self._sending:
            return None
        self._sending[about] = what
        self.tell(Sending)
        return self._sent(about, what, work)

    @work(group="send")
    async def _sent(self, about: Hashable, what: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except TixError as error:
            self.failed(what, error)
        finally:
            self._sending.pop(about, None)
            self.tell(Sending)

    def is_sending(self, about: Hashable) -> bool:
        """Whether an answer is out that has to do with it."""
        return about in self._sending

    def why_busy(self) -> str | None:
        """What nobody has answered yet, in a sentence; None: nothing is out."""
        if any(worker.group == "file" and not worker.is_finished for worker in self.workers):
            return "A file is being checked or imported."
        return next((f"{what}: Tix has not answered yet." for what in self._sending.values()), None)

    # --- the end ------------------------------------------------------------------------------------------

    async def action_leave(self) -> None:
        """One level out, or from a view of the bottom out of tix."""
        if len(self.screen_stack) > 1:
            await self.screen.run_action("screen.back")
        else:
            await self.action_quit()

    async def action_quit(self) -> None:
        """Out of tix; at once, unless a hold is counting or an answer is out."""
        why = " ".join(self._why_stay())
        if not why:
            self.exit(0)
        elif not self._is_leaving:
            self._is_leaving = True
            self._ask_to_leave(f"{why} Quit?")

    def action_help_quit(self) -> None:
        """What ctrl+c does where no text is chosen."""
        self.call_later(self.action_quit)

    def _why_stay(self) -> Iterator[str]:
        for what in self._sending.values():
            yield f"{what}: Tix has not answered yet, and it may be done all the same."
        held = [one for one in self.holds.counting if one.left > 0]
        if held:
            first, more = held[0], len(held) - 1
            others = f", and {more} more" if more else ""
            yield (
                f"You hold “{first.order.ticket.title}” for {spelt(first.left)} more{others}. "
                "Without tix it goes on until then, unpaid."
            )

    @work(group="leave")
    async def _ask_to_leave(self, question: str) -> None:
        try:
            if await self.push_screen_wait(Confirm(question, yes="Quit")):
                self.exit(0)
        finally:
            self._is_leaving = False
