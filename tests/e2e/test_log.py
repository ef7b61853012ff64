"""What a running platform says of a call: in its log, its metrics and its traces, and what it never says."""

import asyncio
import json
import os
import re
import shutil
import sys
import tempfile
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from server.up import read_env
from tests.e2e.collector import Collector, collecting
from tests.e2e.conftest import Up
from tests.platform import ROOT, client
from tests.tui.terminal import in_terminal
from tests.waiting import until
from tests.web.visiting import Visitor

pytestmark = pytest.mark.slow

PASSWORD, WRONG, CARD = "canary-password-1", "canary-wrong-password-2", "4242424242424242"
REQUEST = "canary-request-of-this-test"
LIKE_ONE = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]+|Bearer \S+|(?:pi|seti|cs)_\w+_secret_\w+|sk_test_\w+|whsec_\w+"
)
"""What a secret of ours looks like, whosever it is."""


class Told(NamedTuple):
    """A platform that says all it can."""

    up: Up
    collector: Collector

    @property
    def log(self) -> str:
        """Its own, and those of all the servers it has."""
        files = [self.up.log, *sorted((self.up.data / "logs").iterdir())]
        return "\n".join(file.read_text(errors="replace") for file in files)

    def lines(self) -> list[dict[str, Any]]:
        """Its own log, read."""
        return [json.loads(line) for line in self.up.log.read_text().splitlines() if line.startswith("{")]

    async def metrics(self) -> str:
        """As Prometheus reads them."""
        address = re.search(r"^metrics on (\S+)$", self.up.log.read_text(), re.MULTILINE)
        assert address is not None
        async with client(address[1]) as http:
            return (await http.get("")).text

    def spans(self) -> str:
        """As a collector gets them; their strings are plain in what is sent."""
        return "\n".join(body.decode(errors="replace") for body in self.collector.bodies)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A directory that user nobody can reach, whom PostgreSQL runs as where we are root."""
    path = Path(tempfile.mkdtemp(prefix="tix-up-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
async def told(directory: Path) -> AsyncIterator[Told]:
    """It logs all there is and sends traces."""
    with collecting() as collector:
        up = Up(directory, LOG_LEVEL="DEBUG", OTEL_EXPORTER_OTLP_ENDPOINT=collector.address)
        up.environ["OTEL_BSP_SCHEDULE_DELAY"] = "100"  # ms
        try:
            await up.start()
            yield Told(up, collector)
        finally:
            await up.end()


async def tix(told: Told, *arguments: str, token: str = "") -> tuple[int, bytes, bytes]:
    """The command, whose traces go where the platform's go."""
    more = {"TIX_TOKEN": token} if token else {}
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        cwd=ROOT,
        env={
            **os.environ,
            "TIX_API_URL": told.up.api_url,
            "HOME": str(told.up.data),
            "OTEL_EXPORTER_OTLP_ENDPOINT": told.collector.address,
            **more,
        },
        stdout=PIPE,
        stderr=PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out, errors


async def test_c23_a_failure_leads_to_one_line_of_the_log(told: Told) -> None:
    """By the request id that `tix` shows."""
    status, out, errors = await tix(told, "tickets", "show", str(uuid4()))
    assert (status, out) == (5, b"")
    shown = re.search(rb"request-id: (\S+)", errors)
    assert shown is not None, errors
    [line] = [line for line in told.lines() if line["request_id"] == shown[1].decode()]
    assert (line["event"], line["status"]) == ("request", 404)
    assert line["trace_id"] in told.collector.traces()


async def book(told: Told) -> tuple[list[str], str, str]:
    """A life with everything in it that goes wrong; all secrets of it, the buyer's id, and the order's."""
    env = read_env(told.up.data / "env")
    secrets = [
        PASSWORD,
        WRONG,
        CARD,
        *(env[name] for name in env if re.search(r"SECRET|PEPPER|_KEY$|PASSWORD", name)),
    ]
    async with client(told.up.api_url) as http:
        http.headers["X-Request-Id"] = REQUEST
        seller, buyer = [
            (
                await http.post(
                    "/api/users/signup", json={"email": f"{name}@example.com", "password": PASSWORD}
                )
            ).json()
            for name in ("seller", "buyer")
        ]
        secrets += [seller["token"], buyer["token"]]
        await http.post("/api/users/signin", json={"email": "buyer@example.com", "password": WRONG})
        await http.post("/api/users/signin", content=f'{{"email": "x", "password": "{WRONG}"')
        await http.post("/api/users/signup", json={"email": "x", "password": PASSWORD, "secret": WRONG})
        await http.get(f"/api/tickets?token={WRONG}")
        for bad in (f"Bearer {WRONG}", f"Basic {WRONG}", f"Bearer {buyer['token'][:-4]}AAAA"):
            assert (await http.get("/api/orders", headers={"Authorization": bad})).status_code == 401
        sells, buys = ({"Authorization": f"Bearer {who['token']}"} for who in (seller, buyer))
        named = {"name": "canary", "scopes": ["orders:read"]}
        made = (await http.post("/api/users/tokens", json=named, headers=buys)).json()
        secrets.append(made["token"])
        await http.delete(f"/api/users/tokens/{made['id']}", headers=buys)
        assert (
            await http.get("/api/orders", headers={"Authorization": f"Bearer {made['token']}"})
        ).status_code in {200, 401}
        ticket = (
            await http.post("/api/tickets", json={"title": "Canary", "price": 4500}, headers=sells)
        ).json()
        status, out, errors = await tix(told, "--json", "reserve", ticket["id"], token=buyer["token"])
        assert status == 0, errors
        order = json.loads(out)["id"]
        pay = {"orderId": order, "cardNumber": CARD}
        assert (await http.post("/api/payments", json=pay, headers=buys)).status_code == 422
        pay = {"orderId": order, "paymentMethod": CARD}
        assert (await http.post("/api/payments", json=pay, headers=buys)).status_code in {402, 404, 422, 503}
        opened = (await http.post("/api/payments", json={"orderId": order}, headers=buys)).json()
        secrets.append(opened["clientSecret"])
        signature = {"Stripe-Signature": f"t=1,v1={WRONG}"}
        assert (await http.post("/api/payments/webhook", content="{}", headers=signature)).status_code == 400
        await by_hand(env, opened, card="4000000000000002")
        await by_hand(env, opened, card=CARD)
        secrets.append(await by_cookie(told))

        async def complete() -> bool:
            return bool((await http.get(f"/api/orders/{order}", headers=buys)).json()["status"] == "complete")

        await until(complete, "the order is complete", 20)
        await http.post("/api/users/signout", headers=sells)
    return secrets, buyer["user"]["id"], order


async def by_hand(env: dict[str, str], payment: dict[str, Any], *, card: str) -> None:
    """Stripe's own form: the card is typed there and seen by nobody else."""
    form = {
        "key": "pk_test_sandbox",
        "client_secret": payment["clientSecret"],
        "payment_method_data[type]": "card",
        "payment_method_data[card][number]": card,
        "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "44",
        "payment_method_data[card][cvc]": "123",
    }
    async with client(env["STRIPE_API_BASE"]) as http:
        answer = await http.post(f"/v1/payment_intents/{payment['stripeId']}/confirm", data=form)
        assert answer.status_code in {200, 402}, answer.text


async def by_cookie(told: Told) -> str:
    """The shop, with its cookie; returns that."""
    shop = re.search(r"Web shop +(http://\S+)", told.up.log.read_text())
    assert shop is not None
    async with httpx.AsyncClient(base_url=shop[1], trust_env=False) as http:
        visitor = await Visitor(http).sign_up()
        assert (await visitor.get("/orders")).status_code == 200
        return next(cookie.value or "" for cookie in http.cookies.jar)


async def test_no_secret_is_told_by_anybody(told: Told) -> None:
    """By no log of any process, no metric and no span, whatever goes wrong; nor what looks like one."""
    secrets, user, order = await book(told)
    assert all(len(secret) > 9 for secret in secrets)

    def traced() -> bool:
        wanted = {("tix", "tix reserve"), ("tix-up", "hear orders-payment-created")}
        return wanted <= {span for spans in told.collector.traces().values() for span in spans}

    await until(traced, "the traces have arrived")
    outputs = {"log": told.log, "metrics": await told.metrics(), "traces": told.spans()}
    assert {
        (where, secret) for where, text in outputs.items() for secret in secrets if secret in text
    } == set()
    assert {where: found for where, text in outputs.items() if (found := LIKE_ONE.findall(text))} == {}
    # The control: what may be told is found in the same texts by the same looks.
    assert [where for where, text in outputs.items() if REQUEST in text] == ["log", "traces"]
    assert 'route="/api/users/tokens/:token_id"' in outputs["metrics"]
    assert LIKE_ONE.search(f"{outputs['log']}\n{secrets[-3]}")
    assert order not in outputs["metrics"]
    lines = told.lines()
    asked = [line for line in lines if line.get("path") == f"/api/orders/{order}"]
    assert {line["user_id"] for line in asked} == {user}
    [made] = [line for line in lines if line.get("path") == "/api/orders" and line.get("status") == 201]
    wanted = {
        ("tix", "tix reserve"),
        ("tix-up", "POST /api/orders"),
        ("tix-up", "hear payments-order-created"),
    }
    assert wanted <= told.collector.traces()[made["trace_id"]]


async def test_t03_a_ticket_booked_at_a_terminal_tells_no_secret(told: Told) -> None:
    """With four keys from the list to the ticket, in `tix tui` as a process of its own."""
    async with client(told.up.api_url) as http:
        tokens = []
        for name in ("lister", "reader"):
            credentials = {"email": f"{name}@example.com", "password": PASSWORD}
            tokens.append((await http.post("/api/users/signup", json=credentials)).json()["token"])
        listing = {"title": "Terminal seat", "price": 4500}
        await http.post("/api/tickets", json=listing, headers={"Authorization": f"Bearer {tokens[0]}"})

    def type_and_read() -> None:
        environ = {"TIX_API_URL": told.up.api_url, "TIX_TOKEN": tokens[1]}
        with in_terminal(told.up.data, "-m", "cli", "tui", **environ) as terminal:
            for sees, key in (
                ("Press b to hold it", "b"),
                ("Held for you until", "m"),
                ("Pay by which payment method?", "\r"),
                ("Pay 45.00 USD for “Terminal seat” by pm_card_visa?", "y"),
                ("The ticket is yours.", "\x11"),
            ):
                terminal.sees(sees)
                terminal.types(key)
            assert terminal.ends() == 0
            assert tokens[1] not in terminal.shown

    await asyncio.to_thread(type_and_read)
    async with client(told.up.api_url) as http:
        http.headers["Authorization"] = f"Bearer {tokens[1]}"
        [order] = (await http.get("/api/orders")).json()["items"]
    assert (order["status"], order["ticket"]["title"]) == ("complete", "Terminal seat")
    assert not any(token in told.log for token in tokens)


def test_every_line_is_one_json_object_but_the_banners(told: Told) -> None:
    """For whoever collects them."""
    lines = told.up.log.read_text().splitlines()
    banner = lines.index("Ctrl-C stops everything.")
    assert all(line.startswith("{") for line in lines[banner + 1 :] if line)
