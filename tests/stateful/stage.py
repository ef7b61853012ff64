"""The bridge: Hypothesis plays in a thread of its own, the platform runs in the session's event loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

import hypothesis
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from server.settings import Settings
from tests.dashboard import Dashboard, dashboard
from tests.platform import Platform, started
from tests.stateful.model import MOST_HOLDS

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")
P = ParamSpec("P")

PATIENCE = 15
"""Seconds in which all services must agree with the model after a step."""


@dataclass(frozen=True)
class Stage:
    """The running platform, and two of its databases to see what is copied where no API shows it."""

    platform: Platform
    stripe: Dashboard
    orders: "asyncpg.pool.PoolConnectionProxy[Any]"
    payments: "asyncpg.pool.PoolConnectionProxy[Any]"
    loop: asyncio.AbstractEventLoop
    met: set[str] = field(default_factory=set)
    """Verdicts that were given, and states that orders went through."""

    async def play(
        self,
        machine: Callable[["Stage"], RuleBasedStateMachine],
        rules: hypothesis.settings,
        *,
        seeds: Iterable[int],
    ) -> None:
        """Called in the loop. Raises what the shortest failing run raised, with its steps as notes.

        Many seeds and few examples each: beyond ten, Hypothesis makes most by changing earlier ones a little.
        """
        for seed in seeds:
            # "Anything which returns a machine", though typed as a class.
            factory: Any = hypothesis.seed(seed)(partial(machine, self))
            await asyncio.to_thread(run_state_machine_as_test, factory, settings=rules)

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Called in Hypothesis' thread, whose machines are synchronous: the loop takes the step."""
        return asyncio.run_coroutine_threadsafe(step, self.loop).result(4 * PATIENCE)


class Player(Protocol):
    """A machine on a stage."""

    stage: Stage
    has_failed: bool


M = TypeVar("M", bound=Player)


def in_loop(step: Callable[Concatenate[M, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[M, P], T]:
    """A machine's step that is taken in the loop, and noted if it fails."""

    @wraps(step)
    def run(machine: M, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return machine.stage.run(step(machine, *args, **kwargs))
        except BaseException:
            machine.has_failed = True
            raise

    return run


@asynccontextmanager
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    """The platform with a low cap on holds; all examples share it."""
    async with (
        started(settings.model_copy(update={"max_live_holds": MOST_HOLDS})) as platform,
        dashboard(settings) as stripe,
        platform.database("orders") as orders,
        platform.database("payments") as payments,
    ):
        yield Stage(platform, stripe, orders, payments, asyncio.get_running_loop())
