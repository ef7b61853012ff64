"""/metrics: what a booking leaves there, and what must not be there."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError
from uuid_utils.compat import uuid7

from server.gauges import create_metrics, scraped, take_free
from server.kit import inbox, metrics
from server.kit.bus import Bus
from server.kit.inbox import NotYetVisible
from server.kit.metrics import Family, Gauges, Reading
from server.settings import SERVICES, Settings
from tests.platform import Platform
from tests.problems import assert_problem
from tests.telemetry.scraping import Sample, scrape, value
from tests.waiting import until

PROBED = Family("probed", "Of a test.", ("of",))


@pytest.fixture
async def address(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """Of the running platform's metrics; each scrape asks anew."""
    monkeypatch.setattr(metrics, "FRESH_SECONDS", 0)
    free = settings.model_copy(update={"metrics_port": 0})
    async with scraped(SERVICES, free, platform.links) as found:
        assert found is not None
        yield found


async def test_a_booking_is_counted_by_route(platform: Platform, address: str) -> None:
    """Rate, errors and duration by the route as it is written; no id and no path of anybody's own."""
    before = await scrape(address)
    seller, buyer = platform.user(), platform.user()
    ticket = await seller.list_ticket()
    order = await buyer.hold(ticket["id"])
    assert (await buyer.get(f"/api/orders/{order['id']}")).status_code == 200
    assert (await buyer.get(f"/api/orders/{uuid4()}")).status_code == 404
    await platform.http.request("BREW", "/nothing/of/ours")
    after = await scrape(address)

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    place = {"service": "orders", "method": "GET", "route": "/api/orders/:order_id"}
    assert more("tix_http_requests_total", **place, status="200", code="") == 1
    assert more("tix_http_requests_total", **place, status="404", code="order_not_found") == 1
    assert more("tix_http_request_seconds_count", **place) == 2
    strange = {"method": "other", "route": "none", "status": "404", "code": "not_found"}
    assert more("tix_http_requests_total", service="tix", **strange) == 1
    assert not [
        labels for _, labels in after for _, text in labels if re.search(r"[0-9a-f]{8}-|nothing", text)
    ]


async def test_what_is_still_on_its_way_has_a_code_of_its_own(
    platform: Platform, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By which the alert leaves it out."""
    place = {"service": "orders", "method": "POST", "route": "/api/orders", "status": "503"}
    which = {**place, "code": NotYetVisible.code}
    before = value(await scrape(address), "tix_http_requests_total", **which)
    monkeypatch.setattr(inbox, "PATIENCE_SECONDS", 0)
    answer = await platform.user().post("/api/orders", {"ticketId": str(uuid7())})
    assert_problem(answer, 503, NotYetVisible.code)
    assert value(await scrape(address), "tix_http_requests_total", **which) == before + 1


async def test_what_waits_and_what_is_held_is_told(platform: Platform, address: str) -> None:
    """Gauges out of the databases and the bus."""
    before = await scrape(address)
    ticket = await platform.user().list_ticket()
    buyer = platform.user()
    order = await buyer.hold(ticket["id"])
    assert (await buyer.pay(order["id"])).status_code == 201
    await buyer.order_in(order["id"], "complete")
    held = await platform.user().list_ticket()
    await buyer.hold(held["id"])
    found: dict[Sample, float] = {}

    async def settled() -> bool:
        found.update(await scrape(address))
        waiting = [
            v for (name, _), v in found.items() if name in {"tix_outbox_unpublished", "tix_consumer_pending"}
        ]
        return not any(waiting) and value(found, "tix_payments", status="captured") == 1

    await until(settled, "all events are heard and the payment is captured")
    assert value(found, "tix_holds", state="active") == value(before, "tix_holds", state="active") + 1
    assert value(found, "tix_holds", state="overdue") == 0
    assert value(found, "tix_bus_connected") == 1
    assert ("tix_consumer_pending", (("consumer", "payments-order-created"),)) in found
    assert ("tix_consumer_redelivered", (("consumer", "expiration-order-created"),)) in found
    assert value(found, "tix_events_handled_total", consumer="orders-payment-created", outcome="done") >= 1
    assert value(found, "tix_events_published_total", service="payments") >= 1
    connections = [value(found, "tix_db_connections", service="orders", state=s) for s in ("idle", "in_use")]
    assert sum(connections) >= 1
    assert {labels[0][1] for name, labels in found if name == "tix_dead_letters"} == {
        "tickets",
        "orders",
        "payments",
    }
    assert all(v == 1 for (name, _), v in found.items() if name == "tix_gauges_up")
    [build] = [dict(labels) for name, labels in found if name == "tix_build_info"]
    assert build.keys() == {"version", "python"}


async def test_an_open_stream_is_counted(platform: Platform, address: str) -> None:
    async with platform.http.stream("GET", "/api/tickets/events") as stream:
        lines = stream.aiter_lines()  # kept: a generator that is let go closes the stream
        await anext(lines)
        assert value(await scrape(address), "tix_sse_clients") == 1

    async def gone() -> bool:
        await platform.user().list_ticket()  # a client that left is noticed when something is told
        return value(await scrape(address), "tix_sse_clients") == 0

    await until(gone, "the stream is not counted any more")


async def test_a_consumer_that_is_missing_does_not_hide_the_bus(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(_: Bus) -> list[ConsumerInfo]:
        raise NotFoundError

    monkeypatch.setattr(Bus, "consumers", missing)
    told = await scrape(address)
    assert value(told, "tix_gauges_up", source="consumers") == 0
    assert value(told, "tix_gauges_up", source="bus") == 1
    assert value(told, "tix_bus_connected") == 1


async def test_the_public_port_has_no_metrics(platform: Platform, address: str) -> None:
    """Of the API or the shop, whoever asks; its own port has them and the probes."""
    for path in ("/metrics", "/metrics/", "/METRICS"):
        answer = await platform.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    async with httpx.AsyncClient(base_url=address.removesuffix("/metrics"), trust_env=False) as http:
        assert "tix_build_info" in (await http.get("/metrics")).text
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/readyz")).json() == {"status": "ready"}
        assert (await http.get("/api/tickets")).status_code == 404


async def test_the_shop_has_none_either(shop: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{shop}/metrics")).status_code == 404


class TestGauges:
    """Who is asked may fail, hang or be slow: a scrape is answered all the same."""

    async def test_a_source_that_fails_or_hangs_costs_only_its_own(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(metrics, "PATIENCE_SECONDS", 0.05)

        async def well() -> list[Reading]:
            return [PROBED.reads(7, "well")]

        async def broken() -> list[Reading]:
            raise ConnectionError("postgres://tix:secret@10.0.0.1/tix does not answer")

        async def hanging() -> list[Reading]:
            await asyncio.Event().wait()
            return []

        gauges = Gauges({"well": well, "broken": broken, "hanging": hanging})
        began = time.monotonic()
        text = (await metrics.exposition(gauges)).decode()
        assert time.monotonic() - began < 1
        assert 'probed{of="well"} 7.0' in text
        ups = re.findall(r'^tix_gauges_up\{source="(\w+)"\} (\S+)$', text, re.MULTILINE)
        assert dict(ups) == {"well": "1.0", "broken": "0.0", "hanging": "0.0"}
        await gauges.close()

    async def test_an_answer_is_used_again_and_nobody_is_asked_twice_at_once(self) -> None:
        asked, go = 0, asyncio.Event()

        async def slow() -> list[Reading]:
            nonlocal asked
            asked += 1
            await go.wait()
            return [PROBED.reads(asked, "slow")]

        gauges = Gauges({"slow": slow})
        scrapes = [asyncio.create_task(metrics.exposition(gauges)) for _ in range(5)]
        await until(lambda: asked, "it is asked")
        go.set()
        assert all(b'probed{of="slow"} 1.0' in text for text in await asyncio.gather(*scrapes))
        await metrics.exposition(gauges)
        assert asked == 1

    async def test_what_is_not_known_any_more_is_not_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An old value would look like good news."""
        monkeypatch.setattr(metrics, "FRESH_SECONDS", 0)
        answers = iter([[PROBED.reads(1, "x")]])

        async def once() -> list[Reading]:
            return next(answers)

        gauges = Gauges({"x": once})
        assert b"probed{" in await metrics.exposition(gauges)
        assert b"probed{" not in await metrics.exposition(gauges)


def test_each_process_has_a_port_of_its_own() -> None:
    """`--workers`, and the six of `make dev-all`: the next free one."""
    first = take_free(19_464, "127.0.0.1")
    assert first is not None
    with first, take_free(first.getsockname()[1], "127.0.0.1") or first as second:
        assert second.getsockname()[1] > first.getsockname()[1]


async def test_without_a_port_the_platform_runs_all_the_same(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.gauges.take_free", lambda *_: None)
    async with scraped(["tickets"], settings) as address:
        assert address is None


def test_metrics_are_no_service_of_the_shop() -> None:
    """Its own application: nothing of the public one is on it, and nothing of it is counted."""
    app = create_metrics(Gauges({}), {})
    assert {route.path for route in app.router.routes} == {"metrics", "livez", "readyz"}
    assert app.ctx.only_looks_on
