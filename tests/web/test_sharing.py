"""What a ticket's page tells search engines and chats, and what the shop gives to calendars."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.web.conftest import Web, shop
from tests.web.visiting import html

STARTS = "2031-05-03T19:30:00Z"
AVAILABILITY = {"available": "InStock", "reserved": "Reserved", "withdrawn": "Discontinued"}
ODD_TITLE = 'Rock & Roll </script><b> "live" – für alle'


def event(text: str) -> dict[str, Any]:
    """The one JSON-LD document of a page."""
    [found] = re.findall(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', text, re.DOTALL)
    return dict(json.loads(found))


@pytest.mark.parametrize(
    ("price", "currency", "written"),
    [(4550, "usd", "45.50"), (100, "eur", "1.00"), (1234567, "jpy", "1234567")],
)
async def test_w25_search_engines_are_told_of_event_and_offer(
    web: Web, price: int, currency: str, written: str
) -> None:
    seller = web.platform.user()
    fields = {"title": ODD_TITLE, "venue": "Town Hall", "startsAt": STARTS, "seat": "A 12"}
    ticket = await seller.list_ticket(price=price, currency=currency, **fields)
    page = await web.visitor().get(f"/tickets/{ticket['id']}")
    told = event(page.text)
    # https://developers.google.com/search/docs/appearance/structured-data/event requires these.
    assert (told["@context"], told["@type"], told["name"]) == ("https://schema.org", "Event", ODD_TITLE)
    assert datetime.fromisoformat(told["startDate"]) == datetime(2031, 5, 3, 19, 30, tzinfo=UTC)
    assert told["location"] == {"@type": "Place", "name": "Town Hall", "address": "Town Hall"}
    assert told["eventStatus"] == "https://schema.org/EventScheduled"
    offer = told["offers"]
    assert (offer["@type"], offer["price"], offer["priceCurrency"]) == ("Offer", written, currency.upper())
    assert re.fullmatch(r"[0-9]+(\.[0-9]+)?", offer["price"])
    assert datetime.fromisoformat(offer["validFrom"]) <= datetime.now(UTC)
    assert told["url"] == offer["url"] == f"{web.url}/tickets/{ticket['id']}"
    assert html(page).all("link", rel="canonical")[0]["href"] == told["url"]


async def test_w25_an_offer_says_whether_it_can_be_had(web: Web) -> None:
    seller = web.platform.user()
    ids = {status: (await seller.list_ticket())["id"] for status in AVAILABILITY}
    await web.platform.user().hold(ids["reserved"])
    await web.platform.ticket_in(ids["reserved"], "reserved")
    assert (await seller.delete(f"/api/tickets/{ids['withdrawn']}")).status_code == 204
    for status, ticket in ids.items():
        told = event((await web.visitor().get(f"/tickets/{ticket}")).text)
        assert told["offers"]["availability"] == f"https://schema.org/{AVAILABILITY[status]}"
        assert not {"startDate", "location"} & told.keys()  # nobody said when and where


async def test_w25_chats_are_told_what_they_show(web: Web) -> None:
    ticket = await web.platform.user().list_ticket(title=ODD_TITLE, venue="Town Hall", price=4550)
    address = "https://tix.example"
    async with shop(web.platform, public_url=address) as public:
        page = html(await public.visitor().get(f"/tickets/{ticket['id']}"))
        told = {meta["property"]: meta["content"] for meta in page.all("meta") if "property" in meta}
        # https://ogp.me: these four are required.
        assert told["og:title"] == ODD_TITLE
        assert told["og:type"] == "website"
        assert told["og:url"] == f"{address}/tickets/{ticket['id']}"
        assert told["og:image"].startswith(f"{address}/static/")
        assert told["og:description"] == "45.50 USD · Town Hall"
        assert [meta["content"] for meta in page.all("meta", name="description")] == [told["og:description"]]
        image = await public.visitor().get(told["og:image"].removeprefix(address))
        assert image.headers["content-type"] == "image/png"
        assert image.content.startswith(b"\x89PNG\r\n\x1a\n")
        size = [int.from_bytes(image.content[at : at + 4]) for at in (16, 20)]
        assert size == [int(told["og:image:width"]), int(told["og:image:height"])] == [1200, 630]
