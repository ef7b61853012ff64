"""One booking is one trace, from the command through HTTP, outbox, bus, alarm, Stripe and its webhook."""

import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, StatusCode

from cli.tracing import traced
from client import Tix
from server.kit import telemetry
from server.kit.http import PROBES
from server.payments.owed import PaymentOp
from server.settings import Settings
from tests.platform import ROOT, Platform, started, wipe
from tests.waiting import until

STEPS = {
    "tix buy",
    "POST /api/orders",
    "publish order:created",
    "hear tickets-order-created",
    "hear payments-order-created",
    "hear expiration-order-created",
    "POST /api/payments",
    "stripe create",
    "stripe confirm",
    "webhook payment_intent.succeeded",
    "stripe sync",
    "publish payment:authorized",
    "hear orders-payment-authorized",
    "publish order:accepted",
    "hear payments-order-accepted",
    "stripe capture",
    "publish payment:created",
    "hear orders-payment-created",
    "publish order:completed",
    "hear tickets-order-completed",
    "ring alarm",
    "publish expiration:complete",
    "hear orders-expiration-complete",
}
"""Each leads to the next; those of Stripe's webhook and of the alarm come back from outside."""


class Spans:
    """What the server and the command say, together."""

    def __init__(self) -> None:
        self.server, self.command = InMemorySpanExporter(), InMemorySpanExporter()

    def all(self) -> list[ReadableSpan]:
        """Those that have ended."""
        return [*self.command.get_finished_spans(), *self.server.get_finished_spans()]

    def named(self) -> dict[str, ReadableSpan]:
        """By name, the last of each."""
        return {span.name: span for span in self.all()}

    def traces(self, names: Collection[str]) -> set[int]:
        """To which those with these names belong."""
        return {context_of(span).trace_id for span in self.all() if span.name in names}


def context_of(span: ReadableSpan) -> SpanContext:
    """Every span that ended has one."""
    assert isinstance(span.context, SpanContext)
    return span.context


@pytest.fixture
def spans() -> Iterator[Spans]:
    """Traces are on."""
    made = Spans()
    end = telemetry.start(SimpleSpanProcessor(made.server), process="tix-test")
    yield made
    end()


@pytest.fixture(scope="module")
async def quick(settings: Settings) -> AsyncIterator[Platform]:
    """A platform whose alarms ring soon."""
    await wipe(settings)
    async with started(settings.model_copy(update={"hold_seconds": 2})) as platform:
        yield platform


async def buy(platform: Platform, spans: Spans) -> None:
    """A ticket bought by one command."""
    ticket = await platform.user().list_ticket()
    buyer = platform.user()
    token = buyer.headers["Authorization"].removeprefix("Bearer ")
    with traced("tix buy", {}, SimpleSpanProcessor(spans.command)):
        async with Tix(platform.api_url, token) as tix:
            order = await tix.reserve_ticket(ticket["id"])
            await tix.pay_order(order.id, payment_method="pm_card_visa")
    await buyer.order_in(str(order.id), "complete")


@pytest.mark.slow
async def test_a_booking_is_one_trace(quick: Platform, spans: Spans) -> None:
    """Every step of it, each below another; what it does not carry along would begin a trace of its own."""
    await buy(quick, spans)
    await until(lambda: spans.named().keys() >= STEPS, f"all of {STEPS} have ended", 15)
    assert len(spans.traces(STEPS)) == 1
    found = spans.named()
    ids = {context_of(span).span_id for span in spans.all()}
    assert {name for name in STEPS if (up := found[name].parent) is None or up.span_id not in ids} == {
        "tix buy"
    }
    webhook = found["webhook payment_intent.succeeded"]
    [from_outside] = [link.context.trace_id for link in webhook.links]
    assert from_outside in spans.traces(["POST /api/payments/webhook"])
    assert from_outside != context_of(webhook).trace_id


@pytest.mark.slow
async def test_without_the_header_of_the_bus_it_would_be_many(
    quick: Platform, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(telemetry, "carried", dict)
    await buy(quick, spans)
    heard = "hear payments-order-created"
    await until(lambda: heard in spans.named(), "the order was heard of")
    assert len(spans.traces(["POST /api/orders", heard])) == 2


@pytest.mark.slow
async def test_without_the_webhooks_payment_it_would_be_two(
    quick: Platform, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: Stripe brings no trace along."""

    async def forgotten(_: object) -> None:
        return None

    monkeypatch.setattr(PaymentOp, "first_trace", forgotten)
    await buy(quick, spans)
    await until(lambda: "POST /api/payments/webhook" in spans.named(), "Stripe told of it")
    assert not [name for name in spans.named() if name.startswith("webhook ")]
    assert not spans.traces(["POST /api/payments/webhook"]) & spans.traces(["tix buy"])


async def test_a_failure_is_told_without_its_words(spans: Spans) -> None:
    """A message may say what nobody else may know."""
    with pytest.raises(RuntimeError), telemetry.door("work", None, "INTERNAL"):
        raise RuntimeError("the password is hunter2")
    [span] = spans.all()
    assert span.status.status_code is StatusCode.ERROR
    assert "hunter2" not in span.to_json()
    assert (span.attributes or {})["error.type"] == "RuntimeError"


async def test_what_a_stranger_sends_is_no_trace(quick: Platform, spans: Spans) -> None:
    """Nonsense begins a new one and harms nobody."""
    for sent in ("", "00-zz-zz-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 9000):
        answer = await quick.http.get("/api/tickets", headers={"traceparent": sent})
        assert answer.status_code in {200, 413}
    assert all(context_of(span).is_valid and span.parent is None for span in spans.all())


async def test_a_method_of_a_strangers_own_names_no_span(quick: Platform, spans: Spans) -> None:
    """Names are few: a collector counts by them."""
    await quick.http.request("BREW", "/api/tickets")
    [span] = spans.all()
    assert span.name.split()[0] == (span.attributes or {})["http.request.method"] == "other"


def test_probes_are_no_traces() -> None:
    """They come every few seconds, from every cluster."""
    assert {"/livez", "/readyz"} == PROBES


async def test_off_nothing_is_made_and_nothing_is_written(quick: Platform) -> None:
    await quick.user().list_ticket()
    assert telemetry.current() is None
    assert telemetry.carried() == {}
    assert telemetry.door("a", None, "SERVER") is telemetry.step("b") is telemetry.NOTHING
    assert (
        await quick.count(
            "tickets",
            "SELECT count(*) FROM (SELECT trace FROM outbox ORDER BY id DESC LIMIT 1) o WHERE trace IS NULL",
        )
        == 1
    )


@pytest.mark.slow
def test_off_nothing_is_imported() -> None:
    """Neither by the server nor by the command; redis, in the worker, does for its own sake."""
    program = (
        "import sys, server.app, cli.main; from server.kit import telemetry; "
        "telemetry.configure(None, process='x')(); "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_without_the_extra_it_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    telemetry.configure("http://127.0.0.1:9", process="x")()
    assert "tix[otel] is not installed" in caplog.text
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    ran = []
    with traced("tix tickets list", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}):
        ran.append(telemetry.current())
    assert ran == [None]
