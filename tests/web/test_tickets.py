"""The list of tickets narrowed, and a ticket reserved: what was typed, and what a form may say."""

import pytest

from tests.web.conftest import Web
from tests.web.visiting import Visitor, html, title


class TestList:
    """`/tickets`."""

    @pytest.mark.parametrize(("name", "price_is"), [("from", "lowest"), ("to", "highest")])
    @pytest.mark.parametrize("price", ["9999999", "1000000"])
    async def test_a_price_out_of_bounds_is_told_in_money_beside_its_field(
        self, web: Web, name: str, price_is: str, price: str
    ) -> None:
        answer = await web.visitor().get(f"/tickets?{name}={price}")
        assert answer.status_code == 422
        page = html(answer)
        assert page.text.count(f"Choose a {price_is} price between 0.00 and 999,999.99 USD.") == 2
        assert {"href": f"#{name}"} in page.all("a")
        [field] = page.all("input", id=name)
        assert (field["value"], field["aria-invalid"]) == (price, "true")

    @pytest.mark.parametrize("price", ["0", "999999.99"])
    async def test_the_bounds_themselves_are_prices(self, web: Web, price: str) -> None:
        assert (await web.visitor().get(f"/tickets?from={price}&to={price}")).status_code == 200

    @pytest.mark.parametrize("cursor", ["x", "A" * 501])
    async def test_a_page_that_is_none_is_a_form_with_a_sentence(self, web: Web, cursor: str) -> None:
        answer = await web.visitor().get("/tickets", params={"q": "opera", "cursor": cursor})
        assert answer.status_code == 422
        assert title(answer).startswith("Error: ")
        page = html(answer)
        assert "There is no such page of this list. Press Show to begin with the first." in page.text
        assert not any(link["href"] == "#cursor" for link in page.all("a"))
        assert page.all("input", id="q")[0]["value"] == "opera"
        [show] = [form for form in page.forms if form.action == "/tickets"]
        assert "cursor" not in show.fields

    async def test_all_that_is_wrong_is_told_at_once_and_no_result(self, web: Web) -> None:
        answer = await web.visitor().get("/tickets?from=9999999&to=x&status=nonsense")
        assert answer.status_code == 422
        page = html(answer)
        assert {link["href"] for link in page.all("a")} >= {"#from", "#to", "#status"}
        assert page.text.count("Choose a status from the list.") == 2
        assert page.text.count("Write the highest price as 45.00, without a sign") == 2
        assert "No ticket matches" not in page.text

    async def test_words_are_shown_as_they_were_typed(self, web: Web) -> None:
        words = "ID required at door"
        page = html(await web.visitor().get("/tickets", params={"q": words}))
        [field] = page.all("input", id="q")
        assert field["value"] == words
        assert "required" not in field
        assert "(optional)" not in page.text


class TestReserve:
    """The hidden price is what the buyer saw."""

    @pytest.mark.parametrize("price", ["", "x", "-1", "4.5", "٣", "9" * 10, "9" * 5000])
    async def test_a_price_that_is_none_holds_nothing(self, web: Web, seller: Visitor, price: str) -> None:
        ticket = (await web.platform.user().list_ticket())["id"]
        at = f"/tickets/{ticket}"
        answer = await seller.post(f"{at}/reserve", at, price=price)
        assert answer.status_code == 422
        assert "The form is not whole." in html(answer).text
        assert (await seller.get("/api/orders")).json()["items"] == []

    async def test_nor_does_a_form_without_one(self, web: Web, seller: Visitor) -> None:
        ticket = (await web.platform.user().list_ticket())["id"]
        answer = await seller.http.post(f"/tickets/{ticket}/reserve", data={"csrf": await seller.csrf()})
        assert answer.status_code == 422
        assert (await seller.get("/api/orders")).json()["items"] == []
