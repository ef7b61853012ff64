"""Traces by OpenTelemetry: one booking is one, from its first request to its last event, however it travels.

Where it travels it is a W3C `traceparent`: a header of HTTP and of the bus, a column of what is written down
to be done later, an argument of an alarm. Off, nothing is made or imported, and there is none.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Tracer

HEADER = "traceparent"
LENGTH = 55
"""Of a traceparent; there are no longer ones in version 00."""
Kind = Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
NOTHING: AbstractContextManager[None] = nullcontext()

_tracer: Tracer | None = None


def configure(endpoint: str | None, *, process: str) -> Callable[[], None]:
    """Send this process's spans there; returns what sends the last ones and ends it.

    What more OpenTelemetry's own variables say (headers, sampling, resource) it reads by itself.
    """
    if endpoint is None:
        return _nothing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra
    except ImportError:
        logging.getLogger("tix").warning("no traces: the endpoint is set, but tix[otel] is not installed")
        return _nothing
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
    return start(BatchSpanProcessor(exporter), process=process)


def start(processor: SpanProcessor, *, process: str) -> Callable[[], None]:
    """Hand spans to `processor`; returns what ends it."""
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - likewise

    global _tracer  # noqa: PLW0603 - one per process, as the log is
    named = Resource.create({"service.name": process}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    _tracer = provider.get_tracer("tix")

    def stop() -> None:
        global _tracer  # noqa: PLW0603 - as above
        _tracer = None
        provider.shutdown()

    return stop


def is_on() -> bool:
    """Whether this process makes traces."""
    return _tracer is not None


def door(name: str, traceparent: str | None, kind: Kind) -> AbstractContextManager[None]:
    """A span that goes on with the trace that came along, or begins one; whatever was going on is linked."""
    return NOTHING if _tracer is None else _entered(_tracer, name, _remote(traceparent), kind)


def step(name: str, *, otherwise: str | None = None, kind: Kind = "INTERNAL") -> AbstractContextManager[None]:
    """A span in the trace that is going on, or else in that of `otherwise`; nothing outside of one."""
    if _tracer is None or not (going_on := current() or otherwise):
        return NOTHING
    return _entered(_tracer, name, _remote(going_on), kind)


def request(name: str, traceparent: str | None, **attributes: str) -> Callable[[int], None]:
    """The same as a door for what is no block: begins the span, and returns what ends it with a status."""
    if _tracer is None:
        return _nothing
    from opentelemetry import context, trace  # noqa: PLC0415 - an extra

    span = _tracer.start_span(name, _remote(traceparent), trace.SpanKind.SERVER, attributes=attributes)
    # Never detached: the next request on the connection begins with nothing of this one.
    context.attach(trace.set_span_in_context(span, context.Context()))

    def end(status: int) -> None:
        span.set_attribute("http.response.status_code", status)
        if status >= 500:  # noqa: PLR2004
            span.set_status(trace.StatusCode.ERROR)
        span.end()

    return end


def current() -> str | None:
    """The traceparent of what is going on; None when there is none."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 - an extra

    here = get_current_span().get_span_context()
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}" if here.is_valid else None


def trace_id() -> str | None:
    """The id by which the trace is found, for the log."""
    traceparent = current()
    return traceparent.split("-")[1] if traceparent else None


def carried() -> dict[str, str]:
    """The header that carries what is going on."""
    traceparent = current()
    return {HEADER: traceparent} if traceparent else {}


@contextmanager
def _entered(tracer: Tracer, name: str, context: Context, kind: Kind) -> Iterator[None]:
    from opentelemetry import trace  # noqa: PLC0415 - an extra

    here = trace.get_current_span().get_span_context()
    elsewhere = trace.get_current_span(context).get_span_context()
    links = [trace.Link(here)] if here.is_valid and here.trace_id != elsewhere.trace_id else None
    span = tracer.start_span(name, context, trace.SpanKind[kind], links=links)
    # An error by its type alone: its message may say what nobody else may know.
    with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise


def _remote(traceparent: str | None) -> Context:
    """What came along, or nothing at all: not what is going on here."""
    from opentelemetry.context import Context  # noqa: PLC0415 - an extra
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({HEADER: traceparent or ""}, Context())


def _nothing(*_: object) -> None:
    """There is nothing to end."""
