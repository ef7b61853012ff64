"""Pages of orders: what their buyers and sellers see and do, without JavaScript."""

import re
from typing import Any

import pytest

from tests.concurrency.races import expire_now
from tests.dashboard import GOOD_CARD
from tests.platform import Platform, User
from tests.web.orders.conftest import NewBrowser
from tests.web.orders.test_paying import PAY, listed, page_saying, to_stripe
from tests.web.visiting import PASSWORD, Browser, Page

Sale = tuple[Browser, Browser, str]
"""A seller, a buyer, and the path of the paid order."""
NO_MORE_TIME = "Time can be added once only, because other buyers wait for this ticket."


async def as_user(platform: Platform, browser: Browser) -> User:
    """Whoever signed up in this browser, by the API."""
    credentials = {"email": browser.email, "password": PASSWORD}
    session = (await platform.http.post("/api/users/signin", json=credentials)).json()
    return User(session["user"]["id"], platform.http, {"Authorization": f"Bearer {session['token']}"})


async def sold(platform: Platform, person: NewBrowser, **fields: Any) -> Sale:
    """It is listed, held and paid."""
    seller, buyer = await person(), await person()
    ticket = await (await as_user(platform, seller)).list_ticket(**fields)
    order = await buyer.reserve(ticket["id"])
    await buyer.pay(await to_stripe(buyer, order), GOOD_CARD)
    await page_saying(buyer, order.path, "The ticket is yours.")
    return seller, buyer, order.path


class TestHold:
    """An order that is not paid yet."""

    async def test_w04_the_clock_is_the_servers(self, platform: Platform, person: NewBrowser) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        found = re.search(r'data-left="(\d+)"', order.answer.text)
        assert found
        assert 880_000 < int(found[1]) <= 900_000
        assert re.search(r'role="timer">14:\d\d<', order.answer.text)
        assert order.answer.text.count('role="status"') == 1
        assert "Less than 2 minutes" not in order.text

    async def test_w05_a_warning_stands_before_the_end(self, platform: Platform, person: NewBrowser) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        order_id = order.path.rpartition("/")[2]
        async with platform.database("orders") as session:
            sql = "UPDATE orders SET expires_at = now() + interval '100 seconds' WHERE id = $1"
            await session.execute(sql, order_id)
        warned = await browser.open(order.path)
        assert "Less than 2 minutes are left. Add 5 minutes if you need more." in warned.text
        longer = await browser.send(warned, f"{order.path}/extend")
        assert "Less than 2 minutes" not in longer.text

    async def test_w05_time_is_added_once(self, platform: Platform, person: NewBrowser) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        assert f"5 minutes more. {NO_MORE_TIME}" in order.text
        longer = await browser.send(order, f"{order.path}/extend")
        assert (longer.status, longer.path) == (200, order.path)
        assert re.search(r'role="timer">19:\d\d<', longer.answer.text)
        assert re.search(r"You took more time, once: until \d\d:\d\d UTC\.", longer.text)
        assert f"You added time. {NO_MORE_TIME}" in longer.text
        assert longer.buttons == ["Give up"]
        stale = await browser.open(f"{order.path}/payment")
        other_tab = order.form(f"{order.path}/extend").fields | {"key": "another tab's"}
        refused = await browser.send(order, f"{order.path}/extend", **other_tab)
        assert refused.status == 409
        assert refused.title.startswith("Error: ")
        assert f"There is a problem {NO_MORE_TIME}" in refused.text
        assert stale.status == 200

    async def test_a_form_sent_again_adds_time_once(self, platform: Platform, person: NewBrowser) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        for _ in range(2):
            assert (await browser.send(order, f"{order.path}/extend")).status == 200

    async def test_w21_given_up_it_can_be_held_again(self, platform: Platform, person: NewBrowser) -> None:
        browser = await person()
        ticket_id = await listed(platform)
        order = await browser.reserve(ticket_id)
        over = await browser.send(order, f"{order.path}/cancel")
        assert (over.status, over.path) == (200, order.path)
        assert "You gave it up. Nothing was taken; the ticket was released." in over.text
        assert over.buttons == ["Try to hold again"]
        assert PAY not in over.read.links
        again = await browser.send(over, f"/tickets/{ticket_id}/reserve")
        assert again.path.startswith("/orders/")
        assert again.path != order.path
        newer = await page_saying(browser, order.path, "You have this ticket in a newer order.")
        assert (await browser.click(newer, "Go to your newer order")).path == again.path

    async def test_run_out_it_says_so_and_pays_nothing(self, platform: Platform, person: NewBrowser) -> None:
        browser, other = await person(), await person()
        ticket_id = await listed(platform)
        order = await browser.reserve(ticket_id)
        review = await browser.click(order, PAY)
        await expire_now(platform, order.path.rpartition("/")[2])
        over = await page_saying(browser, order.path, "Not paid in time. Nothing was taken")
        assert over.buttons == ["Try to hold again"]
        late = await browser.send(review, f"{order.path}/payment")
        assert late.path == order.path
        assert (await browser.open(f"{order.path}/payment")).path == order.path
        await platform.ticket_in(ticket_id, "available")
        theirs = await other.reserve(ticket_id)
        assert "Held for you" in theirs.text
        gone = await page_saying(browser, order.path, "This ticket is not free any more.")
        assert gone.buttons == []
        found = await browser.click(gone, "Find another ticket")
        assert found.path == "/tickets"
        taken = await browser.send(over, f"/tickets/{ticket_id}/reserve")
        assert taken.status == 409

    async def test_it_is_nobody_elses(
        self, platform: Platform, person: NewBrowser, stranger: NewBrowser
    ) -> None:
        browser, other, nobody = await person(), await person(), await stranger()
        order = await browser.reserve(await listed(platform))
        for path in ("", "/payment", "/refund", "/ticket", "/ticket.ics", "/receipt"):
            assert (await other.open(order.path + path)).status == 404
            asked = await nobody.open(order.path + path)
            assert asked.path == "/signin"
            assert asked.form("/signin").fields["next"] == order.path + path
        assert (await other.open("/orders/nonsense")).status == 404
        assert order.path.rpartition("/")[2] not in (await other.open("/orders")).answer.text

    async def test_what_stripe_writes_into_the_address_does_not_stay(
        self, platform: Platform, person: NewBrowser
    ) -> None:
        browser = await person()
        order = await browser.reserve(await listed(platform))
        back = await browser.open(
            f"{order.path}?payment_intent=pi_1&payment_intent_client_secret=pi_1_secret_2"
        )
        assert str(back.answer.url) == str(order.answer.url)
        for more in ("redirect_status=succeeded", "redirect_status=failed", "came=paid", "came=nonsense"):
            assert str((await browser.open(f"{order.path}?{more}")).answer.url) == str(order.answer.url)


class TestPaid:
    """An order that is paid."""

    @pytest.fixture
    async def paid(self, platform: Platform, person: NewBrowser) -> Sale:
        return await sold(
            platform,
            person,
            title="Night; day, and \\ the whole of Händel's music – a title so long that it is folded, twice",
            venue="Harbour Hall",
            seat="Row 1",
            startsAt="2031-05-03T19:30:00Z",
        )

    async def test_w22_w25_has_a_ticket_for_paper_and_calendar(self, paid: Sale) -> None:
        _, buyer, path = paid
        ticket = await buyer.click(await buyer.open(path), "Show the ticket")
        assert ticket.path == f"{path}/ticket"
        assert "Harbour Hall" in ticket.text
        assert buyer.email in ticket.text
        assert re.search(r'<div class="qr" role="img" aria-label="[^"]+"><svg[^>]+><path', ticket.answer.text)
        answer = (await buyer.click(ticket, "Add to calendar")).answer
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        lines = answer.content.split(b"\r\n")
        assert max(map(len, lines)) == 75
        assert lines[-1] == b""
        whole = answer.content.replace(b"\r\n ", b"").decode().split("\r\n")
        assert whole[:2] == ["BEGIN:VCALENDAR", "VERSION:2.0"]
        assert "DTSTART:20310503T193000Z" in whole
        assert "LOCATION:Harbour Hall\\, Row 1" in whole
        [summary] = [line for line in whole if line.startswith("SUMMARY:")]
        assert summary.startswith("SUMMARY:Night\\; day\\, and \\\\ the whole of Händel's music – a title")
        assert f"URL:{buyer.http.base_url}".rstrip("/") + path in whole

    async def test_cannot_be_given_up(self, paid: Sale, platform: Platform) -> None:
        _, buyer, path = paid
        page = await buyer.open(path)
        address = f"{buyer.http.base_url}".rstrip("/") + f"{path}/cancel"
        csrf = {"csrf": page.form("/signout").fields["csrf"]}
        answer = await buyer.http.post(address, data=csrf)
        assert answer.status_code == 409
        assert "This is paid; only the seller can give the money back." in Page(answer).text

    async def test_is_refunded_by_its_seller(self, paid: Sale, platform: Platform) -> None:
        seller, buyer, path = paid
        row = await seller.click(await seller.open("/orders"), "Your tickets, bought by others")
        assert "45.00 USD ✓ Paid" in row.text
        order = await seller.open(path)
        assert "45.00 USD paid. The ticket is sold." in order.text
        assert buyer.email not in order.answer.text
        assert "Give up" not in order.buttons
        sure = await seller.click(order, "Refund")
        assert "Refund “Night;" in sure.text
        assert sure.buttons == ["Refund 45.00 USD"]
        done = await seller.send(sure, f"{path}/refund")
        assert (done.status, done.path) == (200, path)
        assert "You took the ticket back: it can be sold again" in done.text
        refunded = await page_saying(buyer, path, "Your 45.00 USD was given back")
        assert list(refunded.read.links).count("Find another ticket") == 1
        assert "Show the ticket" not in refunded.read.links
        assert (await buyer.open(f"{path}/ticket")).path == path
        assert (await buyer.open(f"{path}/ticket.ics")).status == 404
        again = await seller.send(sure, f"{path}/refund", key="another tab's")
        assert again.status == 409
        assert "There is a problem" in again.text

    async def test_is_not_refunded_by_its_buyer(self, paid: Sale) -> None:
        _, buyer, path = paid
        assert (await buyer.open(f"{path}/refund")).path == path
        csrf = (await buyer.open(path)).form("/signout").fields["csrf"]
        answer = await buyer.http.post(f"{path}/refund", data={"csrf": csrf})
        assert answer.status_code == 409
        assert "The ticket is yours." in Page(answer).text


class TestList:
    """All of one's own."""

    async def test_pages_and_narrows(self, platform: Platform, person: NewBrowser) -> None:
        browser = await person()
        user = await as_user(platform, browser)
        for _ in range(21):
            order = await user.hold(await listed(platform))
            await user.delete(f"/api/orders/{order['id']}")
        held = await browser.reserve(await listed(platform, title="The last"))
        first = await browser.open("/orders")
        assert first.answer.text.count("<li>") == 20
        assert re.search(r"The last 45\.00 USD ◐ Held for you 14:\d\d left", first.text)
        second = await browser.click(first, "Next page")
        assert second.answer.text.count("<li>") == 2
        assert (await browser.click(second, "First page")).text.count("The last") == 1
        narrowed = await browser.send(first, "/orders", status="created")
        assert narrowed.answer.text.count("<li>") == 1
        assert held.path in narrowed.read.links.values()
        again = await browser.click(narrowed, "Refresh")
        assert again.answer.url == narrowed.answer.url  # the clock in it may have gone on
        assert held.path in again.read.links.values()
        none = await browser.send(first, "/orders", status="disputed")
        assert "No order is in this state." in none.text

    async def test_what_cannot_be_asked_is_told(self, person: NewBrowser) -> None:
        browser = await person()
        for query in ("status=nonsense", "role=king", "cursor=nonsense"):
            page = await browser.open(f"/orders?{query}")
            assert page.status == 422
            assert page.title.startswith("Error: ")
            assert "There is a problem" in page.text
            leads = [link["href"] for link in page.read.all("a") if link["href"].startswith("#")]
            assert leads == (["#main", "#status"] if "status" in query else ["#main"])

    async def test_is_empty_at_first(self, person: NewBrowser) -> None:
        browser = await person()
        assert "You have not reserved anything yet." in (await browser.open("/orders")).text
        sells = await browser.open("/orders?role=seller")
        assert "Nobody has reserved a ticket of yours yet." in sells.text
