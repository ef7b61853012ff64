"""A person at the keyboard of the terminal app: presses, reads the screen, waits for what it says."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from rich.cells import cell_len
from textual import events
from textual.geometry import Offset
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from tests.platform import Platform, User
from tests.waiting import until
from tui.app import Tui


async def person(platform: Platform, name: str = "") -> User:
    """Somebody with an account, since the app asks whose the token is; `name`: an e-mail address."""
    name = name or f"{uuid4().hex[:8]}@example.com"
    answer = await platform.http.post(
        "/api/users/signup", json={"email": name, "password": "correct horse battery"}
    )
    assert answer.status_code == 201, answer.text
    session = answer.json()
    headers = {"Authorization": f"Bearer {session['token']}"}
    return User(UUID(session["user"]["id"]), platform.http, headers)


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
        for key in keys:  # Pilot's own waits until the process is idle, which a platform in it never is
            self.app.simulate_key(key)
            await asyncio.sleep(0)

    async def type(self, text: str, into: str | None) -> None:
        """This text, a key each, when the field of this id has the focus; one of Textual's own has none."""
        await until(
            lambda: isinstance(self.app.focused, Input) and self.app.focused.id == into,
            f"{into} has the focus",
        )
        for character in text:
            self.app.post_message(events.Key(_character_to_key(character), character))
            await asyncio.sleep(0)

    async def click(self, text: str) -> None:
        """The place where this is on the screen."""
        lines = (await self.sees(text)).splitlines()
        y, line = next((y, line) for y, line in enumerate(lines) if text in line)
        x = cell_len(line[: line.index(text)])
        self.app.mouse_position = Offset(x, y)
        for kind in (events.MouseDown, events.MouseUp, events.Click):
            event = kind(
                self.app.screen, x, y, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y
            )
            self.app.screen._forward_event(event)
            await asyncio.sleep(0)

    async def sees(self, *texts: str, timeout: float = 10) -> str:
        """Wait until all of these are on the screen; returns it."""

        def shown() -> bool:
            screen = self.screen
            return all(text in screen for text in texts)

        try:
            await until(shown, f"the screen says {texts}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen}") from None
        return self.screen

    async def misses(self, text: str, timeout: float = 10) -> None:
        """Wait until this is not on the screen any more."""
        try:
            await until(lambda: text not in self.screen, f"the screen does not say {text!r}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen}") from None

    async def hears(self, text: str, timeout: float = 10) -> None:
        """Wait until a toast says this."""
        try:
            await until(
                lambda: any(text in toast for toast in self.toasts), f"a toast says {text!r}", timeout
            )
        except AssertionError as error:
            raise AssertionError(f"{error}, but {self.toasts}\n{self.screen}") from None
