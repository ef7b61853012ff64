"""One sandbox for all tests that do not kill it, with a receiver that takes every event."""

from collections.abc import AsyncIterator

import httpx
import pytest
from stripe import StripeClient

from server.payments.stripe_gateway import StripeGateway
from tests.stripe_sandbox.running import Receiver, Sandbox


@pytest.fixture(scope="package")
async def receiver() -> AsyncIterator[Receiver]:
    """Where the shared sandbox delivers."""
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="package")
async def sandbox(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """The shared sandbox."""
    data = tmp_path_factory.mktemp("sandbox") / "stripe.db"
    async with Sandbox(data, webhook_url=receiver.url) as sandbox:
        yield sandbox


@pytest.fixture(scope="package")
async def sdk(sandbox: Sandbox) -> AsyncIterator[StripeClient]:
    """The shared sandbox's API with Stripe's own library."""
    async with sandbox.sdk() as sdk:
        yield sdk


@pytest.fixture(scope="package")
async def stripe(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The shared sandbox's API without the SDK."""
    async with sandbox.client() as client:
        yield client


@pytest.fixture(scope="package")
async def gateway(sandbox: Sandbox) -> AsyncIterator[StripeGateway]:
    """The gateway to the shared sandbox."""
    async with sandbox.gateway() as gateway:
        yield gateway
