"""Metrics for Prometheus: what this process counts, and gauges that somebody else has to be asked for.

A label is a name out of the code (a service, a route's template, a status), never an id or an address.
"""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata
from typing import Final, NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from server.kit.log import log

FRESH_SECONDS = 5
"""An answer is used again for this long, whoever scrapes."""
PATIENCE_SECONDS = 1
"""How long a scrape waits for answers; what comes later is there for the next one."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# A second series for each, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

REQUESTS = Counter(
    "tix_http_requests",
    "Requests answered; a refusal with its problem's code.",
    ["service", "method", "route", "status", "code"],
    registry=REGISTRY,
)
DURATION = Histogram(
    "tix_http_request_seconds",
    "From a request's last byte to its answer's first.",
    ["service", "method", "route"],
    buckets=SECONDS,
    registry=REGISTRY,
)
SSE_CLIENTS = Gauge("tix_sse_clients", "Open event streams.", registry=REGISTRY)
PUBLISHED = Counter("tix_events_published", "Events the bus acknowledged.", ["service"], registry=REGISTRY)
HANDLED = Counter(
    "tix_events_handled",
    "Deliveries by what came of them: done, later (its fault passes), failed, given_up (a dead letter).",
    ["consumer", "outcome"],
    registry=REGISTRY,
)
BUILD = Info("tix_build", "What runs.", registry=REGISTRY)
BUILD.info({"version": metadata.version("tix"), "python": platform.python_version()})


def counter(name: str, about: str) -> Counter:
    """A service's own counter."""
    return Counter(name, about, registry=REGISTRY)


def observe_request(  # noqa: PLR0913 - the labels
    service: str, method: str, route: str | None, *, status: int, code: str, seconds: float | None
) -> None:
    """Count an answer; what no route takes has none, and `method` is one of METHODS or `other`."""
    count, duration = _of(service, method, route or "none", str(status), code)
    count.inc()
    if seconds is not None:
        duration.observe(seconds)


@cache
def _of(service: str, method: str, route: str, status: str, code: str) -> tuple[Counter, Histogram]:
    """Kept: to look for them takes longer than to count."""
    count: Counter = REQUESTS.labels(service, method, route, status, code)
    duration: Histogram = DURATION.labels(service, method, route)
    return count, duration


class Family(NamedTuple):
    """A gauge that is asked for."""

    name: str
    about: str
    labels: tuple[str, ...] = ()

    def reads(self, value: float, *labels: str) -> "Reading":
        """One value of it."""
        return Reading(self, labels, float(value))


class Reading(NamedTuple):
    """A gauge's value under its labels."""

    family: Family
    labels: tuple[str, ...]
    value: float


Question = Callable[[], Awaitable[Iterable[Reading]]]
ANSWERED = Family(
    "tix_gauges_up", "Whether a source's gauges are known; with 0 they are missing.", ("source",)
)


class Gauges:
    """Asked at most every FRESH_SECONDS, each question by itself and never twice at once.

    A source that fails or hangs costs its own gauges and no scrape: old values would look like good news.
    """

    def __init__(self, questions: Mapping[str, Question]) -> None:
        """By source: the service, or the bus."""
        self._questions = questions
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._known: dict[str, tuple[float, list[Reading]]] = {}

    async def refresh(self) -> None:
        """Ask what is not fresh; comes back after PATIENCE_SECONDS at most."""
        now = asyncio.get_running_loop().time()
        for source, ask in self._questions.items():
            asked_at, _ = self._known.get(source, (-FRESH_SECONDS, []))
            if source not in self._asking and now - asked_at >= FRESH_SECONDS:
                self._asking[source] = asyncio.create_task(self._ask(source, ask))
        if self._asking:
            await asyncio.wait(tuple(self._asking.values()), timeout=PATIENCE_SECONDS)

    async def _ask(self, source: str, ask: Question) -> None:
        self._known.pop(source, None)
        try:
            readings = list(await ask())
            self._known[source] = asyncio.get_running_loop().time(), readings
        except Exception as error:  # noqa: BLE001 - whatever it is, the other gauges are still worth having
            log.warning("gauges not read", source=source, error=repr(error))
        finally:
            del self._asking[source]

    def collect(self) -> Iterator[Metric]:
        """What is known now."""
        up = [ANSWERED.reads(source in self._known, source) for source in self._questions]
        families: dict[Family, GaugeMetricFamily] = {}
        for reading in (*up, *(one for _, readings in self._known.values() for one in readings)):
            family = reading.family
            if family not in families:
                families[family] = GaugeMetricFamily(family.name, family.about, labels=family.labels)
            families[family].add_metric(reading.labels, reading.value)
        yield from families.values()

    async def close(self) -> None:
        """Ask no more."""
        for task in tuple(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)


async def exposition(gauges: Gauges) -> bytes:
    """All of it in Prometheus' text format."""
    await gauges.refresh()
    asked = CollectorRegistry(auto_describe=False)
    asked.register(gauges)
    return generate_latest(REGISTRY) + generate_latest(asked)
