"""Selling by the pages: list, edit, withdraw, list again, and what stands in the way."""

import re
import shlex
from typing import Any

import pytest

from tests.waiting import until
from tests.web.conftest import Web
from tests.web.visiting import Visitor, html, title


class TestListings:
    """The page of one's own listings."""

    async def test_a_stranger_is_asked_to_sign_in_and_comes_back(self, web: Web) -> None:
        stranger = web.visitor()
        answer = await stranger.get("/sell")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/signin?next=/sell&")
        await stranger.sign_up()
        page = await stranger.get("/sell")
        assert page.status_code == 200
        assert "You sell nothing yet" in html(page).text

    async def test_they_are_ones_own_newest_first_with_status_and_edit(
        self, web: Web, seller: Visitor
    ) -> None:
        await (await web.visitor().sign_up()).list_ticket(title="Not mine")
        first = await seller.list_ticket(title="First")
        second = await seller.list_ticket(title="Second")
        page = html(await seller.get("/sell"))
        assert [line["data-ticket"] for line in page.all("li", **{"class": "line"})] == [second, first]
        assert page.text.count("Available") == 3  # two badges and the filter
        assert {"href": f"/sell/{first}/edit", "class": "more"} in page.all("a")
        assert "Not mine" not in page.text

    async def test_withdrawn_ones_are_shown_when_asked_for(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket()
        await seller.post(f"/sell/{ticket}/withdraw", f"/sell/{ticket}/edit")
        assert ticket not in (await seller.get("/sell")).text
        assert ticket in (await seller.get("/sell?status=withdrawn")).text

    async def test_there_are_pages_of_twenty_and_the_filter_stays(self, web: Web) -> None:
        seller = await web.visitor().sign_up()
        csrf = await seller.csrf()
        items = [{"title": f"Seat {n}", "price": 100, "externalId": f"s{n}"} for n in range(25)]
        made = await seller.http.post("/api/tickets/batch", json={"items": items}, headers={"X-CSRF": csrf})
        assert made.status_code == 200, made.text
        page = html(await seller.get("/sell?status=available"))
        assert len(page.all("li", **{"class": "line"})) == 20
        [following] = page.all("a", rel="next")
        assert "status=available" in following["href"]
        rest = html(await seller.get(following["href"]))
        assert len(rest.all("li", **{"class": "line"})) == 5
        assert {"href": "/sell?status=available"} in rest.all("a")

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("status=new", "Choose a status from the list."),
            ("cursor=x", "There is no such page of this list."),
            ("cursor=" + "x" * 600, "There is no such page of this list."),
        ],
    )
    async def test_a_bad_filter_is_a_page_with_a_sentence(
        self, seller: Visitor, query: str, sentence: str
    ) -> None:
        answer = await seller.get(f"/sell?{query}")
        assert answer.status_code == 422
        assert title(answer).startswith("Error: ")
        assert f"There is a problem {sentence}" in html(answer).text


class TestListing:
    """The form for a new one."""

    async def test_it_is_listed_and_told_by_a_notice(self, seller: Visitor) -> None:
        answer = await seller.post(
            "/sell/new",
            "/sell/new",
            title="Night Train",
            price="45.5",
            venue="Town Hall",
            seat="A 12",
            startsAt="2030-05-01T20:00",
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/sell?done=listed")
        page = await seller.get(answer.headers["location"])
        assert "Listed. Buyers can find it now." in html(page).text
        assert "45.50 USD" in page.text
        assert "2030-05-01T20:00:00Z" in page.text

    async def test_the_same_form_sent_twice_lists_one(self, seller: Visitor) -> None:
        page = await seller.get("/sell/new")
        for _ in range(2):
            answer = await seller.send(page, "/sell/new", title="Only one", price="1.00")
            assert answer.status_code == 303
        assert len(html(await seller.get("/sell")).all("li", **{"class": "line"})) == 1

    async def test_a_notice_says_only_what_is_ours(self, seller: Visitor) -> None:
        page = await seller.get("/sell?done=Your+account+is+locked")
        assert "locked" not in page.text

    async def test_w11_every_wrong_field_is_told_beside_what_was_typed(self, seller: Visitor) -> None:
        typed = {"title": "", "price": "45,00", "venue": "V" * 201, "startsAt": "tomorrow", "seat": "A 12"}
        answer = await seller.post("/sell/new", "/sell/new", **typed)
        assert answer.status_code == 422
        assert title(answer).startswith("Error: List a ticket")
        page = html(answer)
        links = [link["href"] for link in page.all("a") if link["href"].startswith("#")]
        assert set(links) == {"#main", "#title", "#price", "#venue", "#startsAt"}
        for name, text in typed.items():
            [field] = page.all("input", id=name)
            assert field["value"] == text
            assert ("aria-invalid" in field) == (name != "seat")
        told = "Write the price as 45.00, without a sign, a currency or separators of thousands"
        assert page.text.count(f"{told}.") == 2
        assert "Write the start as a date and a time, like 2030-05-01T20:00." in page.text

    @pytest.mark.parametrize(
        ("price", "currency", "sentence"),
        [
            ("0", "usd", "Choose a price between 0.01 and 999,999.99 USD."),
            ("1000000", "usd", "Choose a price between 0.01 and 999,999.99 USD."),
            ("1.005", "usd", "USD has 2 decimals: write the price as 45.00."),
            ("1.5", "jpy", "JPY has no decimals: write the price as 45."),
            ("", "usd", "Fill in the price."),
            ("-3", "usd", "Write the price as 45.00, without a sign"),
            ("10", "doubloon", "Choose a currency from the list."),
        ],
    )
    async def test_a_price_that_cannot_be_is_explained_in_money(
        self, seller: Visitor, price: str, currency: str, sentence: str
    ) -> None:
        answer = await seller.post("/sell/new", "/sell/new", title="T", price=price, currency=currency)
        assert answer.status_code == 422
        assert sentence in html(answer).text

    async def test_the_command_line_is_told_quoted_for_a_shell(self, seller: Visitor) -> None:
        nasty = 'It\'s $(rm -rf ~) & "more"'
        ticket = await seller.list_ticket(title=nasty, seat="A 1", startsAt="2030-05-01T20:00")
        page = await seller.get(f"/sell/{ticket}/edit")
        [command] = [word for word in html(page).words if word.startswith("tix tickets create")]
        assert shlex.split(command) == [
            *("tix", "tickets", "create", "--title", nasty, "--price", "45.00", "--seat", "A 1"),
            *("--starts-at", "2030-05-01T20:00Z"),
        ]


class TestEditing:
    """The form for one that is there."""

    async def test_what_was_changed_is_saved_and_the_rest_left_alone(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket(venue="Town Hall", startsAt="2030-05-01T20:00")
        at = f"/sell/{ticket}/edit"
        answer = await seller.post(at, at, price="50", venue="")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{at}?done=saved")
        assert "Saved." in html(await seller.get(answer.headers["location"])).text
        shown = (await seller.http.get(f"/api/tickets/{ticket}")).json()
        assert (shown["price"], shown["venue"], shown["title"]) == (5000, None, "Front row")
        assert shown["startsAt"] == "2030-05-01T20:00:00.000000Z"

    async def test_of_two_edits_the_second_sees_the_first_beside_its_own(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket(venue="Town Hall")
        at = f"/sell/{ticket}/edit"
        old = await seller.get(at)
        await seller.post(at, at, title="Second row", venue="Opera")
        conflict = await seller.send(old, at, title="Third row", price="60")
        assert conflict.status_code == 409
        assert title(conflict).startswith("Error: ")
        rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(.*?)</td><td>(.*?)</td>", conflict.text)
        assert rows == [("Title", "Second row", "Third row"), ("Venue", "Opera", "left as it was")]
        again = await seller.send(conflict, at)
        assert again.status_code == 303
        shown = (await seller.http.get(f"/api/tickets/{ticket}")).json()
        assert (shown["title"], shown["venue"], shown["price"]) == ("Third row", "Opera", 6000)

    async def test_the_same_edit_sent_twice_is_saved(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket()
        at = f"/sell/{ticket}/edit"
        page = await seller.get(at)
        answers = [await seller.send(page, at, title="Balcony") for _ in range(2)]
        assert [answer.headers["location"] for answer in answers] == [f"{at}?done=saved"] * 2

    async def test_wrong_fields_are_told_and_kept(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket()
        at = f"/sell/{ticket}/edit"
        answer = await seller.post(at, at, title="", price="12,5", seat="A" * 61)
        assert answer.status_code == 422
        page = html(answer)
        assert "Fill in the title." in page.text
        assert page.all("input", id="price")[0]["value"] == "12,5"
        answer = await seller.post(at, at, price="12,5", seat="A" * 61)
        assert "Write the price as 45.00" in html(answer).text
        assert "Make the seat at most 60 characters long." in html(answer).text

    @pytest.mark.parametrize("version", ["", "x", "-1", "9" * 5000, "٣"])
    async def test_a_version_that_is_none_is_refused(self, seller: Visitor, version: str) -> None:
        ticket = await seller.list_ticket()
        at = f"/sell/{ticket}/edit"
        answer = await seller.post(at, at, version=version, title="Balcony")
        assert answer.status_code == 422
        assert "The form is not whole." in html(answer).text

    async def test_withdrawn_and_listed_again(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket()
        at = f"/sell/{ticket}/edit"
        answer = await seller.post(f"/sell/{ticket}/withdraw", at)
        page = await seller.get(answer.headers["location"])
        assert "Withdrawn. Nobody can find or reserve it" in html(page).text
        for _ in range(2):
            answer = await seller.send(page, f"/sell/{ticket}/relist")
            assert answer.headers["location"] == f"{at}?done=relisted"
        shown = (await seller.http.get(f"/api/tickets/{ticket}")).json()
        assert (shown["status"], shown["version"]) == ("available", 2)

    async def test_a_ticket_that_is_held_says_why_it_cannot_be_edited(
        self, web: Web, seller: Visitor
    ) -> None:
        ticket = await seller.list_ticket()
        at = f"/sell/{ticket}/edit"
        free = await seller.get(at)
        buyer = web.platform.user()
        order = await buyer.hold(ticket)
        await web.platform.ticket_in(ticket, "reserved")
        page = await seller.get(at)
        assert "A buyer holds this ticket." in html(page).text
        assert at not in [form.action for form in html(page).forms]
        for action in (at, f"/sell/{ticket}/withdraw"):
            answer = await seller.send(free, action, **({"title": "Other"} if action == at else {}))
            assert answer.status_code == 409
            assert "There is a problem" in html(answer).text
        await buyer.pay(order["id"])
        await web.platform.ticket_in(ticket, "sold")
        sold = html(await seller.get(at))
        assert "This ticket is sold." in sold.text
        assert {"href": f"/orders/{order['id']}"} in sold.all("a")

    async def test_another_users_listing_is_not_ones_own(self, web: Web, seller: Visitor) -> None:
        ticket = await seller.list_ticket()
        at = f"/sell/{ticket}/edit"
        own = await seller.get(at)
        other = await web.visitor().sign_up()
        assert (await other.get(at)).status_code == 403
        csrf = await other.csrf()
        for action in (at, f"/sell/{ticket}/withdraw", f"/sell/{ticket}/relist"):
            form = next((f.fields for f in html(own).forms if f.action == action), {})
            answer = await other.http.post(action, data={**form, "csrf": csrf, "title": "Stolen"})
            assert answer.status_code == 403, action
            assert "text/html" in answer.headers["content-type"]
        shown = (await seller.http.get(f"/api/tickets/{ticket}")).json()
        assert (shown["title"], shown["status"], shown["version"]) == ("Front row", "available", 0)

    @pytest.mark.parametrize("id_", ["x", "01a20e47-8f05-70d3-a7bd-616067590e9d", "%00", "%ff", "..%2f"])
    async def test_what_is_not_there_is_a_page(self, seller: Visitor, id_: str) -> None:
        answer = await seller.get(f"/sell/{id_}/edit")
        assert answer.status_code == 404
        assert "There is nothing here" in html(answer).text

    async def test_signed_out_elsewhere_one_signs_in_and_comes_back_to_the_listing(
        self, web: Web, seller: Visitor
    ) -> None:
        ticket = await seller.list_ticket()
        at = f"/sell/{ticket}/edit"
        page = await seller.get(at)
        other = web.visitor(cookies=dict(seller.http.cookies))
        await other.post("/signout", at)
        answers: list[Any] = []

        async def refused() -> bool:
            answers.append(await seller.send(page, at, title="Late"))
            return str(answers[-1].headers["location"]).startswith("/signin")

        await until(refused, "every service knows that the token is over")
        assert answers[-1].headers["location"].startswith(f"/signin?next=/sell/{ticket}&")
        assert (await seller.get(f"/sell/{ticket}")).headers["location"] == at
