"""The connection of one run: who is signed in where, whether Tix answers, and its clock."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx

from cli.clock import steady
from cli.config import Config, Target
from cli.credentials import SignIn
from cli.errors import Refused
from client import Tix, TixError, Unauthenticated, Unavailable, Unreachable
from client.sse import STREAM
from server.auth.schemas import UserOut

ASK_SECONDS, ASK_RETRIES = 10.0, 1
FEED_SECONDS = 5.0
"""A way that is closed silently is tried anew after so long."""
ENVIRONMENT = "TIX_TOKEN"
AWAY = frozenset({502, 503, 504})
"""Answers of a proxy, or of a part of Tix, that what is asked for does not answer."""
FOR_EVER = 10**9
"""Retries of the streams: they outlive any pause of the server's."""
LONGEST_PAUSE = 2.0
"""Seconds between two tries to reach a Tix that is away, so that it is back on the screen within 5."""

LOOK_SECONDS = 0.5
"""Between two looks whether Tix should be asked if it is there."""
QUIET_SECONDS = 3.0
"""After so long without a word it is asked: a silent network gives no other sign."""
DEAD_SECONDS = 15.0
"""Tix says something in each stream every 10 s: one that is silent for longer is asked for again."""
DOUBT_SECONDS = 4.0
"""After a stream ended: for so long, or until it goes on, Tix is asked with each look."""


class _Heard(httpx.AsyncByteStream):
    """A stream of which each word is told, and its end; it can be given up from outside."""

    def __init__(self, session: "Session", stream: httpx.AsyncByteStream) -> None:
        self._session, self._stream = session, stream
        self.heard_at = steady()
        self._waiting: asyncio.Timeout | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._stream)
        while (chunk := await self._next(chunks)) is not None:
            self.heard_at = steady()
            self._session.hear()
            yield chunk
        self._session.doubt()

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await anext(chunks, None)
        except TimeoutError as error:
            if self._session.is_online:
                return None  # it alone is dead
            raise httpx.ReadTimeout("It is silent.") from error
        finally:
            self._waiting = None

    def give_up(self) -> None:
        """Break it off: its reader asks for it again, from where it was."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.reschedule(0)

    async def aclose(self) -> None:
        self._session.streams.discard(self)
        await self._stream.aclose()


class Session:
    """Two clients of one Tix: `tix` asks and gives up, `feed` follows and never does."""

    def __init__(self, config: Config, target: Target, changed: Callable[[], None]) -> None:
        """`changed` is called when Tix begins or ceases to answer, and at sign-in and sign-out."""
        self.config, self.target = config, target
        self._changed = changed
        hooks: dict[str, list[Any]] = {"response": [self._answered]}
        url, kept = target.api_url, target.signed_in
        self._is_open = target.token_from == ENVIRONMENT or kept is None or kept.storage == "file"
        token = target.token if self._is_open else None
        self.tix = Tix(url, token, timeout=ASK_SECONDS, retries=ASK_RETRIES, hooks=hooks)
        self.feed = Tix(url, token, timeout=FEED_SECONDS, retries=FOR_EVER, wait=self._lost, hooks=hooks)
        self._probe = Tix(url, None, timeout=LONGEST_PAUSE, retries=0, hooks={"response": [self._answered]})
        self._refused: set[str] = set()
        """What was said to be who, and was not accepted."""
        self.streams: set[_Heard] = set()
        """Those that are open."""
        self._heard_at = self._doubtful_until = 0.0
        self.user: UserOut | None = None
        self.shop: str | None = None
        self.is_online: bool | None = None
        """None until the first answer or failure."""
        self.lost_at = steady()
        """When it was heard last, once it is away."""
        self.retry_at = 0.0
        self._again = asyncio.Event()

    @property
    def token(self) -> str | None:
        """Of who is signed in."""
        return self.tix.token

    @property
    def name(self) -> str | None:
        """Whose token it is, also before Tix has said so; None: nobody is signed in."""
        if self.user is not None or self.token is None:
            return self.user.email if self.user else None
        return self.target.signed_in.email if self.target.signed_in else "signed in"

    @property
    def is_live(self) -> bool:
        """Whether the profile says that its money is real (`live = true`)."""
        profiles = self.config.settings.get("profiles", {})
        own = profiles.get(self.target.profile, {}) if isinstance(profiles, dict) else {}
        return isinstance(own, dict) and own.get("live") is True

    async def open(self) -> None:
        """Take a token that a keyring has, which takes its time. Raises Refused."""
        if not self._is_open:
            self._is_open = True
            self.tix.token = self.feed.token = await asyncio.to_thread(lambda: self.target.token)

    async def close(self) -> None:
        """Close the connections."""
        for one in (self.tix, self.feed, self._probe):
            await one.__aexit__(None, None, None)

    # --- whether Tix answers ------------------------------------------------------------------------------

    async def _answered(self, answer: httpx.Response) -> None:
        if answer.status_code not in AWAY:
            self.hear()
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self._refused.add(answer.request.headers.get("authorization", ""))
        if answer.headers.get("content-type", "").startswith(STREAM):
            self._doubtful_until = 0.0
            answer.stream = stream = _Heard(self, answer.stream)  # type: ignore[arg-type]  # as this client's are
            self.streams.add(stream)

    def hear(self) -> None:
        """Tix has said something."""
        self._heard_at = steady()
        self._set(is_online=True)

    def doubt(self) -> None:
        """A stream has ended: Tix may be stopping, which nobody would notice until asking again."""
        self._doubtful_until = steady() + DOUBT_SECONDS

    async def watch(self) -> None:
        """For ever: ask whether Tix is there when nothing is heard of it."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = steady()
            if self.is_online is not False and (
                now < self._doubtful_until or now - self._heard_at > QUIET_SECONDS
            ):
                await self._ask_whether_there()
            for stream in tuple(self.streams):
                if not self.is_online or now - stream.heard_at > DEAD_SECONDS:
                    stream.give_up()

    async def _ask_whether_there(self) -> None:
        with suppress(TixError):  # of any other kind it is an answer
            try:
                await self._probe.request("GET", "/livez")
            except (Unreachable, Unavailable):
                self._set(is_online=False)

    async def _lost(self, seconds: float, error: TixError) -> None:
        if isinstance(error, Unreachable):
            self._set(is_online=False)
        elif isinstance(error, Unavailable):
            await self._ask_whether_there()  # a part of it may be away alone
        if isinstance(error, Unreachable | Unavailable):
            seconds = min(seconds, LONGEST_PAUSE)
        self.retry_at = steady() + seconds
        self._again.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._again.wait(), seconds)

    def retry(self) -> None:
        """Try to reach it now."""
        self._again.set()

    def _set(self, *, is_online: bool) -> None:
        if is_online != self.is_online:
            self.is_online = is_online
            self.lost_at = self._heard_at or steady()
            self._changed()

    # --- who is signed in ---------------------------------------------------------------------------------

    async def enter(self, email: str, password: str, *, is_new: bool, warn: Callable[[str], None]) -> None:
        """Sign in, or up; kept as `tix auth login` keeps it, or `warn` that it cannot be. Raises TixError."""
        session = await (self.tix.sign_up if is_new else self.tix.sign_in)(email, password)
        self.feed.token = session.token
        self.user = session.user
        expires_at = session.model_dump(mode="json", by_alias=True)["expiresAt"]
        sign_in = SignIn(self.target.api_url, session.token, session.user.email, expires_at)
        try:
            await asyncio.to_thread(self.config.credentials.keep, self.target.profile, sign_in, warn=warn)
        except Refused as error:
            warn(f"You are signed in for this run only. {error.detail}")
        self._changed()

    async def recognise(self) -> None:
        """Ask whose the token is. Raises TixError; Unauthenticated: nobody's any more."""
        token, user = self.token, await self.tix.current_user()
        if self.token != token:
            return  # it is about somebody else
        self.user = user
        if user is None:
            self._refused.add(_bearer(token))
            raise Unauthenticated("The token is not accepted any more.", code="unauthenticated", status=401)
        self._changed()

    def has_ended(self, error: Unauthenticated) -> bool:
        """Whether it says so of the token of who is signed in: a work that began earlier had another one."""
        return self.token is not None and (
            error.code == "malformed_token" or _bearer(self.token) in self._refused
        )

    def expire(self) -> None:
        """Go on without the token, in this run; whoever keeps it decides what becomes of it."""
        self.tix.token = self.feed.token = self.user = None
        self._changed()

    async def leave(self) -> None:
        """End the token everywhere and forget it here. Raises TixError."""
        with suppress(Unauthenticated):  # it had ended by itself
            await self.tix.sign_out()
        self.tix.token = self.feed.token = self.user = None
        try:
            await asyncio.to_thread(self.config.credentials.forget, self.target.profile)
        finally:
            self._changed()

    def owns(self, user_id: UUID | None) -> bool:
        """Whether this is who is signed in."""
        return self.user is not None and user_id == self.user.id


def _bearer(token: str | None) -> str:
    """As a request says it."""
    return f"Bearer {token}"
