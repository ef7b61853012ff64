"""Structured logs: JSON lines on stderr, readable ones on a terminal.

Each has the request id, and where there is one the user's, that of the event being heard, and the trace's.
Nothing secret is logged: callers name what they log, and a redactor drops the keys that may hold a secret.
"""

import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO

from pydantic_core import to_json

from server.kit.hiding import hiding
from server.kit.schemas import rfc3339
from server.kit.telemetry import trace_id

# 45 ms and 4 MB; and rich would print every frame's variables in a traceback, passwords among them.
with hiding("greenlet", "rich"):
    import structlog

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request (or event) being worked on; it travels with events as `X-Request-Id`."""

user_id: ContextVar[str | None] = ContextVar("user_id", default=None)
"""Whose token a request brought."""
event_id: ContextVar[str | None] = ContextVar("event_id", default=None)
"""The event being heard."""
SECRETS = frozenset({"password", "token", "authorization", "client_secret", "secret", "cookie", "signature"})

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def _completed(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line["timestamp"] = rfc3339(datetime.now(UTC))
    line.setdefault("request_id", request_id.get())
    for name, id_ in (("user_id", user_id.get()), ("event_id", event_id.get()), ("trace_id", trace_id())):
        if id_ is not None:
            line.setdefault(name, id_)
    for key in () if SECRETS.isdisjoint(line) else SECRETS & line.keys():
        line[key] = "[redacted]"
    return line


def _of_tix(logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line["level"] = "error" if method == "exception" else method
    line["logger"] = "tix"
    return _completed(logger, method, line)


PLAIN = frozenset({str, int, float, bool, type(None)})
"""What `to_json` writes as `_encode` does, at a fifth of its cost."""
_encode = json.JSONEncoder(default=repr, separators=(",", ":")).encode


def _as_json(_: object, __: str, line: MutableMapping[str, Any]) -> str:
    """In ASCII: a terminal obeys some of the other characters."""
    if all(
        type(value) in PLAIN for value in line.values()
    ):  # it would write a dataclass' fields, secret or not
        with suppress(ValueError):  # half a character
            text = to_json(line)
            if text.isascii():
                return text.decode()
    return _encode(line)


def _safely(render: Callable[..., str]) -> Callable[..., str]:
    """What cannot be shown, for a `repr` that fails or a circle, must not fail whoever logs it."""

    def rendered(logger: object, name: str, line: MutableMapping[str, Any]) -> str:
        try:
            return render(logger, name, {**line})
        except Exception:  # noqa: BLE001 - whatever is wrong with it
            return _encode({key: value for key, value in line.items() if isinstance(value, str)})

    return rendered


class _Lines:
    """Writes lines; one that cannot be written, for a full disk or a reader that is gone, stops nobody."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def info(self, line: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: it is closed
            self._file.write(f"{line}\n")
            self._file.flush()

    debug = warning = error = critical = info


def configure(level: str = "INFO") -> None:
    """Have structlog and the standard library's loggers write the same lines to stderr, once per process.

    Ours do not go through the standard library's, in which a line takes twice as long; each request has one.
    """
    tail: list[structlog.typing.Processor] = (
        # Not the default: where something else brought rich along, see above.
        [_safely(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))]
        if sys.stderr.isatty()
        else [structlog.processors.format_exc_info, _safely(_as_json)]
    )
    structlog.configure(
        processors=[_of_tix, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_Lines, sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, _completed],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # Sanic, nats and taskiq narrate at INFO what our own lines already say; their warnings stay.
    for noisy in ("sanic", "nats", "taskiq", "httpx", "httpcore", "stripe", "asyncio", "tortoise", "aerich"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # It warns of running in production mode; its errors are ours to render.
    logging.getLogger("sanic").setLevel(logging.ERROR)
    # It warns of every clean stop: "The listenig task was cancelled."
    logging.getLogger("taskiq.receiver").setLevel(logging.ERROR)
