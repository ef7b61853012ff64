"""What a page says when something is in the way, and what it keeps to itself."""

import json
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.logged import Logged
from tests.platform import User
from tests.waiting import until
from tests.web.conftest import Web, shop
from tests.web.services import answering
from tests.web.visiting import PASSWORD, Html, Visitor, html, title

ORDER = "/orders/01a20e47-8f05-70d3-a7bd-616067590e9d"
NOBODY = "nobody@example.com"
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


async def test_an_answer_that_is_not_tix_s_is_a_failure_of_ours(web: Web, logged: Logged) -> None:
    async with answering(200) as (foreign, _), shop(web.platform, api_url=foreign) as lost:
        answer = await lost.visitor().get("/tickets")
    assert answer.status_code == 503
    assert title(answer).startswith("Part of Tix does not answer")
    assert any("warning" in line for line in logged.lines("bad_answer"))


LATER = b"Retry-After: 7\r\n"
AWAY = ("Something went wrong", "This should not have happened.", "Try again")


def assert_helps(answer: httpx.Response, *words: str) -> Html:
    """It looks like the shop, says these words, and shows the request id and a way on."""
    page = html(answer)
    assert page.all("link", rel="stylesheet"), answer.text
    assert page.all("main", id="main")
    assert page.title == f"{page.words[page.words.index(str(answer.status_code)) + 1]} – Tix"
    for word in words:
        assert word in page.text
    assert f"request {answer.headers['x-request-id']}" in page.text
    assert len(page.all("a", **{"class": "button"})) == 1
    return page


class TestPages:
    """Whatever a service refuses, and whatever is wrong with it."""

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            (403, ("This is not yours to do", "If you have another account", "Find tickets")),
            (404, ("There is nothing here", "The address may be mistyped", "Find tickets")),
            (410, ("This is over", "It does not come back.", "Find tickets")),
            (429, ("Too much at once", "Wait a moment", "Try again in 7 s.", "Try again")),
            (500, AWAY),
            (502, AWAY),
            (503, ("Part of Tix does not answer", "Nothing was lost.", "Try again in 7 s.", "Try again")),
            (504, AWAY),
        ],
    )
    async def test_w15_what_a_service_answers_is_a_page_that_helps(
        self, web: Web, status: int, words: tuple[str, ...]
    ) -> None:
        said = json.dumps({"title": "No.", "detail": "Not now.", "code": "no", "status": status}).encode()
        head = b"Content-Type: application/problem+json\r\n" + LATER
        async with answering(status, said, head) as (url, _), shop(web.platform, api_url=url) as refused:
            answer = await refused.visitor().get("/tickets?q=opera")
        assert answer.status_code == status
        page = assert_helps(answer, *words)
        assert ("Not now." in page.text) == (status < 500)
        on = "/tickets?q=opera" if status == 429 or status >= 500 else "/tickets"
        assert page.all("a", **{"class": "button"})[0]["href"] == on
        assert answer.headers["retry-after"] == "7"

    async def test_w15_so_is_a_fault_of_the_shop_itself(
        self, web: Web, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with shop(web.platform) as broken:
            monkeypatch.setattr(broken.app.ctx.tix, "speaking_for", None)
            answer = await broken.visitor().get("/tickets")
        assert answer.status_code == 500
        page = assert_helps(answer, *AWAY, "Tell the request id")
        assert "NoneType" not in page.text

    async def test_w15_so_is_what_is_not_there_not_ones_own_or_out_of_date(
        self, web: Web, seller: Visitor
    ) -> None:
        of_other = await (await web.visitor().sign_up()).list_ticket()
        assert_helps(await seller.get("/nowhere"), "There is nothing here")
        assert_helps(await seller.get(f"/sell/{of_other}/edit"), "This is not yours to do")
        assert_helps(await seller.http.post("/sell/new"), "This form is out of date")
        wrong = await seller.http.post("/help", data={"csrf": await seller.csrf()})
        assert_helps(wrong, "This page does not take that")

    @pytest.mark.parametrize(
        ("path", "back"),
        [("/sell/new", "/sell"), (f"{ORDER}/cancel", ORDER), ("/signin", "/")],
    )
    async def test_a_form_that_failed_leads_back_to_where_it_was(
        self, web: Web, seller: Visitor, path: str, back: str
    ) -> None:
        async with answering(503, head=LATER) as (url, _), shop(web.platform, api_url=url) as alone:
            visitor = alone.visitor(cookies=dict(seller.http.cookies))
            typed = {"title": "T", "price": "1", "email": NOBODY, "password": PASSWORD}
            answer = await visitor.http.post(path, data={"csrf": await visitor.csrf(), **typed})
        page = assert_helps(answer, "Part of Tix does not answer")
        assert page.links["Go back"] == back
