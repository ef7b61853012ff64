"""What a page says when something is in the way, and what it keeps to itself."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from tests.platform import User
from tests.waiting import until
from tests.web.conftest import Web, shop
from tests.web.visiting import Visitor, html, title

ORDER = "/orders/01a20e47-8f05-70d3-a7bd-616067590e9d"
SECRETS = (
    "payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_x&redirect_status=succeeded",
    "setup_intent=seti_1&setup_intent_client_secret=seti_1_secret_x",
    "payment%5Fintent_client_secret=pi_1_secret_x",
)


class TestSignedOut:
    """Somebody whose session is over."""

    @pytest.mark.parametrize("query", SECRETS)
    async def test_no_secret_of_stripe_s_is_on_the_way_back(self, web: Web, query: str) -> None:
        answer = await web.visitor().get(f"{ORDER}?came=bank&{query}")
        assert answer.status_code == 303
        assert "intent" not in answer.headers["location"]
        assert "secret" not in answer.headers["location"]
        [back] = parse_qs(urlsplit(answer.headers["location"]).query)["next"]
        assert back.startswith(f"{ORDER}?came=bank")

    async def test_nothing_is_left_where_nothing_else_was_asked(self, web: Web) -> None:
        answer = await web.visitor().get(f"{ORDER}?payment_intent=pi_1")
        assert answer.headers["location"] == f"/signin?next={ORDER}&over=1"

    async def test_what_was_asked_comes_along_as_it_was(self, web: Web) -> None:
        answer = await web.visitor().get("/sell?q=a%26b+%C3%A9&status=")
        [back] = parse_qs(urlsplit(answer.headers["location"]).query)["next"]
        assert back == "/sell?q=a%26b+%C3%A9&status="

    async def test_a_stranger_s_other_pages_still_count(self, web: Web) -> None:
        stranger = web.visitor()
        page = await stranger.get("/signup")
        answer = await stranger.get("/sell")
        assert (answer.status_code, "set-cookie" in answer.headers) == (303, False)
        answer = await stranger.send(page, "/signup", email="nobody", password="short")
        assert answer.status_code == 422

    async def test_a_cookie_whose_token_is_over_is_replaced(self, web: Web, seller: Visitor) -> None:
        other = web.visitor(cookies=dict(seller.http.cookies))
        await seller.post("/signout", "/help")

        async def replaced() -> bool:
            answer = await other.get("/orders")
            return answer.status_code == 303 and "set-cookie" in answer.headers

        await until(replaced, "orders knows that the token is over")


class TestWords:
    """What happened and what to do."""

    async def test_a_stale_form_is_no_matter_of_rights(self, seller: Visitor) -> None:
        answer = await seller.http.post("/sell/new", data={"csrf": "00", "title": "T", "price": "1"})
        assert answer.status_code == 403
        assert title(answer).startswith("This form is out of date")
        assert "Go back, reload the page and send it again." in html(answer).text
        assert "another account" not in html(answer).text

    async def test_who_holds_too_many_is_led_to_them(self, web: Web, seller: Visitor) -> None:
        most = web.platform.settings.max_live_holds
        tickets = [(await web.platform.user().list_ticket())["id"] for _ in range(most + 1)]
        buyer = User(uuid4(), seller.http, {"X-CSRF": await seller.csrf()})
        for ticket in tickets[:-1]:
            await buyer.hold(ticket)
        at = f"/tickets/{tickets[-1]}"
        answer = await seller.post(f"{at}/reserve", at)
        assert answer.status_code == 429
        assert title(answer).startswith("You hold as many tickets as you may")
        page = html(answer)
        assert "Pay for one or give one up, then reserve again." in page.text
        assert "Try again in" not in page.text
        assert {"href": "/orders?status=created", "class": "button"} in page.all("a")


@pytest.fixture
async def foreign() -> AsyncIterator[str]:
    """The address of something that answers 200 to all, and is not Tix."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_answer_that_is_not_tix_s_is_a_failure_of_ours(
    web: Web, foreign: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with shop(web.platform, api_url=foreign) as lost:
        answer = await lost.visitor().get("/tickets")
    assert answer.status_code == 503
    assert title(answer).startswith("Part of Tix does not answer")
    logged: list[Any] = [record.msg for record in caplog.records if record.levelno == logging.WARNING]
    assert any("bad_answer" in str(line) for line in logged)
