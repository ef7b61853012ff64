"""A real sandbox process for a test, and a receiver for what it sends."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import stripe

from server.payments.stripe_gateway import StripeGateway
from tests.platform import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

REPOSITORY = Path(__file__).parents[2]
STRIPE_KEY = "sk_test_of_the_tests"
WEBHOOK_SECRET = "whsec_of_the_tests_and_nobody_else"


@dataclass
class Receiver:
    """An HTTP server that notes each POST and answers all alike; `port` stays its own over restarts."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    silent: bool = False
    """Read requests, never answer."""
    port: int = field(default_factory=free_port)
    got: list[tuple[bytes, str]] = field(default_factory=list)
    """Bodies and `Stripe-Signature` headers, as they came."""
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        """Listen within a block."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop after it."""
        await self.stop()

    def events(self, intent_id: str) -> list[dict[str, Any]]:
        """What was delivered about a payment, in the order it came."""
        events = [json.loads(body) for body, _ in self.got]
        return [
            event
            for event in events
            if intent_id in {event["data"]["object"].get("payment_intent"), event["data"]["object"].get("id")}
        ]

    async def told(self, intent_id: str, *event_types: str) -> list[dict[str, Any]]:
        """The objects of these events about a payment, in this order, as soon as all have come."""

        def find() -> list[dict[str, Any]]:
            subjects = {event["type"]: event["data"]["object"] for event in self.events(intent_id)}
            return [subjects[name] for name in event_types] if subjects.keys() >= set(event_types) else []

        return await until(find, f"{intent_id} was told {', '.join(event_types)}")

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            headers = {name.lower(): value for name, value in lines.items()}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.got.append((body, headers.get("stripe-signature", "")))
            if self.silent:
                await reader.read()
            extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            extra += f"Content-Length: {len(self.body)}\r\nConnection: close\r\n"
            writer.write(f"HTTP/1.1 {self.status} Told\r\n{extra}\r\n".encode() + self.body)
            await writer.drain()
        writer.close()


@dataclass
class Sandbox:
    """The sandbox as a child process; started again, it has the same port and file."""

    data: Path
    webhook_url: str
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What the process wrote to stdout and stderr."""
        return self.data.with_suffix(".log")

    async def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"--port": str(self.port), "--data": str(self.data), "--webhook-url": self.webhook_url}
        arguments = [word for option in options.items() for word in option]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server.stripe_sandbox", *arguments),
                cwd=REPOSITORY,
                env={**os.environ, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET},
                stdout=log,
                stderr=log,
            )
        ready: Callable[[], Awaitable[bool] | bool] = self._is_ready
        await until(ready, f"the sandbox is ready on port {self.port}", timeout=20)

    async def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def __aenter__(self) -> Self:
        """Start it for a block."""
        try:
            await self.start()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave no process behind, whatever happened."""
        await self.kill()

    async def terminate(self) -> int:
        """End it as a supervisor does; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[StripeGateway]:
        """Speak to it as payments does."""
        gateway = StripeGateway(key=STRIPE_KEY, webhook_secret=WEBHOOK_SECRET, base=self.url)
        try:
            yield gateway
        finally:
            await gateway.close()

    @asynccontextmanager
    async def sdk(self) -> AsyncIterator[stripe.StripeClient]:
        """Speak to it as any user of Stripe does."""
        http = stripe.AIOHTTPClient(timeout=10)
        yield stripe.StripeClient(
            STRIPE_KEY, base_addresses={"api": self.url}, http_client=http, max_network_retries=0
        )
        await http.close_async()  # type: ignore[no-untyped-call]

    def client(self) -> httpx.AsyncClient:
        """Speak to it without the SDK."""
        headers = {"Authorization": f"Bearer {STRIPE_KEY}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False)

    async def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()
        try:
            async with self.client() as client:
                return (await client.get("/health")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
