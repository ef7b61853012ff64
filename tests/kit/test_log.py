"""Log lines: the request id in each, no secret in any."""

import io
import json
import logging
import sys
from collections.abc import Iterator

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


@pytest.fixture(params=[False, True], ids=["json", "terminal"])
def screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """stderr, with logging set up for it; afterwards everything is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    made = Screen(is_terminal=request.param)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", made)
        log.configure("INFO")
        yield made
    root.handlers = handlers
    root.setLevel(level)


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


def test_a_pipe_gets_one_json_object_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newlines in what is logged do not make new lines: a log cannot be forged."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    made = Screen(is_terminal=False)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", made)
        log.configure("INFO")
        log.log.info("request", path='/x\n{"event":"forged"}\x1b[2J')
    root.handlers = handlers
    root.setLevel(level)
    [line] = made.getvalue().splitlines()
    assert json.loads(line)["path"].startswith("/x\n")
    assert "\x1b" not in line
