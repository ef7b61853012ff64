"""Log lines: the request id in each, no secret in any."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from server.kit import log
from tests.problems import SECRET


class Screen(io.StringIO):
    """stderr; a terminal or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """What decides between JSON and prose."""
        return self._is_terminal


@contextmanager
def logging_to(made: Screen) -> Iterator[None]:
    """With logging set up for it; afterwards everything is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stderr", made)
        patched.setattr(log, "log", log.Log())
        log.configure("INFO")
        yield
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture(params=[False, True], ids=["json", "terminal"])
def screen(request: pytest.FixtureRequest) -> Iterator[Screen]:
    """What is logged to."""
    made = Screen(is_terminal=request.param)
    with logging_to(made):
        yield made


@pytest.mark.parametrize("name", sorted(log.SECRETS))
def test_a_secret_is_redacted_by_its_name(screen: Screen, name: str) -> None:
    """Whoever logs it by mistake."""
    log.log.info("something", **{name: SECRET}, harmless="shown")
    assert SECRET not in screen.getvalue()
    assert "[redacted]" in screen.getvalue()
    assert "shown" in screen.getvalue()


def test_a_traceback_shows_no_variables(screen: Screen) -> None:
    """The password is a local variable of the frame that failed."""

    def sign_in(password: str) -> None:
        raise RuntimeError(f"failed with {len(password)} characters")

    try:
        sign_in(SECRET)
    except RuntimeError as error:
        log.log.error("unexpected error", exc_info=error)
    written = screen.getvalue()
    assert "RuntimeError" in written
    assert "sign_in" in written
    assert SECRET not in written


@pytest.mark.parametrize(
    ("more", "shown"), [({}, "ZeroDivisionError"), ({"exc_info": KeyError()}, "KeyError")]
)
def test_an_exception_is_the_one_being_handled_or_given(
    screen: Screen, more: dict[str, object], shown: str
) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        log.log.exception("failed", **more)
    names = {name for name in ("ZeroDivisionError", "KeyError") if name in screen.getvalue()}
    assert names == {shown}


def test_the_request_id_is_in_every_line(screen: Screen) -> None:
    """Also in those of libraries."""
    token = log.request_id.set("request-of-this-test")
    try:
        log.log.info("ours")
        logging.getLogger("somebody.else").warning("theirs")
    finally:
        log.request_id.reset(token)
    lines = [line for line in screen.getvalue().splitlines() if line]
    assert len(lines) == 2
    assert all("request-of-this-test" in line for line in lines)


def test_the_ids_of_user_and_event_are_in_every_line_that_has_them(screen: Screen) -> None:
    """And in no other; a line that names its own event keeps it."""
    log.log.info("alone")
    tokens = log.user_id.set("user-of-this-test"), log.event_id.set("event-of-this-test")
    try:
        log.log.info("both")
        log.log.info("own", event_id="another-event")
    finally:
        log.user_id.reset(tokens[0])
        log.event_id.reset(tokens[1])
    alone, both, own = [line for line in screen.getvalue().splitlines() if line]
    assert "user_id" not in alone
    assert "event_id" not in alone
    assert "trace_id" not in alone
    assert "user-of-this-test" in both
    assert "event-of-this-test" in both
    assert "another-event" in own
    assert "event-of-this-test" not in own


def test_a_pipe_gets_one_json_object_a_line() -> None:
    """Newlines in what is logged do not make new lines: no log is forged, and no terminal obeys."""
    made = Screen(is_terminal=False)
    with logging_to(made):
        log.log.info("request", path='/x\n{"event":"forged"}\x1b[2J\x9b2J\u2028')
    [line] = made.getvalue().splitlines()
    assert json.loads(line)["path"].startswith("/x\n")
    assert line.isascii()
    assert line.isprintable()


class Mute:
    """What cannot even be shown."""

    def __repr__(self) -> str:
        """Fails."""
        raise ZeroDivisionError


@dataclass
class Card:
    """With something that its `repr` leaves out."""

    number: str = field(repr=False)


CIRCLE: dict[str, object] = {}
CIRCLE["itself"] = CIRCLE


@pytest.mark.parametrize(
    "value",
    ["half a \udc80", b"\xff", Mute(), CIRCLE, {(1, 2): b"\xff"}, Card(SECRET)],
    ids=["half", "bytes", "mute", "circle", "tuple", "card"],
)
def test_whatever_is_logged_is_a_line(screen: Screen, value: object) -> None:
    """And never more than its `repr`."""
    log.log.info("said", value=value)
    [line] = screen.getvalue().splitlines()
    assert "said" in line
    assert SECRET not in line


class Full(Screen):
    """On a disk that is full."""

    def write(self, _: str) -> int:
        """Is refused."""
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    """Neither a full disk nor a reader that is gone costs a request."""
    made = Full(is_terminal=False)
    with logging_to(made):
        log.log.info("lost")
        made.close()
        log.log.info("lost as well")
