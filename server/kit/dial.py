"""A connection to NATS that comes back by itself, and says what it was refused."""

import time
from urllib.parse import urlsplit

import nats.errors
from nats.aio.client import Client
from nats.protocol.parser import PERMISSIONS_ERR

from server.kit.log import log

INBOX = "_INBOX"
"""Where answers come to. A user of its own has one of its own, or each could read every other's answers."""
COMPLAIN_SECONDS = 5
REFUSED_SECONDS = 15
"""A refusal counts for so long: longer than it takes us to try the same again."""


class _Lasting(Client):
    """Whatever the server says it ends our connection for, a changed password say, we come back.

    nats-py closes itself for good then, though it tries on where a new connection is told the same.
    """

    async def _process_err(self, err_msg: str) -> None:
        if PERMISSIONS_ERR in err_msg:
            await super()._process_err(err_msg)
        else:
            error = nats.errors.Error("nats: " + err_msg.strip("'"))
            await self._error_cb(error)
            await self._process_op_err(error)


class Refusals:
    """What the bus did not let this connection's user do."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._last, self._at = "", 0.0

    def note(self, what: str) -> None:
        """It was refused now."""
        self._last, self._at = what, time.monotonic()

    @property
    def latest(self) -> str:
        """The newest of the last REFUSED_SECONDS, or nothing."""
        return self._last if time.monotonic() - self._at < REFUSED_SECONDS else ""


async def dial(url: str, *, name: str, inbox: str = INBOX, refusals: Refusals | None = None) -> Client:
    """A connection that comes back by itself, for ever; waits for the first one.

    Of several servers the first names the user for all, also for those that we hear of from a cluster.
    """
    told: dict[str, float] = {}
    first = urlsplit(url.partition(",")[0])
    user = first.username

    async def complain(error: Exception) -> None:
        what = str(error).removeprefix("nats: ")
        is_refusal = what.startswith("permissions violation")
        if is_refusal and refusals is not None:
            refusals.note(what)
        # A subject may end in what is new each time.
        reason = ".".join(what.split(".")[:3]) if is_refusal else type(error).__name__
        now = time.monotonic()
        for old in [each for each, then in told.items() if now - then >= COMPLAIN_SECONDS]:
            del told[old]
        if reason in told:  # it tries four times a second
            return
        told[reason] = now
        if is_refusal:
            log.error("the bus refuses this; its user needs what `nats-users` says", user=user, refused=what)
        elif "authorization violation" in what.lower():
            log.error("the bus does not let this user in: unknown, or with another password", user=user)
        else:
            log.warning("the bus does not answer; trying on", error=repr(error))

    client = _Lasting()
    await client.connect(
        servers=url.split(","),
        name=name,
        # Left to the addresses, nodes that the cluster tells us of would be asked without any.
        user=user if first.password else None,
        password=first.password,
        inbox_prefix=inbox,
        max_reconnect_attempts=-1,  # the default closes the client for good after 60 tries
        reconnect_time_wait=0.25,  # type: ignore[arg-type]  # slept, so it may be a fraction
        ping_interval=10,
        pending_size=-1,  # a publish while disconnected fails at once, not sent behind our back later
        error_cb=complain,
    )
    return client
