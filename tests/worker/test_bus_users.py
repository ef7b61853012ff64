"""Each service has a user of its own on the bus, who may do there what the service does and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import nats.errors
import pytest
from nats.aio.client import Client
from uuid_utils.compat import uuid7

from server import events, worker
from server.app import FOLLOWED, create_app, serving
from server.events import CATALOGUE
from server.grants import DURABLES, says
from server.kit import bus, dial
from server.kit.bus import Bus
from server.kit.events import Envelope
from server.kit.failures import BUCKET
from server.kit.keeper import STREAM, Keeper
from server.ports import listen
from server.run import bus_check
from server.settings import SERVICES, Service, Settings
from tests.logged import Logged
from tests.platform import keeping
from tests.problems import assert_problem
from tests.waiting import until

SUBJECTS = {event.subject() for event in CATALOGUE}
API = "$JS.API"
POISON = (  # what only whoever made the stream may ask
    *(f"STREAM.{verb}.{STREAM}" for verb in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "MSG.GET")),
    *(f"STREAM.{verb}.KV_{BUCKET}" for verb in ("UPDATE", "DELETE", "PURGE", "MSG.DELETE")),
    *(f"CONSUMER.DURABLE.CREATE.{STREAM}.mine", f"CONSUMER.CREATE.{STREAM}"),
    *(f"DIRECT.GET.{STREAM}", f"DIRECT.GET.{STREAM}.order.created", f"DIRECT.GET.KV_{BUCKET}"),
    *("INFO", "STREAM.NAMES", "STREAM.LIST", f"CONSUMER.LIST.{STREAM}", f"CONSUMER.NAMES.{STREAM}"),
)


class Somebody:
    """A connection as one user, and what it was refused."""

    def __init__(self, client: Client, inbox: str) -> None:
        self.client, self.inbox = client, inbox
        self._refused: set[str] = set()

    def note(self, what: str) -> None:
        """One more."""
        self._refused.add(what)

    async def refused(self, publish: Iterable[str] = (), subscribe: Iterable[str] = ()) -> set[str]:
        """Which of these were, or what was before; the server says so before it answers another request."""
        for subject in publish:
            await self.client.publish(subject, b"{}", reply=f"{self.inbox}.x")
        for subject in subscribe:
            await (await self.client.subscribe(subject)).unsubscribe()
        await self.client.jetstream().stream_info(STREAM)
        return {what.rpartition(" ")[2].strip('"') for what in self._refused}


@asynccontextmanager
async def joined(url: str, inbox: str) -> AsyncIterator[Somebody]:
    """As this user."""
    made: list[Somebody] = []

    async def complain(error: Exception) -> None:
        made[0].note(str(error))

    client = await nats.connect(url, inbox_prefix=inbox, error_cb=complain)
    made.append(Somebody(client, inbox))
    try:
        yield made[0]
    finally:
        await client.close()


@pytest.fixture
async def stream(empty: Settings) -> AsyncIterator[Bus]:
    """Stream and consumers, with nobody who works on them."""
    async with keeping(empty) as link:
        yield link


def lower(subjects: Iterable[str]) -> set[str]:
    """As nats-py repeats them."""
    return {subject.lower() for subject in subjects}


@pytest.mark.parametrize("service", SERVICES)
async def test_it_says_its_own_events_and_no_others(
    service: Service, settings: Settings, stream: Bus
) -> None:
    """Every event of the catalogue is tried; the server stores its own only."""
    own = set(says(service))
    async with joined(*settings.bus(service)) as somebody:
        assert await somebody.refused(publish=SUBJECTS) == lower(SUBJECTS - own)

    async def stored() -> set[str]:
        info = await stream.jetstream.stream_info(STREAM, subjects_filter=">")
        return set(info.state.subjects or ())

    async def whole() -> bool:
        return await stored() >= own

    await until(whole, "what was taken is on the disk")
    assert await stored() == own


@pytest.mark.parametrize("service", SERVICES)
async def test_it_hears_by_its_own_consumers_only(service: Service, settings: Settings, stream: Bus) -> None:
    """A message in each of them; those of others it can neither ask, nor change, nor answer for."""
    for subject in SUBJECTS:
        await stream.jetstream.publish(subject, b"{}")
    everybody = {name for names in DURABLES.values() for name in names}
    others = everybody - set(DURABLES[service])
    tried = [f"{API}.CONSUMER.{verb}.{STREAM}.{name}" for verb in ("MSG.NEXT", "CREATE") for name in others]
    tried += [f"{API}.CONSUMER.CREATE.{STREAM}.{name}.order.created" for name in everybody]
    tried += [f"{API}.CONSUMER.DELETE.{STREAM}.{name}" for name in everybody]
    tried += [f"$JS.ACK.{STREAM}.{name}.1.1.1.1.0" for name in others]
    tried += [f"$KV.{BUCKET}.{name}.{uuid4()}" for name in others]
    tried += [f"{API}.{what}" for what in POISON]
    async with joined(*settings.bus(service)) as somebody:
        assert await somebody.refused(publish=tried) == lower(tried)
        jetstream = somebody.client.jetstream(timeout=1)
        for name in DURABLES[service]:
            [message] = await (await jetstream.pull_subscribe_bind(name, STREAM)).fetch(1, timeout=1)
            await message.ack_sync()
            await jetstream.key_value(BUCKET)
        assert await somebody.refused() == lower(tried)


@pytest.mark.parametrize("service", SERVICES)
async def test_it_overhears_nothing(service: Service, settings: Settings, stream: Bus) -> None:
    """Neither events as they are published, nor what others are answered; only its own answers."""
    places = {f"_INBOX_{other}.>" for other in SERVICES if other != service}
    tried = {*SUBJECTS, *places, ">", "*.*", "_INBOX.>", "$JS.>", "$KV.>"}
    async with joined(*settings.bus(service)) as somebody:
        assert await somebody.refused(subscribe=[f"{somebody.inbox}.x"]) == set()
        assert await somebody.refused(subscribe=tried) == lower(tried)


@pytest.mark.parametrize("service", SERVICES)
async def test_the_stream_is_read_by_those_whose_changes_people_follow(
    service: Service, settings: Settings, stream: Bus
) -> None:
    """By a consumer that lives as long as the process; no other service may have one."""
    await stream.jetstream.publish("payment.failed", b"{}")
    async with joined(*settings.bus(service)) as somebody:
        reading = somebody.client.jetstream(timeout=0.3).pull_subscribe(">", stream=STREAM)
        if service in FOLLOWED:
            [message] = await (await reading).fetch(1, timeout=1)
            assert message.subject == "payment.failed"
        else:
            with pytest.raises(nats.errors.TimeoutError):
                await reading
            [refused] = await somebody.refused()
            assert refused.startswith(f"{API}.CONSUMER.CREATE.{STREAM}.".lower())


async def test_what_the_broker_answers_is_no_event(settings: Settings, stream: Bus) -> None:
    """It answers to wherever it is told, but never with what a service stored, as DIRECT.GET would."""
    key = f"$KV.{BUCKET}.tickets-order-created.x"
    async with joined(*settings.bus("tickets")) as somebody:
        jetstream = somebody.client.jetstream()
        await jetstream.publish("ticket.created", b"forged")
        await jetstream.publish(key, b"forged")
        await jetstream.add_consumer(STREAM, name="pull")
        with pytest.raises(nats.js.errors.BadRequestError, match="cycle"):
            await jetstream.add_consumer(STREAM, name="push", deliver_subject="payment.created")
        asked = {"last_by_subj": key}
        for subject, body in (
            (f"{API}.CONSUMER.MSG.NEXT.{STREAM}.pull", b"1"),
            (f"{API}.STREAM.MSG.GET.KV_{BUCKET}", json.dumps(asked).encode()),
            ("ticket.updated", b"{}"),
        ):
            await somebody.client.publish(subject, body, reply="payment.created")

        async def delivered() -> bool:
            about = await stream.jetstream.consumer_info(STREAM, "pull")
            return bool(about.delivered and about.delivered.consumer_seq)

        await until(delivered, "the broker answered all of it")
    last = (await stream.jetstream.stream_info(STREAM)).state.last_seq
    stored = [await stream.jetstream.get_msg(STREAM, seq) for seq in range(1, last + 1)]
    answers = [json.loads(one.data or b"") for one in stored if one.subject == "payment.created"]
    assert all("stream" in answer or "type" in answer for answer in answers), answers  # its own words
    async with joined(settings.nats_url or "", "_INBOX") as maker:
        await maker.client.publish(f"{API}.DIRECT.GET.{STREAM}", b'{"seq": 1}', reply="payment.failed")

        async def forged() -> bool:
            with suppress(nats.js.errors.NotFoundError):
                return (await stream.jetstream.get_last_msg(STREAM, "payment.failed")).data == b"forged"
            return False

        await until(forged, "who may ask so can forge")


async def test_whoever_makes_the_stream_may_do_all_of_it(settings: Settings, stream: Bus) -> None:
    """The control: what is refused to services is so because of who asks."""
    url = settings.nats_url or ""
    async with joined(url, "_INBOX") as somebody:
        assert await somebody.refused(publish=SUBJECTS, subscribe=[*SUBJECTS, ">"]) == set()


def test_every_event_has_a_service_that_says_it() -> None:
    said = [subject for service in SERVICES for subject in says(service)]
    assert sorted(said) == sorted(SUBJECTS)
    assert {name for names in DURABLES.values() for name in names} == {
        f"{service}-{event.subject().replace('.', '-')}"
        for service, heard in worker.HEARD.items()
        for event in heard
    }


def envelope(event: events.TokenRevoked | events.ExpirationComplete) -> Envelope:
    """As it travels."""
    data = event.model_dump(mode="json", by_alias=True)
    return Envelope(id=uuid7(), type=event.type, occurred_at=datetime.now(UTC), data=data)


class TestRefused:
    """What a service does then: it says so, goes on with the rest, and is not ready."""

    async def test_it_is_said_and_seen_in_readyz_until_it_passes(
        self,
        settings: Settings,
        stream: Bus,
        logged: Logged,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(bus, "ANSWER_SECONDS", 0.2)
        monkeypatch.setattr(dial, "REFUSED_SECONDS", 0.5)
        url, inbox = settings.bus("auth")
        ours = envelope(events.TokenRevoked(jti=uuid4(), until=datetime.now(UTC) + timedelta(hours=1)))
        foreign = envelope(events.ExpirationComplete(order_id=uuid4()))
        async with bus.connect(url, name="auth", inbox=inbox, keeper=Keeper(None, ())) as link:
            app = create_app(["expiration"], settings, checks={"bus": bus_check([link])})
            sock = listen(0)
            address = f"http://127.0.0.1:{sock.getsockname()[1]}"
            async with (
                serving(app, sock, grace=1),
                httpx.AsyncClient(base_url=address, trust_env=False) as http,
            ):
                assert (await http.get("/readyz")).status_code == 200
                stored = await link.publish_all((each, "r", None) for each in (foreign, ours, foreign))
                assert stored == [ours]
                answer = await http.get("/readyz")
                assert assert_problem(answer, 503, "not_ready")["failing"] == ["bus"]

                async def is_ready() -> bool:
                    return (await http.get("/readyz")).status_code == 200

                await until(is_ready, "nothing was refused lately")
        [said] = logged.lines("refuses")
        assert "auth" in said
        assert "expiration.complete" in said

    async def test_a_wrong_password_is_said(self, settings: Settings, logged: Logged) -> None:
        """And waited with, as for a bus that is away: whoever mends the bus need not start us again."""
        url = settings.bus("auth")[0].replace("nats://auth:", "nats://auth:not-")
        joining = asyncio.create_task(dial.dial(url, name="auth"))
        try:
            await until(lambda: "does not let this user in" in logged.text, "it is said")
            assert not joining.done()
        finally:
            joining.cancel()
            await asyncio.wait([joining])

    async def test_who_may_not_make_the_stream_is_told_and_waits(
        self, settings: Settings, empty: Settings, logged: Logged
    ) -> None:
        """NATS_URL with a user who may not: the sentence names what it would need."""
        monkey = Keeper(settings.auth_nats_url, worker.SUBJECTS)
        making = asyncio.create_task(monkey.start())
        try:
            await until(lambda: "the bus refuses this" in logged.text, "it is said")
            assert not making.done()
        finally:
            making.cancel()
            await asyncio.wait([making])


class TestWithoutTheMaker:
    """A process that has its service's own URL only, as in a container."""

    async def test_it_waits_until_the_stream_is_made(self, empty: Settings, logged: Logged) -> None:
        """By `migrate`, say; a bus that has lost it again is waited for as well."""
        alone = empty.model_copy(update={"nats_url": None})
        stack = worker.running(["orders"], alone)
        joining = asyncio.create_task(stack.__aenter__())
        await until(lambda: "python -m server migrate" in logged.text, "it says what is to be done")
        assert not joining.done()
        await worker.keeper_of(empty).start()
        [link] = await joining
        link.check()
        await stack.__aexit__(None, None, None)

    async def test_one_user_for_all_is_enough(self, empty: Settings) -> None:
        """On a bus of somebody's own, where NATS_URL is all there is."""
        shared = empty.model_copy(update={f"{name}_nats_url": None for name in SERVICES})
        assert {shared.bus(name) for name in SERVICES} == {(empty.nats_url, "_INBOX")}
        async with worker.running(SERVICES, shared) as links, keeping(shared) as link:
            for each in links:
                each.check()
            over = datetime.now(UTC) + timedelta(hours=1)
            await link.publish(envelope(events.TokenRevoked(jti=uuid4(), until=over)), request="r")

            async def heard() -> bool:
                about = [
                    await link.jetstream.consumer_info(STREAM, f"{name}-token-revoked")
                    for name in ("tickets", "orders", "payments")
                ]
                return all(one.ack_floor and one.ack_floor.stream_seq for one in about)

            await until(heard, "all three heard it")


async def test_no_answer_acknowledges_another_s_message(settings: Settings, stream: Bus) -> None:
    """An empty one would, if it could be sent to where acknowledgements go; the server refuses that place."""
    await stream.jetstream.publish("ticket.created", b"{}")
    foreign, own = "orders-ticket-created", DURABLES["payments"][0]
    async with joined(*settings.bus("orders")) as orders, joined(*settings.bus("payments")) as payments:
        subscription = await orders.client.jetstream(timeout=1).pull_subscribe_bind(foreign, STREAM)
        [message] = await subscription.fetch(1, timeout=1)
        nothing = json.dumps({"batch": 1, "no_wait": True}).encode()
        asked = f"{API}.CONSUMER.MSG.NEXT.{STREAM}.{own}"
        await payments.client.publish(asked, nothing, reply=message.reply)
        assert await payments.refused() == lower([message.reply])
        assert (await stream.jetstream.consumer_info(STREAM, foreign)).num_ack_pending == 1
