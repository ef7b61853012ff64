"""The list of tickets: what is sought is in the address, and who finds nothing is told what to try."""

import httpx
import pytest

from server.web import asking
from server.web.tickets import MOST_HINTS
from tests.web.conftest import Web, shop
from tests.web.services import answering
from tests.web.visiting import html, title

ASKED = {"q": "Searched", "status": "available", "from": "20.00", "to": "40", "sort": "-price"}


@pytest.fixture(scope="module", autouse=True)
async def tickets(web: Web) -> None:
    """25 at 10.00, 11.00, … 34.00, one of them held, and a cheap one with another name."""
    seller = web.platform.user()
    ids = [
        (await seller.list_ticket(title=f"Searched {n}", venue="Opera", price=1000 + 100 * n))["id"]
        for n in range(25)
    ]
    await seller.list_ticket(title="Matinee", price=500)
    await web.platform.user().hold(ids[24])
    await web.platform.ticket_in(ids[24], "reserved")


def found(answer: httpx.Response) -> list[str]:
    """The tickets of a page, in their order."""
    assert answer.status_code == 200, answer.text
    return [card["data-ticket"] for card in html(answer).all("li", **{"class": "card"})]


def typed(answer: httpx.Response) -> dict[str, str]:
    """What stands in the form."""
    [form] = [form for form in html(answer).forms if form.action == "/tickets"]
    return form.fields


def links(answer: httpx.Response) -> list[str]:
    """What an empty page suggests; not all tickets."""
    page = answer.text[answer.text.index('<div class="empty">') : answer.text.index("</main>")]
    return [link["href"].replace("&amp;", "&") for link in html(httpx.Response(200, text=page)).all("a")][:-1]


async def test_w24_the_address_says_it_all(web: Web) -> None:
    one, other = web.visitor(), await web.visitor().sign_up()
    first = await one.get("/tickets", params=ASKED)
    assert len(found(first)) == 14
    assert typed(first) == ASKED
    sent_again = await one.get("/tickets", params=typed(first))
    for answer in (await one.get("/tickets", params=ASKED), sent_again, await other.get(str(first.url))):
        assert (found(answer), typed(answer)) == (found(first), ASKED)
    prices = [await price(web, ticket) for ticket in found(first)]
    assert prices == [3300 - 100 * n for n in range(14)]


async def price(web: Web, ticket_id: str) -> int:
    return int((await web.platform.http.get(f"/api/tickets/{ticket_id}")).json()["price"])


async def test_w24_so_does_that_of_the_second_page(web: Web) -> None:
    first = await web.visitor().get("/tickets", params={"q": "searched", "sort": "price"})
    [following] = html(first).all("a", rel="next")
    second = await web.visitor().get(following["href"])
    assert typed(second) == {"q": "searched", "status": "", "from": "", "to": "", "sort": "price"}
    assert len(found(second)) == 5
    assert not set(found(first)) & set(found(second))
    assert found(await web.visitor().get(str(second.url))) == found(second)
    [back] = [link for link in html(second).all("a") if link["href"] == "/tickets?q=searched&sort=price"]
    assert found(await web.visitor().get(back["href"])) == found(first)


@pytest.mark.parametrize(
    ("asked", "hints"),
    [
        ({"q": "searched", "from": "900"}, ["q=searched"]),
        ({"q": "searched", "to": "1", "sort": "price"}, ["q=searched&sort=price"]),
        ({"q": "matinee", "status": "sold"}, ["q=matinee"]),
        ({"q": "matinee", "status": "sold", "from": "9"}, ["q=matinee"]),
        ({"q": "Searched for Matinee"}, ["q=Searched", "q=Matinee"]),
        ({"q": "opera  matinee", "to": "6"}, ["q=matinee", "q=opera", "to=6"]),
        ({"status": "sold"}, []),
        ({"q": "nowhere to be found"}, []),
        ({"q": "%_\\"}, []),
    ],
)
async def test_w24_who_finds_nothing_is_led_to_something(
    web: Web, asked: dict[str, str], hints: list[str]
) -> None:
    answer = await web.visitor().get("/tickets", params=asked)
    assert found(answer) == []
    assert "No ticket matches." in html(answer).text
    addresses = links(answer)
    assert sorted(addresses) == sorted(f"/tickets?{query}" for query in hints)
    for address in addresses:
        assert found(await web.visitor().get(address)), address


async def test_hints_are_few_questions_however_much_is_asked(web: Web) -> None:
    asked = {"q": "many words that nobody has ever listed", "status": "sold", "from": "1", "to": "2"}
    empty = b'{"items": [], "nextCursor": null}'
    async with (
        answering(200, empty, b"Content-Type: application/json\r\n") as (url, questions),
        shop(web.platform, api_url=url) as empty_shop,
    ):
        answer = await empty_shop.visitor().get("/tickets", params=asked)
    assert "Ask for less, or see all tickets" in html(answer).text
    assert len(questions) == 1 + MOST_HINTS == 6


async def test_hints_that_come_too_late_are_left_out(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE_SECONDS", 0.0)
    answer = await web.visitor().get("/tickets", params={"q": "matinee", "status": "sold"})
    assert answer.status_code == 200
    assert "Ask for less, or see all tickets" in html(answer).text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("q=searched", "20 tickets on this page, more on the next."),
        ("q=matinee", "1 ticket on this page."),
        ("q=searched&from=900", "No ticket matches."),
    ],
)
async def test_w24_how_many_there_are_is_announced(web: Web, query: str, count: str) -> None:
    """A live region tells of changes; a whole new page is announced by its title."""
    answer = await web.visitor().get(f"/tickets?{query}")
    assert f'<p role="status" class="quiet">{count}</p>' in answer.text
    assert f" – {count} – Tickets – Tix" in title(answer)
    unasked = await web.visitor().get("/tickets")
    assert title(unasked) == "Tickets – Tix"
