"""`python -m server`: its commands, and what of the program each has to wait for."""

import importlib.util
import subprocess
import sys
from importlib import import_module
from inspect import iscoroutinefunction

import pytest

from server import crew
from server.__main__ import _parser
from tests.infra.containers import ROOT


def imported(*modules: str) -> set[str]:
    """What these import, by the names of packages."""
    asked = f"import sys, {', '.join(modules)}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    return {*done.stdout.split()}


def test_what_is_long_to_import_is_imported_where_it_is_used() -> None:
    """Each service is a process, and taskiq, Redis and Stripe are for one of them each."""
    late = {"aerich", "taskiq", "redis", "stripe", "opentelemetry"}
    assert imported("server.whole") & late == set()
    for name in crew.LATE:  # what workers are forks of has them all the same
        assert importlib.util.find_spec(name)


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
