"""Who is signed in: sign in, sign up, sign out."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar

from pydantic import ValidationError
from textual import on, work
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static, Tab, Tabs

from cli.errors import Refused
from cli.output import harmless
from cli.wording import wording
from client import TixError
from server.auth.schemas import Credentials
from tui.actions import guarded, key
from tui.messages import LinkChanged
from tui.screens.dialogs import Confirm
from tui.screens.view import ON_ITS_WAY, View
from tui.session import ENVIRONMENT
from tui.words import sentence

NEEDED = {"email": "Your e-mail address is needed.", "password": "A password is needed."}
ACCOUNT = "account"
"""What is sent here is about this."""
WORDS = {False: "Sign in", True: "Sign up"}


class Account(View):
    """Two forms for who is signed out; for others, who they are."""

    AUTO_FOCUS = ""  # which field has it depends on who is signed in
    BINDINGS: ClassVar[list[BindingType]] = [
        key("ctrl+t", "other_form", "Sign in / up", "From signing in to signing up, and back."),
        key("o", "sign_out", "Sign out", "End this sign-in everywhere and forget it here."),
    ]

    def body(self) -> Iterable[Widget]:
        """The form, and what is known of somebody signed in."""
        with VerticalScroll(id="account") as pane:
            pane.border_title = "Account"
            with Vertical(id="form"):
                yield Tabs(Tab(WORDS[False], id="old"), Tab(WORDS[True], id="new"), id="forms")
                yield Static("E-mail")
                yield Input(placeholder="you@example.com", id="email", compact=True)
                yield Static(id="email-error", classes="-error")
                yield Static("Password")
                yield Input(password=True, id="password", compact=True)
                yield Static(id="password-error", classes="-error")
                yield Button(WORDS[False], id="enter", variant="primary", compact=True)
                yield Static(id="complaint", classes="-error")
            who = Static(id="who")
            who.can_focus = True  # else a hidden field would keep it, and hear the keys
            yield who

    ALSO = ("sign_in", "sign_up", "account")

    def twins(self) -> Iterable[str]:
        """Whoever is signed in signs out, others in."""
        others = {"sign_in", "sign_up"} if self.session.user else {"sign_out"}
        return (name for name in super().twins() if name not in others)

    def on_mount(self) -> None:
        """The first field is ready to be typed in."""
        self._show()

    def on_link_changed(self, _: LinkChanged) -> None:
        """Somebody signed in or out, or Tix answers again."""
        self._show()

    @property
    def is_new(self) -> bool:
        """Whether an account is to be made."""
        return self.query_one("#forms", Tabs).active == "new"

    def _show(self) -> None:
        if not self.is_drawn:
            return
        session, user = self.session, self.session.user
        form, who = self.query_one("#form"), self.query_one("#who", Static)
        form.display, who.display = user is None, user is not None
        if user is None:
            if self.focused in {None, who}:
                self.query_one("#email").focus()
            return
        who.focus()
        lines = (
            f"Signed in as {harmless(user.email)}",
            f"at {session.target.api_url}, profile {session.target.profile}",
            "by TIX_TOKEN of the environment" if session.target.token_from == ENVIRONMENT else "",
            self.keyed("\nPress {sign_out} to sign out, {back} to go back."),
        )
        who.update(Content("\n".join(filter(None, lines))))

    # --- the form -----------------------------------------------------------------------------------------

    @on(Tabs.TabActivated, "#forms")
    def _turned(self) -> None:
        self.query_one("#enter", Button).label = WORDS[self.is_new]
        self._complain({})

    def action_other_form(self) -> None:
        """The other of the two."""
        if self.session.user is None:
            self.query_one("#forms", Tabs).active = "old" if self.is_new else "new"

    @on(Input.Submitted, "#email")
    def _email_typed(self) -> None:
        self.query_one("#password").focus()

    @on(Input.Submitted, "#password")
    @on(Button.Pressed, "#enter")
    def _entered(self) -> None:
        typed = {name: self.query_one(f"#{name}", Input).value for name in NEEDED}
        typed["email"] = typed["email"].strip()
        wrong = {name: NEEDED[name] for name, value in typed.items() if not value}
        if self.is_new and not wrong:
            wrong = _unfit(typed)
        self._complain(wrong)
        if wrong:
            self.query_one(f"#{next(iter(wrong))}").focus()
        elif self.tui.is_sending(ACCOUNT):
            self.tui.report(ON_ITS_WAY, severity="warning")
        else:
            enter = partial(self._enter, typed["email"], typed["password"], is_new=self.is_new)
            self.tui.send(ACCOUNT, "Signing up" if self.is_new else "Signing in", enter)

    def _complain(self, errors: dict[str, str], sentence: str = "") -> None:
        """Beside the fields, and below them."""
        if self.is_drawn:
            for name in NEEDED:
                self.query_one(f"#{name}-error", Static).update(Content(harmless(errors.get(name, ""))))
            self.query_one("#complaint", Static).update(Content(harmless(sentence)))

    async def _enter(self, email: str, password: str, *, is_new: bool) -> None:
        session, warnings = self.session, list[str]()
        try:
            session.config.check_named(session.target, again="tix tui")
            await session.enter(email, password, is_new=is_new, warn=warnings.append)
        except Refused as error:
            self._refuse({}, f"{error.detail} Do: {error.hint}")
        except TixError as error:
            fields = {one["field"]: one["message"] for one in error.errors if one["field"] in NEEDED}
            wait = f" Try again in {error.retry_after:.0f} s." if error.retry_after else ""
            self._refuse(fields, f"{error.detail}{wait}")
        else:
            self.tui.end_session()
            self.tui.begin()
            self.tui.report(f"Signed in as {email}.")
            if self.is_active:
                self.dismiss()
        for warning in warnings:
            self.tui.report(sentence(warning.removeprefix("warning: ")), severity="warning")
        if session.token and session.target.token_from == ENVIRONMENT:
            self.tui.report(
                "TIX_TOKEN is set and goes first the next time: unset TIX_TOKEN", severity="warning"
            )

    def _refuse(self, fields: dict[str, str], sentence: str) -> None:
        """What is wrong with a field stands beside it, the rest is a sentence; a toast once this was left."""
        if not self.is_running:
            self.tui.report(f"You are not signed in. {sentence}", severity="error")
            return
        self._complain(fields, "" if fields else sentence)
        self.query_one(f"#{next(iter(fields), 'password')}").focus()

    def action_back(self) -> None:
        """Out of here; an answer that is out is told."""
        if self.tui.is_sending(ACCOUNT) and self.session.user is None:
            self.tui.report("Tix has not answered yet; you are told whether you are signed in.")
        super().action_back()

    # --- signing out --------------------------------------------------------------------------------------

    def why_not(self, action: str) -> str | None:
        """There must be somebody to sign out, and nobody to sign in."""
        if action == "sign_out":
            if self.session.user is None:
                return "Nobody is signed in."
            if self.session.is_online is False:
                return "Tix does not answer; the sign-in can be ended when it does."
            if self.tui.is_sending(ACCOUNT):
                return ON_ITS_WAY
            return self.tui.why_busy()
        if action == "other_form" and self.session.user is not None:
            return self.keyed("Sign out first: press {sign_out}.")
        return super().why_not(action)

    @guarded
    @work(exclusive=True, group="ask")
    async def action_sign_out(self) -> None:
        """After a question: holds go on, but without this app."""
        session = self.session
        email = session.user.email if session.user else ""
        held = len(self.holds.counting)
        kept = f" {held} hold{'s' if held > 1 else ''} of yours will go on without this app." if held else ""
        if not await self.app.push_screen_wait(Confirm(f"Sign {email} out?{kept}", yes="Sign out")):
            return
        if (why := self.why_not("sign_out")) is not None:
            self.tui.report(why, severity="warning")
            return
        self.tui.send(ACCOUNT, "Signing out", self._leave)

    async def _leave(self) -> None:
        session = self.session
        await session.leave()
        self.tui.end_session()
        self.tui.report(f"Signed out of {session.target.api_url}.")
        if session.target.token_from == ENVIRONMENT:
            self.tui.report("The environment still has the token: unset TIX_TOKEN", severity="warning")


def _unfit(typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with an e-mail address and a password for a new account."""
    try:
        Credentials.model_validate(typed)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        return {str(problem["loc"][0]): sentence(wording(problem)) for problem in problems}
    return {}
