"""What strangers may try at the pages, and what every answer carries."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from server.kit import limits
from tests.kit import raw
from tests.platform import free_port
from tests.web.conftest import Web, shop
from tests.web.visiting import Visitor, html, title

UNKNOWN = "01a20e47-8f05-70d3-a7bd-616067590e9d"
NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`&{{7*7}}"
PUBLIC = ("/", "/tickets", "/signin", "/signup", "/help", "/styleguide", "/nowhere", "/tickets?from=x")
PRIVATE = ("/sell", "/sell/new")
TAGS = re.compile(r"<script\b[^>]*>")


def nonce_of(answer: httpx.Response) -> str:
    """The nonce in the policy of an answer."""
    found = re.search(r"script-src[^;]* 'nonce-([^']+)'", answer.headers["content-security-policy"])
    assert found
    return found[1]


class TestForgedForms:
    """A form counts only if a page of ours had it, for this visitor."""

    async def test_w14_no_post_is_taken_without_its_token(self, web: Web, seller: Visitor) -> None:
        paths = list(_posts(web))
        assert len(paths) >= 8
        for path in paths:
            for csrf in ("", "x", "00" * 32, "é"):
                answer = await seller.http.post(path, data={"csrf": csrf, "title": "T", "price": "1"})
                assert answer.status_code == 403, path
        assert "You sell nothing yet" in (await seller.get("/sell")).text

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    async def test_w14_nor_is_a_script_s_write(self, seller: Visitor, method: str) -> None:
        answer = await seller.http.request(method, "/api/tickets", json={"title": "T", "price": 1})
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_w14_another_visitors_token_is_none(self, web: Web, seller: Visitor) -> None:
        other = await web.visitor().sign_up()
        answer = await seller.http.post("/sell/new", data=await _listing(other))
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": ""},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/json"},
            {"Content-Type": "multipart/form-data; boundary=x"},
        ],
        ids=str,
    )
    async def test_w14_nor_is_one_that_comes_from_elsewhere(
        self, seller: Visitor, headers: dict[str, str]
    ) -> None:
        answer = await seller.http.post("/sell/new", data=await _listing(seller), headers=headers)
        assert answer.status_code == 403
        assert "text/html" in answer.headers["content-type"]
        assert "You sell nothing yet" in (await seller.get("/sell")).text

    async def test_from_a_page_of_ours_it_is(self, web: Web, seller: Visitor) -> None:
        headers = {"Origin": web.url, "Sec-Fetch-Site": "same-origin"}
        answer = await seller.http.post("/sell/new", data=await _listing(seller), headers=headers)
        assert answer.status_code == 303

    async def test_the_token_is_written_another_way_each_time(self, seller: Visitor) -> None:
        first, second = await seller.csrf(), await seller.csrf()
        assert first != second


class TestHeaders:
    """What every answer carries."""

    async def test_every_kind_of_answer_is_guarded(self, web: Web, seller: Visitor) -> None:
        css = html(await seller.get("/")).all("link", rel="stylesheet")[0]["href"]
        paths = (*PUBLIC, *PRIVATE, css, "/static/x.css", "/api/tickets", "/api/x", "/robots.txt")
        answers = [await seller.get(path) for path in paths]
        answers.append(await web.visitor().get("/sell"))
        answers.append(await seller.http.post("/sell/new"))
        for answer in answers:
            where = f"{answer.request.method} {answer.url}"
            assert answer.headers["x-content-type-options"] == "nosniff", where
            assert answer.headers["referrer-policy"] == "same-origin", where
            assert answer.headers["x-frame-options"] == "DENY", where
            assert answer.headers["permissions-policy"], where
            assert answer.headers["x-request-id"], where
            assert "strict-transport-security" not in answer.headers, where
            assert "server" not in answer.headers, where

    async def test_pages_are_not_kept(self, seller: Visitor) -> None:
        for path in (*PUBLIC, *PRIVATE, "/api/tickets", "/api/orders"):
            assert (await seller.get(path)).headers["cache-control"] == "no-store", path

    async def test_https_is_insisted_on_where_there_is_https(self, web: Web) -> None:
        async with shop(web.platform, public_url="https://tix.example") as secure:
            for path in ("/", "/nowhere", "/api/tickets", "/robots.txt"):
                answer = await secure.visitor().get(path)
                assert answer.headers["strict-transport-security"].startswith("max-age=31536000")

    async def test_w13_only_our_own_scripts_run(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket()
        for path in (*PUBLIC, *PRIVATE, f"/tickets/{ticket}", f"/sell/{ticket}/edit"):
            answer = await seller.get(path)
            rules = answer.headers["content-security-policy"]
            assert "unsafe" not in rules, path
            assert "default-src 'none'" in rules
            assert "frame-ancestors 'none'" in rules
            assert "http" not in rules, path  # nobody else's
            tags = TAGS.findall(answer.text)
            assert tags, path
            assert all(f'nonce="{nonce_of(answer)}"' in tag for tag in tags), path
            assert not re.search(r"<[^>]+\s(on\w+|style)=", answer.text), path

    async def test_a_nonce_is_used_once(self, web: Web) -> None:
        nonces = {nonce_of(await web.visitor().get("/")) for _ in range(5)}
        assert len(nonces) == 5


class TestScriptsInListings:
    """What a seller typed is text."""

    async def test_it_is_harmless_wherever_it_is_shown(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket(title=NASTY, venue=NASTY, seat=NASTY[:60])
        for path in ("/tickets", f"/tickets/{ticket}", "/sell", f"/sell/{ticket}/edit", "/"):
            answer = await seller.get(path)
            page = html(answer)
            assert not page.all("img"), path
            assert "alert(1)" not in "".join(TAGS.findall(answer.text))
            assert len(page.all("script")) == len(re.findall(r"<script", answer.text, re.IGNORECASE)), path
            assert NASTY in page.text or NASTY in [field.get("value") for field in page.all("input")], path
        [field] = html(await seller.get(f"/sell/{ticket}/edit")).all("input", id="title")
        assert field["value"] == NASTY

    async def test_in_data_for_search_engines_too(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket(title=NASTY, venue="Town Hall", startsAt="2030-05-01T20:00")
        answer = await seller.get(f"/tickets/{ticket}")
        [data] = re.findall(
            r"<script type=\"application/ld\+json\" nonce=\"[^\"]+\">(.*?)</script>", answer.text, re.DOTALL
        )
        event = json.loads(data)
        assert (event["@type"], event["name"]) == ("Event", NASTY)
        assert (event["startDate"][:19], event["location"]["name"]) == ("2030-05-01T20:00:00", "Town Hall")
        assert event["offers"].pop("validFrom")
        assert event["offers"] == {
            "@type": "Offer",
            "price": "45.00",
            "priceCurrency": "USD",
            "availability": "https://schema.org/InStock",
            "url": f"{seller.http.base_url}/tickets/{ticket}".replace("//tickets", "/tickets"),
        }
        [shared] = html(answer).all("meta", property="og:title")
        assert shared["content"] == NASTY

    async def test_in_what_was_searched_for(self, web: Web) -> None:
        answer = await web.visitor().get("/tickets", params={"q": NASTY})
        page = html(answer)
        assert not page.all("img")
        assert page.all("input", id="q")[0]["value"] == NASTY


class TestBadInput:
    """A page with a sentence, whatever the address says."""

    @pytest.mark.parametrize(
        "query",
        [
            "q=" + "x" * 201,
            "q=" + "x" * 6000,
            "q=%00",
            "cursor=x",
            "cursor=" + "A" * 501,
            "cursor=%ff%fe",
            "from=x",
            "from=-1",
            "to=1e9",
            "to=" + "9" * 400,
            "from=%d9%a3",
            "status=%00",
            "status=gone",
            "sort=title",
            "sort=",
            "q=%ff%fe",
            "q=%ed%a0%80",
            "q=a&q=b",
            "%ff=%ff",
            "&&&===",
        ],
        ids=lambda query: query[:20],
    )
    async def test_a_hostile_query(self, web: Web, query: str) -> None:
        answer = await web.visitor().get(f"/tickets?{query}")
        assert "text/html" in answer.headers["content-type"]
        harmless = {"sort=", "q=%ff%fe", "q=%ed%a0%80", "q=a&q=b", "%ff=%ff", "&&&==="}
        assert (answer.status_code == 200) == (query in harmless), answer.status_code
        assert answer.status_code < 500

    @pytest.mark.parametrize("id_", ["x", UNKNOWN, "%00", "%ff", "%ed%a0%80", "a" * 3000, "..%2f..%2f"])
    async def test_what_is_not_there(self, web: Web, id_: str) -> None:
        answer = await web.visitor().get(f"/tickets/{id_}")
        assert answer.status_code == 404
        page = html(answer)
        assert title(answer).startswith("There is nothing here")
        assert answer.headers["x-request-id"] in page.text
        assert "bad_request" not in page.text
        assert {"href": "/tickets", "class": "button"} in page.all("a")

    @pytest.mark.parametrize("path", ["/nowhere", "/tickets/x/y", "/.env", "/sell/x/y"])
    async def test_an_address_that_leads_nowhere(self, web: Web, path: str) -> None:
        answer = await web.visitor().get(path)
        assert answer.status_code == 404
        assert "text/html" in answer.headers["content-type"]

    async def test_a_slash_at_the_end_changes_nothing(self, web: Web) -> None:
        answer = await web.visitor().get("/signin/")
        assert (answer.status_code, title(answer)) == (200, title(await web.visitor().get("/signin")))

    @pytest.mark.parametrize(
        "path",
        [b"/tickets/\xff", b"/\xff\xfe", b"/tickets?q=\xff", b"/api/tickets?q=\xff", b"/sell/\xc3\xa9"],
    )
    async def test_bytes_that_are_no_address(self, web: Web, path: bytes) -> None:
        request = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path
        answer = await raw.send(web.url, request)
        assert answer.statuses == [400], answer.text

    @pytest.mark.parametrize(
        ("head", "status"),
        [(b"POST /sell/new HTTP/1.1\r\n", 408), (b"POST / HTTP/1.1\r\nX: " + b"x" * 9000, 413)],
    )
    async def test_a_head_that_never_ends(self, web: Web, head: bytes, status: int) -> None:
        async with shop(web.platform) as hasty:
            hasty.app.config.REQUEST_TIMEOUT = 0.2
            answer = await raw.send(hasty.url, head, patience=5)
        assert answer.statuses == [status], answer.text

    @pytest.mark.parametrize("key", ["é", "x" * 300, "\r\nX: y", ""])
    async def test_an_idempotency_key_that_is_none_of_ours(self, seller: Visitor, key: str) -> None:
        answer = await seller.post("/sell/new", "/sell/new", title="T", price="1", key=key)
        assert answer.status_code == 303

    async def test_a_form_that_is_no_utf_8(self, seller: Visitor) -> None:
        body = f"csrf={await seller.csrf()}&title=%ff%fe&price=%ff".encode()
        for sent in (body, body + b"&venue=\xff\xfe", b"\xff" * 100, b"a" * 70_000):
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = await seller.http.post("/sell/new", content=sent, headers=headers)
            assert 400 <= answer.status_code < 500
            assert "text/html" in answer.headers["content-type"]

    @pytest.mark.parametrize("size", [limits.BODY + 1, limits.BATCH_BODY + 1])
    async def test_a_form_that_is_too_large(self, seller: Visitor, size: int) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await seller.http.post("/sell/new", content=b"a" * size, headers=headers)
        assert (answer.status_code, title(answer)) == (413, "That was too much at once – Tix")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    async def test_nothing_is_written_where_nothing_can_be(self, seller: Visitor, method: str) -> None:
        css = html(await seller.get("/")).all("link", rel="stylesheet")[0]["href"]
        for path, status in ((css, 405), ("/static/x.css", 404), ("/nowhere", 404), ("/help", 405)):
            answer = await seller.http.request(method, path)
            assert answer.status_code == status, path
            assert ("allow" in answer.headers) is (status == 405), path

    async def test_services_that_are_away(self, web: Web) -> None:
        async with shop(web.platform, api_url=f"http://127.0.0.1:{free_port()}") as lonely:
            for path in ("/", "/tickets", f"/tickets/{UNKNOWN}"):
                answer = await lonely.visitor().get(path)
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                assert "Part of Tix does not answer" in title(answer)
            assert (await lonely.visitor().get("/help")).status_code == 200

    async def test_the_parts_are_shown_where_they_are_made_only(self, web: Web) -> None:
        assert (await web.visitor().get("/styleguide")).status_code == 200
        web.app.ctx.shop, kept = _elsewhere(web), web.app.ctx.shop
        try:
            assert (await web.visitor().get("/styleguide")).status_code == 404
        finally:
            web.app.ctx.shop = kept

    async def test_robots_find_tickets_and_nothing_private(self, web: Web) -> None:
        answer = await web.visitor().get("/robots.txt")
        assert answer.headers["content-type"].startswith("text/plain")
        lines = answer.text.splitlines()
        assert {"Disallow: /orders", "Disallow: /sell", "Disallow: /api/"} <= set(lines)
        assert not any(line.startswith("Disallow: /tickets") or line == "Disallow: /" for line in lines)


async def _listing(visitor: Visitor) -> dict[str, str]:
    """A form that would list a ticket for this visitor."""
    return {"csrf": await visitor.csrf(), "title": "Forged", "price": "1"}


def _posts(web: Web) -> Iterator[str]:
    """Every address of a page that takes a POST."""
    for route in web.app.router.routes:
        if "POST" in route.methods and not route.path.startswith("api/"):
            yield "/" + re.sub(r"<[^>]+>", UNKNOWN, route.path)


def _elsewhere(web: Web) -> Any:
    """The shop as people see it who shop there."""
    return web.app.ctx.shop.__class__(**{**vars(web.app.ctx.shop), "is_development": False})
