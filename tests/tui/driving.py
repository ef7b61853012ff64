"""A person at the keyboard of the terminal app: presses, reads the screen, waits for what it says."""

from dataclasses import dataclass
from typing import Any

from textual.pilot import Pilot

from tests.waiting import until
from tui.app import Tui


@dataclass
class Driver:
    """The app and who presses its keys."""

    app: Tui
    pilot: Pilot[Any]

    @property
    def screen(self) -> str:
        """All that is on the screen, a line each."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def toasts(self) -> list[str]:
        """What was said in toasts that are still there."""
        return [one.message for one in self.app._notifications]

    async def press(self, *keys: str) -> None:
        """These keys, one after another."""
        await self.pilot.press(*keys)

    async def sees(self, *texts: str, timeout: float = 10) -> str:
        """Wait until all of these are on the screen; returns it."""

        async def shown() -> bool:
            await self.pilot.pause()
            return all(text in self.screen for text in texts)

        try:
            await until(shown, f"the screen says {texts}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen}") from None
        return self.screen

    async def misses(self, text: str, timeout: float = 10) -> None:
        """Wait until this is not on the screen any more."""

        async def gone() -> bool:
            await self.pilot.pause()
            return text not in self.screen

        try:
            await until(gone, f"the screen does not say {text!r}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen}") from None

    async def hears(self, text: str, timeout: float = 10) -> None:
        """Wait until a toast says this."""
        await until(lambda: any(text in toast for toast in self.toasts), f"a toast says {text!r}", timeout)
