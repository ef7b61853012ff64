"""A trace's first span: this command, if OTEL_EXPORTER_OTLP_ENDPOINT is set and tix[otel] installed."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace import SpanProcessor

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SEND_SECONDS = 2
"""A collector that does not answer costs a command no more."""


@contextmanager
def traced(
    command: str, environ: Mapping[str, str], processor: SpanProcessor | None = None
) -> Iterator[None]:
    """What is asked of Tix within is part of one trace; the caller's, if it has set TRACEPARENT."""
    try:
        from opentelemetry import trace  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator as Propagator,
        )

        processor = processor or _sending(environ[ENDPOINT])
    except ImportError:
        yield
        return
    from client.http import traceparent  # noqa: PLC0415 - 0.2 s

    named = Resource.create({"service.name": "tix"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    given = Propagator().extract({"traceparent": environ.get("TRACEPARENT", "")})
    carrier: dict[str, str] = {}
    with provider.get_tracer("tix").start_as_current_span(
        command, given, trace.SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
    ):
        Propagator().inject(carrier)
        token = traceparent.set(carrier["traceparent"])
        try:
            yield
        finally:
            traceparent.reset(token)
    provider.shutdown()


def _sending(endpoint: str) -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415 - both an extra

    # A collector that is away is no news for whoever books a ticket.
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return SimpleSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_SECONDS))
