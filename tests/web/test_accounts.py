"""Signing up, in and out by the pages, and the cookie that it is about."""

import base64
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests.waiting import until
from tests.web.conftest import Web, shop
from tests.web.visiting import PASSWORD, Visitor, html, title

NOBODY = "nobody@example.com"


def links(answer: httpx.Response) -> list[str]:
    """The fields that the summary of a page leads to."""
    return [link["href"] for link in html(answer).all("a") if link["href"].startswith("#")][1:]


async def test_a_changed_secret_signs_nobody_out_while_both_are_known(web: Web) -> None:
    """WEB_SECRET: a cookie of before is read, and not by those who know the new one alone."""
    old = web.app.ctx.shop.secret
    visitor = await web.visitor().sign_up()
    [cookie] = visitor.http.cookies.jar
    for changed, is_known in (({"web_secret_previous": old}, True), ({}, False)):
        async with shop(web.platform, web_secret="the next secret of the web, " * 2, **changed) as next_web:
            later = next_web.visitor(cookies={cookie.name: cookie.value or ""})
            answer = await later.get("/orders")
            assert (answer.status_code == 200) is is_known, answer.status_code


class TestSignUp:
    """A new account."""

    async def test_one_is_signed_in_and_led_on(self, web: Web) -> None:
        visitor = web.visitor()
        email = "New@Example.com"
        answer = await visitor.post("/signup", "/signup?next=/sell", email=email, password=PASSWORD)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sell")
        assert "new@example.com" in html(await visitor.get("/sell")).text

    async def test_an_address_that_is_taken_is_said_and_kept(self, web: Web, seller: Visitor) -> None:
        answer = await web.visitor().post("/signup", "/signup", email=seller.email, password=PASSWORD)
        assert answer.status_code == 422
        assert title(answer).startswith("Error: ")
        assert "There is an account with this e-mail address. Sign in instead." in html(answer).text
        assert html(answer).all("input", id="email")[0]["value"] == seller.email

    async def test_w11_every_wrong_field_is_linked_from_the_summary(self, web: Web) -> None:
        answer = await web.visitor().post("/signup", "/signup", email="nobody", password="short")
        assert answer.status_code == 422
        assert title(answer).startswith("Error: ")
        page = html(answer)
        assert "There is a problem" in page.text
        assert links(answer) == ["#email", "#password"]
        assert page.text.count("Enter an e-mail address, like name@example.com.") == 2
        assert page.text.count("Make the password at least 8 characters long.") == 2
        for name in ("email", "password"):
            [field] = page.all("input", id=name)
            assert field["aria-invalid"] == "true"
            assert page.all("p", id=field["aria-describedby"].split()[-1])

    async def test_a_password_is_never_shown_again(self, web: Web) -> None:
        for path in ("/signup", "/signin"):
            answer = await web.visitor().post(path, path, email="nobody", password="hunter2hunter2")
            assert answer.status_code == 422
            assert "hunter2hunter2" not in answer.text

    @pytest.mark.parametrize("name", ["email", "password"])
    async def test_w20_password_managers_find_their_fields(self, web: Web, name: str) -> None:
        for path, tokens in (
            ("/signin", {"email": "username", "password": "current-password"}),
            ("/signup", {"email": "username", "password": "new-password"}),
        ):
            [field] = html(await web.visitor().get(path)).all("input", id=name)
            assert field["autocomplete"] == tokens[name]


class TestSignIn:
    """An account that is there."""

    async def test_w20_a_wrong_password_and_an_unknown_address_read_the_same(
        self, web: Web, seller: Visitor
    ) -> None:
        for email in (seller.email, NOBODY):
            answer = await web.visitor().post("/signin", "/signin", email=email, password="not this one")
            assert answer.status_code == 422
            assert title(answer).startswith("Error: ")
            assert "No account has this e-mail address and password. Check both." in html(answer).text
            assert html(answer).all("input", id="email")[0]["value"] == email
            assert links(answer) == ["#email"]

    async def test_nothing_typed_is_told(self, web: Web) -> None:
        answer = await web.visitor().post("/signin", "/signin")
        assert answer.status_code == 422
        assert "Enter your e-mail address and your password." in html(answer).text

    @pytest.mark.parametrize(
        "next_",
        [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/%0d%0aX: y\r\nSet-Cookie: a=b",
            "evil.example",
            " /sell",
            "/é",
        ],
    )
    async def test_one_is_not_led_elsewhere(self, web: Web, seller: Visitor, next_: str) -> None:
        visitor = web.visitor()
        page = await visitor.get("/signin", params={"next": next_})
        answer = await visitor.send(page, "/signin", email=seller.email, password=PASSWORD, next=next_)
        assert (answer.status_code, answer.headers["location"]) == (303, "/tickets")
        assert "a" not in visitor.http.cookies

    async def test_one_is_led_back_with_the_query(self, web: Web, seller: Visitor) -> None:
        answer = await web.visitor().post(
            "/signin", "/signin?next=/sell%3Fstatus%3Dsold", email=seller.email, password=PASSWORD
        )
        assert answer.headers["location"] == "/sell?status=sold"

    async def test_a_reload_of_what_follows_sends_nothing(self, web: Web, seller: Visitor) -> None:
        visitor = web.visitor()
        visitor.http.follow_redirects = True
        shown = await visitor.post("/signin", "/signin?next=/sell", email=seller.email, password=PASSWORD)
        cookie = visitor.http.cookies["tix"]
        again = await visitor.http.send(
            shown.request
        )  # as a browser reloads: the request that the page came by
        assert (again.request.method, again.request.content) == ("GET", b"")
        assert (again.status_code, title(again)) == (200, title(shown))
        assert seller.email in html(again).text
        assert visitor.http.cookies["tix"] == cookie


class TestCookie:
    """What keeps somebody signed in."""

    async def test_w14_scripts_and_other_sites_do_not_get_it(self, web: Web) -> None:
        cookie = _set_cookie(await web.visitor().get("/signin"))["tix"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert not cookie["secure"]

    async def test_w14_on_https_it_is_bound_to_the_host(self, web: Web) -> None:
        async with shop(web.platform, public_url="https://tix.example") as secure:
            answer = await secure.visitor().get("/signin")
        cookie = _set_cookie(answer)["__Host-tix"]
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"]) == ("/", "")

    async def test_w14_it_is_another_after_signing_in(self, web: Web, seller: Visitor) -> None:
        visitor = web.visitor()
        page = await visitor.get("/signin")
        before, csrf = visitor.http.cookies["tix"], html(page).all("input", name="csrf")[0]["value"]
        await visitor.send(page, "/signin", email=seller.email, password=PASSWORD)
        assert visitor.http.cookies["tix"] != before
        old = await visitor.http.post("/sell/new", data={"csrf": csrf, "title": "T", "price": "1"})
        assert old.status_code == 403
        kept = web.visitor(cookies={"tix": before})
        assert (await kept.get("/sell")).status_code == 303

    async def test_it_tells_nothing(self, web: Web, seller: Visitor) -> None:
        credentials = {"email": seller.email, "password": PASSWORD}
        session = (await web.platform.http.post("/api/users/signin", json=credentials)).json()
        begins = session["token"].partition(".")[0]  # the same for each: too long to be there by chance
        assert len(begins) > 20
        cookie = seller.http.cookies["tix"]
        for text in (cookie.encode(), base64.urlsafe_b64decode(cookie)):
            assert seller.email.encode() not in text
            assert begins.encode() not in text

    async def test_w14_after_signing_out_its_copy_is_useless_everywhere(
        self, web: Web, seller: Visitor
    ) -> None:
        thief = web.visitor(cookies=dict(seller.http.cookies))
        assert (await thief.get("/api/orders")).status_code == 200
        answer = await seller.post("/signout", "/help")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "Sign in" in html(await seller.get("/")).text

        csrf = {"X-CSRF": await thief.csrf()}

        async def refused() -> bool:
            answers = [
                await thief.get("/api/auth/tokens"),
                await thief.http.post("/api/tickets", json={"title": "T", "price": 1}, headers=csrf),
                await thief.get("/api/orders"),
                await thief.get("/api/payments?orderId=01a20e47-8f05-70d3-a7bd-616067590e9d"),
            ]
            return {answer.status_code for answer in answers} == {401}

        await until(refused, "every service refuses the token")

    @pytest.mark.parametrize("change", ["cut", "flip", "junk", "é", "empty"])
    async def test_one_that_was_tampered_with_is_a_strangers(
        self, web: Web, seller: Visitor, change: str
    ) -> None:
        cookie = seller.http.cookies["tix"]
        spoilt = {
            "cut": cookie[:-4],
            "flip": cookie[:40] + ("A" if cookie[40] != "A" else "B") + cookie[41:],
            "junk": "gAAAAA",
            "é": "é",
            "empty": "",
        }[change]
        headers: Any = [(b"cookie", b"tix=" + spoilt.encode())]
        stranger = web.visitor()
        answer = await stranger.get("/", headers=headers)
        assert answer.status_code == 200
        assert "Create account" in html(answer).text
        assert (await stranger.get("/sell", headers=headers)).status_code == 303

    async def test_one_sealed_with_another_secret_is_a_strangers(self, web: Web, seller: Visitor) -> None:
        async with shop(web.platform, web_secret="another secret of thirty-two characters") as other:
            visitor = other.visitor(cookies=dict(seller.http.cookies))
            assert (await visitor.get("/sell")).status_code == 303


def _set_cookie(answer: httpx.Response) -> Any:
    return SimpleCookie(answer.headers["set-cookie"])
