"""The gateway before a Stripe that is not itself: a server that answers whatever it is told to."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from server.payments.gateway import Gateway, GatewayUnavailable
from server.payments.stripe_gateway import StripeGateway
from tests.platform import free_port
from tests.stripe_sandbox.running import STRIPE_KEY, WEBHOOK_SECRET, Receiver


@asynccontextmanager
async def gateway_to(url: str, *, timeout: float = 10) -> AsyncIterator[Gateway]:
    """Open a gateway to something that is not the sandbox."""
    gateway = StripeGateway(key=STRIPE_KEY, webhook_secret=WEBHOOK_SECRET, base=url, timeout=timeout)
    yield gateway
    await gateway.close()


async def ask(gateway: Gateway) -> None:
    """Make any call."""
    await gateway.create_intent(
        key=str(uuid4()), amount=2000, currency="usd", order_id=uuid4(), payment_id=uuid4()
    )


class TestOutage:
    """No usable answer: always `GatewayUnavailable`, never a decline and never a success."""

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (500, b'{"error": {"type": "api_error", "message": "oops"}}'),
            (409, b'{"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}'),
            (429, b'{"error": {"type": "invalid_request_error", "code": "lock_timeout"}}'),
            (502, b"<html>bad gateway</html>"),
            (200, b"<html>a proxy's greeting</html>"),
        ],
    )
    async def test_an_unusable_answer(self, status: int, body: bytes) -> None:
        """The outcome is unknown; Stripe's `Retry-After` is passed on."""
        async with (
            Receiver(status=status, body=body, headers={"Retry-After": "7"}) as unwell,
            gateway_to(unwell.url) as gateway,
        ):
            with pytest.raises(GatewayUnavailable) as unavailable:
                await ask(gateway)
        assert unavailable.value.retry_after == (7 if body.startswith(b"{") else 1)

    async def test_no_answer_in_time(self) -> None:
        """Silence ends after `timeout` seconds, tried once only."""
        async with Receiver(silent=True) as silent, gateway_to(silent.url, timeout=0.2) as gateway:
            with pytest.raises(GatewayUnavailable):
                await ask(gateway)
            assert len(silent.got) == 1

    async def test_nobody_there(self) -> None:
        """A refused connection is no refusal by Stripe."""
        async with gateway_to(f"http://127.0.0.1:{free_port()}") as gateway:
            with pytest.raises(GatewayUnavailable):
                await ask(gateway)

    async def test_half_an_answer(self) -> None:
        """The connection ends before the answer does."""
        half = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(half)
            await writer.drain()
            writer.close()

        async with (
            await asyncio.start_server(answer, "127.0.0.1", port := free_port()),
            gateway_to(f"http://127.0.0.1:{port}") as gateway,
        ):
            with pytest.raises(GatewayUnavailable) as unavailable:
                await ask(gateway)
        assert any("ClientPayloadError" in note for note in unavailable.value.__notes__)

    async def test_by_a_proxy_where_the_environment_names_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """HTTP_PROXY or HTTPS_PROXY by Stripe's address, but for what NO_PROXY says."""
        monkeypatch.setenv("no_proxy", "")
        body = b'{"error": {"type": "api_error", "message": "of the proxy"}}'
        async with Receiver(status=502, body=body) as proxy:
            for name, said in (("http_proxy", proxy.url), ("all_proxy", proxy.url.removeprefix("http://"))):
                with monkeypatch.context() as environment:
                    environment.setenv(name, said)
                    async with gateway_to("http://stripe.invalid") as gateway:
                        with pytest.raises(GatewayUnavailable):
                            await ask(gateway)
            assert len(proxy.got) == 2
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "stripe.invalid:80")
            async with gateway_to("http://stripe.invalid:80", timeout=1) as gateway:
                with pytest.raises(GatewayUnavailable):
                    await ask(gateway)
            assert len(proxy.got) == 2

    async def test_a_proxy_that_never_connects(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It takes the connection, and is asked in vain for one to Stripe: that is connecting, too."""
        monkeypatch.setenv("no_proxy", "")
        async with Receiver(silent=True) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            async with asyncio.timeout(5), gateway_to("https://stripe.invalid", timeout=0.2) as gateway:
                with pytest.raises(GatewayUnavailable):
                    await ask(gateway)

    @pytest.mark.parametrize("status", [302, 307])
    async def test_a_redirect_is_not_followed(self, status: int) -> None:
        """Stripe sends none; whoever does would be told what we pay with."""
        async with Receiver() as elsewhere:
            headers = {"Location": elsewhere.url}
            async with (
                Receiver(status=status, headers=headers) as astray,
                gateway_to(astray.url) as gateway,
            ):
                with pytest.raises(GatewayUnavailable):
                    await ask(gateway)
            assert (len(astray.got), elsewhere.got) == (1, [])

    async def test_a_caller_that_gives_up(self) -> None:
        """A cancelled call stays cancelled: no error of ours hides it."""
        async with Receiver(silent=True) as silent, gateway_to(silent.url) as gateway:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await ask(gateway)


class TestMisconfiguration:
    """Stripe does not know us."""

    async def test_a_wrong_key_is_not_told(self) -> None:
        """Stripe's 401 is our misconfiguration, to be tried again once mended; the key is not told."""
        body = b'{"error": {"type": "invalid_request_error"}}'
        async with Receiver(status=401, body=body) as strict, gateway_to(strict.url) as gateway:
            with pytest.raises(GatewayUnavailable) as refused:
                await ask(gateway)
            assert STRIPE_KEY not in "".join(traceback.format_exception(refused.value))
            assert STRIPE_KEY not in repr(gateway)
