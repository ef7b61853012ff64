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
from typing import Any, TextIO

from server.kit.hiding import hiding
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

_stamped = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _with_ids(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line.setdefault("request_id", request_id.get())
    for name, id_ in (("user_id", user_id.get()), ("event_id", event_id.get()), ("trace_id", trace_id())):
        if id_ is not None:
            line.setdefault(name, id_)
    return line


def _redacted(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in SECRETS & line.keys():
        line[key] = "[redacted]"
    return line


_encode = json.JSONEncoder(default=repr).encode


def _as_json(_: object, __: str, line: MutableMapping[str, Any]) -> str:
    """In ASCII: a terminal obeys some of the other characters."""
    return _encode(line)


def _safely(render: Callable[..., str]) -> Callable[..., str]:
    """What cannot be shown, for a `repr` that fails or a circle, must not fail whoever logs it."""

    def rendered(logger: object, name: str, line: MutableMapping[str, Any]) -> str:
        try:
            return render(logger, name, {**line})
        except Exception:  # noqa: BLE001 - whatever is wrong with it
            return _encode({key: value for key, value in line.items() if isinstance(value, str)})

    return rendered


SHARED: list[structlog.typing.Processor] = [_stamped, _with_ids, _redacted]
"""What happens to a line, ours or a library's, before it is shown."""
Sink = Callable[[MutableMapping[str, Any]], None]


class Log:
    """Lines of an event and what there is to say of it.

    structlog's processors without its loggers, which cost as much again; and each request has a line.
    """

    def __init__(self) -> None:
        """Nothing below a warning is said before `configure`."""
        self.level = logging.WARNING
        self.sink: Sink = _shown_in(sys.stderr)

    def debug(self, event: str, **fields: object) -> None:
        """For who looks for a fault."""
        self._say(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """All is well."""
        self._say(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """It may pass by itself."""
        self._say(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Somebody has to look; `exc_info` is the exception, if there is one."""
        self._say(logging.ERROR, event, fields)

    def exception(self, event: str, **fields: object) -> None:
        """An error, with the exception that is being handled."""
        self._say(logging.ERROR, event, {"exc_info": True, **fields})

    def _say(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if level < self.level:
            return
        line: Any = fields
        line |= {"event": event, "level": logging.getLevelName(level).lower(), "logger": "tix"}
        for process in SHARED:
            line = process(None, "", line)
        self.sink(line)


def _tail(file: TextIO) -> list[structlog.typing.Processor]:
    """What makes text of a line."""
    if file.isatty():
        # Not the default: where something else brought rich along, see above.
        return [_safely(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))]
    return [structlog.processors.format_exc_info, _safely(_as_json)]


def _shown_in(file: TextIO) -> Sink:
    """Writes lines; one that cannot be written, for a full disk or a reader that is gone, stops nobody."""
    tail = _tail(file)

    def show(line: Any) -> None:  # noqa: ANN401 - first a mapping, then text
        for process in tail:
            line = process(None, "", line)
        with suppress(OSError, ValueError):  # ValueError: it is closed
            file.write(f"{line}\n")
            file.flush()

    return show


log = Log()


def configure(level: str = "INFO") -> None:
    """Have our lines, and alike those of the standard library's loggers, on stderr; once per process."""
    log.level = logging.getLevelNamesMapping()[level]
    log.sink = _shown_in(sys.stderr)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name, *SHARED],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_tail(sys.stderr)],
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
