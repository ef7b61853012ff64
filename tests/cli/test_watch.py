"""`tix orders watch` and `tix tickets watch` on a real platform."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any

import pytest

from client import sse
from tests.cli.running import ID, Outcome, Run, Stub, order, payment, step
from tests.cli.terminal import CTRL_C, Screen, in_terminal
from tests.cli.test_formats import validate
from tests.platform import ROOT, Platform, User
from tests.waiting import until

Tix = Callable[..., Awaitable[Outcome]]


@pytest.fixture
async def be(
    platform: Platform, tix: Run, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[User], Tix]]:
    """`tix` as this user; beside the platform, which runs in this loop."""

    def become(user: User) -> Tix:
        monkeypatch.setenv("TIX_API_URL", platform.api_url)
        monkeypatch.setenv("TIX_TOKEN", user.headers["Authorization"].removeprefix("Bearer "))
        return lambda *arguments: asyncio.to_thread(tix, *arguments)

    yield become
    await watched(platform, 0)


def lines(outcome: Outcome) -> list[Any]:
    found = [json.loads(line) for line in outcome.out.splitlines()]
    for one in found:
        validate(one, "order-news")
    return found


async def held(platform: Platform) -> tuple[User, User, str]:
    seller, buyer = platform.user(), platform.user()
    return seller, buyer, (await buyer.hold((await seller.list_ticket())["id"]))["id"]


async def watched(platform: Platform, clients: int = 1) -> None:
    """Wait until so many follow."""
    streams = platform.streams
    assert streams is not None
    await until(lambda: streams.feed.followers == clients, "somebody follows", 30)


class TestOrder:
    """The outcome of an order, as an exit code."""

    async def test_c11_paid_is_0_with_a_line_for_each_step(
        self, platform: Platform, be: Callable[[User], Tix]
    ) -> None:
        _, buyer, order = await held(platform)
        watching = asyncio.ensure_future(be(buyer)("orders", "watch", order, "--json", "--timeout", "60"))
        await watched(platform)
        assert (await buyer.pay(order, "pm_card_chargeDeclined")).status_code == 402
        assert (await buyer.pay(order)).is_success
        ended = await watching
        assert (ended.code, ended.err) == (0, "")
        told = [key for key, _ in groupby(one.get("status") or one["declineCode"] for one in lines(ended))]
        # Grouped: a state told again is no step.
        assert told == ["created", "generic_decline", "accepted", "complete"]

    async def test_c11_given_up_is_6_and_says_why(
        self, platform: Platform, be: Callable[[User], Tix]
    ) -> None:
        _, buyer, order = await held(platform)
        watching = asyncio.ensure_future(be(buyer)("orders", "watch", order))
        await watched(platform)
        assert (await buyer.delete(f"/api/orders/{order}")).status_code == 204
        ended = await watching
        assert ended.code == 6
        assert "You gave it up." in ended.err
        assert [one["status"] for one in lines(ended)] == ["created", "cancelled"]

    async def test_c11_expired_is_6_at_once_for_who_has_not_paid(
        self, platform: Platform, be: Callable[[User], Tix]
    ) -> None:
        _, buyer, order = await held(platform)
        watching = asyncio.ensure_future(be(buyer)("orders", "watch", order, "--json"))
        await watched(platform)
        async with platform.database("orders") as session:
            await session.execute("UPDATE orders SET expires_at = now() WHERE id = $1", order)
        ended = await watching
        assert (ended.code, ended.problem["code"]) == (6, "order_expired")

    @pytest.mark.parametrize(
        ("paid", "code", "statuses"),
        [("authorized", 0, ["expired", "complete"]), ("open", 6, ["expired"])],
    )
    def test_who_paid_late_waits_for_the_verdict(
        self,
        tix: Run,
        signed_in: Stub,
        monkeypatch: pytest.MonkeyPatch,
        paid: str,
        code: int,
        statuses: list[str],
    ) -> None:
        """At a Tix without streams, which is asked again and again."""
        monkeypatch.setattr(sse, "RETRY_SECONDS", 0.01)
        signed_in.refuse(f"GET /api/orders/{ID}/events", 404, "not_found")
        over = [step("created", "reserved"), step("expired", "hold ended")]
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(status="expired", version=2, history=over))
        signed_in.answer(f"GET /api/orders/{ID}", 200, order(status="complete", version=4))
        page = {"items": [payment(status=paid)], "nextCursor": None}
        signed_in.answer("GET /api/payments", 200, page)
        ended = tix("orders", "watch", ID, "--json")
        assert (ended.code, [one["status"] for one in lines(ended)]) == (code, statuses)

    async def test_c11_undecided_at_the_timeout_is_8(
        self, platform: Platform, be: Callable[[User], Tix]
    ) -> None:
        _, buyer, order = await held(platform)
        ended = await be(buyer)("orders", "watch", order, "--json", "--timeout", "1")
        assert (ended.code, ended.problem["code"]) == (8, "still_pending")
        assert ended.problem["hint"] == f"tix orders watch {order}"

    async def test_a_seller_watches_it_too_and_nobody_else(
        self, platform: Platform, be: Callable[[User], Tix]
    ) -> None:
        seller, buyer, order = await held(platform)
        assert (await buyer.pay(order)).is_success
        await buyer.order_in(order, "complete")
        assert [one["userId"] for one in lines(await be(seller)("orders", "watch", order))] == [None]
        stranger = await be(platform.user())("orders", "watch", order)
        assert (stranger.code, stranger.out) == (5, "")

    async def test_c20_ctrl_c_is_130_and_says_what_is_known(
        self, platform: Platform, be: Callable[[User], Tix]
    ) -> None:
        """On a terminal, with a clock that runs."""
        _, buyer, order = await held(platform)
        be(buyer)
        screen = await terminal("orders", "watch", order, typed=[("held for 14 min 5", CTRL_C)])
        assert screen.code == 130
        assert "Held for you; nobody else can take it." in screen.shown
        assert "Not decided yet: it is created. Held for you" in screen.shown
        assert f"To go on: tix orders watch {order}" in screen.shown
        assert "Traceback" not in screen.shown


class TestTickets:
    """Changes of what is on sale."""

    async def test_each_change_is_a_line_and_filters_narrow_it(
        self, platform: Platform, be: Callable[[User], Tix]
    ) -> None:
        seller, other, buyer = platform.user(), platform.user(), platform.user()
        be(seller)
        asked = ("--mine", "--q", "TRAIN", "--external-id", "x")
        async with piped("tickets", "watch") as all_, piped("tickets", "watch", *asked) as own:
            await watched(platform, 2)
            wanted = {"title": "Night Train", "externalId": "x"}
            made = [await other.list_ticket(**wanted), await seller.list_ticket(title="Night Bus")]
            made += [await seller.list_ticket(title="Night Train"), await seller.list_ticket(**wanted)]
            told = {(await line(all_))["id"] for _ in made}
            assert told == {one["id"] for one in made}
            first = await line(own)
            assert (first["id"], first["status"]) == (made[-1]["id"], "available")
            await buyer.hold(first["id"])
            assert (await line(own))["status"] == "reserved"

    async def test_a_status_is_what_it_becomes(self, platform: Platform, be: Callable[[User], Tix]) -> None:
        seller = platform.user()
        be(seller)
        async with piped("tickets", "watch", "--status", "withdrawn") as gone:
            await watched(platform)
            ticket = await seller.list_ticket()
            assert (await seller.delete(f"/api/tickets/{ticket['id']}")).status_code == 204
            assert (await line(gone))["status"] == "withdrawn"

    async def test_c20_head_ends_it_in_silence(self, platform: Platform, be: Callable[[User], Tix]) -> None:
        seller = platform.user()
        be(seller)
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", '"$0" -m cli tickets watch --quiet | head -n 1', sys.executable),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        await watched(platform)
        first = await seller.list_ticket()
        assert process.stdout is not None
        assert (await line(process.stdout))["id"] == first["id"]
        await seller.list_ticket()
        out, errors = await asyncio.wait_for(process.communicate(), 10)
        assert (out, errors) == (b"", b"")

    async def test_ones_own_need_a_token(self, platform: Platform, tix: Run) -> None:
        outcome = await asyncio.to_thread(tix, "tickets", "watch", "--mine", "--api-url", platform.api_url)
        assert outcome.code == 4

    async def test_on_a_terminal_it_is_a_sentence(
        self, platform: Platform, be: Callable[[User], Tix]
    ) -> None:
        seller = platform.user()
        be(seller)
        watching = asyncio.ensure_future(terminal("tickets", "watch", typed=[("45.00 USD", CTRL_C)]))
        await watched(platform)
        ticket = await seller.list_ticket(title="Night Train")
        screen = await watching
        assert screen.code == 130
        assert f"“Night Train”  45.00 USD  {ticket['id']}" in screen.shown


async def terminal(*arguments: str, typed: list[tuple[str, str]]) -> Screen:
    environment = {name: os.environ[name] for name in ("TIX_API_URL", "TIX_TOKEN")}
    return await asyncio.to_thread(
        in_terminal, *arguments, "--no-color", environment=environment, typed=typed
    )


@asynccontextmanager
async def piped(*arguments: str) -> AsyncIterator[asyncio.StreamReader]:
    """Its stdout, until Ctrl-C."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in errors


async def line(output: asyncio.StreamReader) -> Any:
    return json.loads(await asyncio.wait_for(output.readline(), 10))
