"""The API for scripts of our pages: passed to the services, with the cookie as the token."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.platform import free_port
from tests.waiting import until
from tests.web.conftest import GRACE_SECONDS, Web, shop
from tests.web.visiting import PASSWORD, Visitor


async def ask(visitor: Visitor, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """As a script of a page of ours would."""
    given = {
        "X-CSRF": await visitor.csrf(),
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    return await visitor.http.request(method, path, json=body, headers=given)


class TestPassing:
    """What goes to the service and what comes back."""

    async def test_method_body_and_answer(self, seller: Visitor) -> None:
        made = await ask(seller, "POST", "/api/tickets", {"title": "Box", "price": 700})
        assert made.status_code == 201
        assert made.headers["content-type"] == "application/json"
        assert made.headers["etag"] == '"0.0"'
        ticket = made.json()
        edit = {"title": "Balcony"}
        changed = await ask(seller, "PUT", f"/api/tickets/{ticket['id']}", edit, if_match='"0.0"')
        assert (changed.status_code, changed.json()["title"]) == (200, "Balcony")
        gone = await ask(seller, "DELETE", f"/api/tickets/{ticket['id']}")
        assert (gone.status_code, gone.content) == (204, b"")

    async def test_query_and_percent_signs(self, seller: Visitor) -> None:
        name = "a%2Fb%20%C3%A9"
        put = await ask(seller, "PUT", f"/api/tickets/by-external-id/{name}", {"title": "Box", "price": 700})
        assert put.json()["externalId"] == "a/b é"
        found = await seller.get(f"/api/tickets?externalId={name}&limit=1")
        assert [ticket["externalId"] for ticket in found.json()["items"]] == ["a/b é"]
        assert (await seller.get("/api/tickets?limit=0")).status_code == 422

    async def test_conditions(self, seller: Visitor) -> None:
        ticket = await seller.list_ticket()
        same = await seller.get(f"/api/tickets/{ticket}", headers={"If-None-Match": '"0.0"'})
        assert (same.status_code, same.content) == (304, b"")

    async def test_an_idempotency_key(self, seller: Visitor) -> None:
        first, second = [
            await ask(seller, "POST", "/api/tickets", {"title": "Box", "price": 700}, idempotency_key="k1")
            for _ in range(2)
        ]
        assert first.json()["id"] == second.json()["id"]
        assert second.headers["idempotency-replayed"] == "true"

    async def test_the_request_id(self, seller: Visitor) -> None:
        answer = await seller.get("/api/orders/x", headers={"X-Request-Id": "from-the-page-1"})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"] == answer.json()["requestId"] == "from-the-page-1"

    async def test_p16_bff_orders_and_payments(self, web: Web, seller: Visitor) -> None:
        ticket = await seller.list_ticket()
        buyer = await web.visitor().sign_up()
        order = await ask(buyer, "POST", "/api/orders", {"ticketId": ticket})
        assert order.status_code == 201, order.text

        async def paid() -> httpx.Response | None:
            body = {"orderId": order.json()["id"], "paymentMethod": "pm_card_visa"}
            answer = await ask(buyer, "POST", "/api/payments", body)
            return answer if answer.status_code != 503 else None

        answer = await until(paid, "payments knows the order")
        assert answer is not None
        assert answer.status_code in {200, 201}

    async def test_a_stranger_reads_what_is_public_only(self, web: Web) -> None:
        stranger = web.visitor()
        assert (await stranger.get("/api/tickets")).status_code == 200
        assert (await stranger.get("/api/orders")).status_code == 401
        assert (await stranger.get("/api/auth/currentuser")).json()["currentUser"] is None

    async def test_no_bearer_token_of_the_page_s_own_is_taken(self, web: Web) -> None:
        user = web.platform.user()
        answer = await web.visitor().get("/api/orders", headers=user.headers)
        assert answer.status_code == 401

    @pytest.mark.parametrize(
        "path",
        [
            "/api/payments/webhook",
            "/api/payments/webhook/",
            "/api/payments//webhook",
            "/api/payments/%77ebhook",
            "/api/tickets/../payments/webhook",
            "/api/tickets/%2e%2e/users/tokens",
            "/api/users/tokens",
            "/api/nothing",
            "/api/",
        ],
    )
    async def test_what_is_not_passed_on(self, web: Web, seller: Visitor, path: str) -> None:
        csrf = await seller.csrf()
        status, body = await raw(web, f"POST {path} HTTP/1.1", csrf=csrf, cookie=seller.http.cookies["tix"])
        assert status in {404, 405}, body
        assert '"code"' in body

    async def test_large_bodies(self, seller: Visitor) -> None:
        large = {"title": "x" * 70_000, "price": 1}
        assert (await ask(seller, "POST", "/api/tickets", large)).status_code == 413
        batch = await ask(seller, "POST", "/api/tickets/batch", {"items": [large]})
        assert (batch.status_code, batch.json()["results"][0]["status"]) == (200, "error")

    async def test_a_service_that_is_away(self, web: Web) -> None:
        async with shop(web.platform, api_url=f"http://127.0.0.1:{free_port()}") as lonely:
            answer = await lonely.visitor().get("/api/tickets")
        assert answer.status_code == 503
        assert answer.json()["code"] == "unavailable"
        assert int(answer.headers["retry-after"]) > 0

    @pytest.mark.parametrize("header", ["if-none-match", "last-event-id", "accept", "idempotency-key"])
    async def test_a_header_that_is_no_ascii_is_no_fault_of_ours(self, seller: Visitor, header: str) -> None:
        ticket = await seller.list_ticket()
        given = [(header.encode(), b"\xff\xe9"), (b"X-CSRF", (await seller.csrf()).encode())]
        for method, path in (("GET", f"/api/tickets/{ticket}"), ("POST", "/api/tickets")):
            answer = await seller.http.request(method, path, headers=given)
            assert answer.status_code < 500, answer.text


class TestAccounts:
    """Signing in and out by a script: the token stays out of its sight."""

    async def test_p16_bff_sign_up_in_and_out(self, web: Web) -> None:
        visitor = web.visitor()
        credentials = {"email": "script@example.com", "password": PASSWORD}
        answer = await ask(visitor, "POST", "/api/auth/signup", credentials)
        assert answer.status_code == 201
        assert answer.json().keys() == {"user", "expiresAt"}
        assert (await visitor.get("/api/auth/currentuser")).json()["currentUser"]["email"] == credentials[
            "email"
        ]
        out = await visitor.http.post("/api/auth/signout", headers={"X-CSRF": answer.headers["x-csrf"]})
        assert out.status_code == 204
        assert (await visitor.get("/api/auth/currentuser")).json()["currentUser"] is None
        again = await visitor.http.post(
            "/api/auth/signin", json=credentials, headers={"X-CSRF": out.headers["x-csrf"]}
        )
        assert (again.status_code, again.json().keys()) == (200, {"user", "expiresAt"})
        assert (await visitor.get("/orders")).status_code != 303

    async def test_a_wrong_password_changes_nothing(self, web: Web) -> None:
        visitor = web.visitor()
        await visitor.get("/signin")
        cookie = visitor.http.cookies["tix"]
        answer = await ask(
            visitor, "POST", "/api/auth/signin", {"email": "a@example.com", "password": "wrong"}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
        assert visitor.http.cookies["tix"] == cookie

    async def test_a_personal_token_can_be_made(self, seller: Visitor) -> None:
        made = await ask(seller, "POST", "/api/auth/tokens", {"name": "import", "scopes": ["tickets:write"]})
        assert made.status_code == 201
        assert made.json()["token"]
        listed = (await seller.get("/api/auth/tokens")).json()["items"]
        assert [token["name"] for token in listed] == ["import"]


class TestStreams:
    """Server-Sent Events come through as they are told."""

    async def test_a_change_is_told_at_once_and_resumed_after(self, web: Web, seller: Visitor) -> None:
        buyer = web.visitor()
        async with following(buyer, "/api/tickets/events") as (answer, events):
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["x-accel-buffering"] == "no"
            assert (await anext(events))["event"] == "ready"
            ticket = await seller.list_ticket()
            told = await anext(events)
            assert json.loads(told["data"])["id"] == ticket
        later = await seller.list_ticket()
        resumed = {"Last-Event-ID": told["id"]}
        async with following(buyer, "/api/tickets/events", headers=resumed) as (_, events):
            assert json.loads((await anext(events))["data"])["id"] == later

    async def test_who_hangs_up_frees_the_place(self, web: Web) -> None:
        places = web.platform.streams.places if web.platform.streams else None
        assert places is not None
        await until(lambda: not places.open, "nobody follows")
        async with following(web.visitor(), "/api/tickets/events") as (_, events):
            await anext(events)
            assert places.open == 1
        await until(lambda: not places.open, "the service knows that nobody follows any more")

    async def test_a_stream_of_ones_own_needs_the_cookie(self, web: Web, seller: Visitor) -> None:
        assert (await web.visitor().get("/api/tickets/events?userId=me")).status_code == 401
        async with following(seller, "/api/tickets/events?userId=me") as (answer, _):
            assert answer.status_code == 200

    async def test_streams_end_with_the_process(self, web: Web) -> None:
        async with AsyncExitStack() as outside:
            async with shop(web.platform) as short:
                http = await outside.enter_async_context(httpx.AsyncClient(base_url=short.url))
                _, events = await outside.enter_async_context(following(Visitor(http), "/api/tickets/events"))
                await anext(events)
                asked = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - asked < GRACE_SECONDS
            assert [event async for event in events] == []


@asynccontextmanager
async def following(
    visitor: Visitor, path: str, **more: Any
) -> AsyncIterator[tuple[httpx.Response, AsyncIterator[dict[str, str]]]]:
    """An open stream and its events."""
    async with visitor.http.stream("GET", path, **more) as answer:
        yield answer, _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[dict[str, str]]:
    rest = ""
    async for piece in answer.aiter_text():
        *blocks, rest = (rest + piece).split("\n\n")
        for block in blocks:
            event = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            if "event" in event:
                yield event


async def raw(web: Web, line: str, *, csrf: str = "", cookie: str = "") -> tuple[int, str]:
    """The status and the body of a request whose path no client may tidy up."""
    host, port = web.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (line, f"Host: {host}:{port}", f"X-CSRF: {csrf}", f"Cookie: tix={cookie}", "Content-Length: 0")
    writer.write("".join(f"{each}\r\n" for each in (*head, "Connection: close", "")).encode("latin-1"))
    answer = (await asyncio.wait_for(reader.read(), 20)).decode()
    writer.close()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]
