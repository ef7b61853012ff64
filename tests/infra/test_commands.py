"""`python -m server`: its commands, and what of the program each has to wait for."""

import subprocess
import sys
from contextlib import nullcontext
from importlib import import_module
from inspect import iscoroutinefunction

import pytest

from server import crew
from server.__main__ import _parser
from server.kit.hiding import hiding
from server.settings import SERVICES
from server.worker import CONSUMERS
from tests.infra.containers import ROOT


def imported(*modules: str) -> set[str]:
    """What these import, and Python itself."""
    asked = (
        f"import sys, {', '.join(modules)}; print(*sorted(name for name in sys.modules if sys.modules[name]))"
    )
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    return {*done.stdout.split()}


def test_what_is_long_to_import_is_imported_where_it_is_used() -> None:
    """Each service is a process, and taskiq, Redis and Stripe are for one of them each."""
    late = {"aerich", "taskiq", "redis", "stripe", "opentelemetry"}
    assert imported("server.whole") & late == set()
    assert imported(*crew.LATE) >= {"taskiq", "redis", "stripe"}  # what workers are forks of has it


def test_what_libraries_take_along_is_not_imported() -> None:
    """For features that nobody uses, because it happens to be installed."""
    unused = {"click", "greenlet", "rich", "requests", "opentelemetry.sdk"}
    assert imported("server.whole", *crew.LATE) & unused == set()


def test_hidden_modules_are_there_again_afterwards() -> None:
    """Those that were, whatever happened meanwhile."""
    import colorsys  # noqa: PLC0415 - anything will do

    sys.modules.pop("this", None)
    for name in ("colorsys", "this"):
        with pytest.raises(ImportError), hiding("colorsys", "this"):
            import_module(name)
    assert import_module("colorsys") is colorsys
    assert "this" not in sys.modules


def test_up_starts_servers_before_it_imports_what_uses_them() -> None:
    """Which takes a second, that would come on top of theirs."""
    slow = {"aiohttp", "asyncpg", "bcrypt", "cryptography", "httpx", "nats", "sanic", "tortoise"}
    assert imported("server.whole") >= slow
    assert imported("server.__main__", "server.up") & slow == set()


@pytest.mark.parametrize(
    "words",
    [
        "up",
        "run orders",
        "migrate",
        "infra",
        "secrets",
        "nats-users",
        "doctor",
        "dead-letters list",
        "dead-letters replay --all",
        "relay --replay-since 2h",
        "trace",
    ],
)
def test_every_command_is_there(words: str) -> None:
    """They are named by strings, which nothing else checks."""
    module, name = _parser().parse_args(words.split()).run.args
    assert iscoroutinefunction(getattr(import_module(f"server.{module}"), name))


def test_the_letters_of_every_service_that_has_some_can_be_chosen() -> None:
    """They are named in the parser, which is not to wait for the consumers."""
    for service in SERVICES:
        with nullcontext() if service in CONSUMERS else pytest.raises(SystemExit):
            _parser().parse_args(["dead-letters", "list", "--service", service])
