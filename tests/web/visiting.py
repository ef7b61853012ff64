"""Browsers without a script: they keep cookies, read pages, and send forms with what stands in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urljoin
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery"
GOOD = {"expiry": "12 / 44", "cvc": "123"}
UNSEEN = frozenset({"script", "style", "noscript", "title"})
VOID = frozenset({"input", "meta", "link", "br", "use", "path", "rect", "circle", "stop"})


@dataclass
class HtmlForm:
    """A form as it stands in a page."""

    action: str
    method: str
    is_hidden: bool
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


class Html(HTMLParser):
    """What a page says, and its forms, links, and elements by tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.links: dict[str, str] = {}
        """Text → address."""
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.title = ""
        self.words: list[str] = []
        self._open: list[str] = []
        self._hidden: list[str] = []
        self._link = ""
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag not in VOID and tag != "option":
            self._open.append(tag)
            if "hidden" in given or self._hidden:
                self._hidden.append(tag)
        if tag == "form":
            method = given.get("method", "get")
            self.forms.append(HtmlForm(given.get("action", ""), method, is_hidden=bool(self._hidden)))
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "a":
            self._link = given.get("href", "")
        elif "form" in self._open:
            self._hold(tag, given)

    def _hold(self, tag: str, given: dict[str, str]) -> None:
        fields = self.forms[-1].fields
        if tag == "option" and ("selected" in given or self._select not in fields):
            fields[self._select] = given.get("value", "")
        elif tag == "input" and given.get("name"):
            fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        for stack in (self._open, self._hidden):
            while tag in stack and stack.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if "title" in self._open:
            self.title += text
        if not text or self._hidden or UNSEEN & set(self._open):
            return
        self.words.append(text)
        if "a" in self._open:
            self.links[text] = self._link
        if "button" in self._open and "form" in self._open:
            self.forms[-1].button = text

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """The attributes of every such element."""
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and all(attrs.get(key.replace("_", "-")) == text for key, text in wanted.items())
        ]

    @property
    def text(self) -> str:
        """What a reader reads."""
        return " ".join(self.words)


def html(answer: httpx.Response) -> Html:
    """The page in an answer."""
    return Html(answer.text)


def title(answer: httpx.Response) -> str:
    """The title of a page."""
    return html(answer).title


@dataclass
class Visitor:
    """Somebody who looks at each answer as it comes: no redirect is followed."""

    http: httpx.AsyncClient
    email: str = ""

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """A page."""
        return await self.http.get(path, **more)

    async def send(self, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
        """Send the page's form of this action, hidden fields included, with what is typed."""
        form = next((form for form in html(page).forms if form.action == action), None)
        assert form is not None, f"no form to {action} on {page.url}: {[f.action for f in html(page).forms]}"
        return await self.http.post(action, data={**form.fields, **typed})

    async def post(self, path: str, at: str, **typed: str) -> httpx.Response:
        """Open a page and send its form to `path`."""
        return await self.send(await self.get(at), path, **typed)

    async def sign_up(self) -> Self:
        """With a fresh account."""
        self.email = f"{uuid4().hex[:12]}@example.com"
        answer = await self.post("/signup", "/signup", email=self.email, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        return self

    async def csrf(self) -> str:
        """The token that a script of ours would read from the page."""
        return html(await self.get("/signup")).all("input", name="csrf")[0]["value"]

    async def list_ticket(self, **typed: str) -> str:
        """List a ticket by the form; its id."""
        fields = {"title": "Front row", "price": "45.00", **typed}
        answer = await self.post("/sell/new", "/sell/new", **fields)
        assert answer.status_code == 303, answer.text
        page = html(await self.get("/sell"))
        return page.all("li", **{"class": "line"})[0]["data-ticket"]


@dataclass
class Page:
    """An answer, as somebody sees it."""

    answer: httpx.Response

    def __post_init__(self) -> None:
        """Read it."""
        self.read = html(self.answer)
        self.text, self.title = self.read.text, self.read.title
        self.status, self.path = self.answer.status_code, self.answer.url.path

    def form(self, action: str) -> HtmlForm:
        """The form that leads there."""
        found = [form for form in self.read.forms if form.action == action and not form.is_hidden]
        assert len(found) == 1, (
            f"{len(found)} forms lead to {action} in {self.path} {self.status}: {self.text}"
        )
        return found[0]

    @property
    def buttons(self) -> list[str]:
        """What can be pressed in it, but signing out and what only a script shows."""
        forms = [form for form in self.read.forms if form.action != "/signout" and not form.is_hidden]
        return [form.button for form in forms]


class Browser:
    """Somebody's; it follows redirects, to Stripe's pages too."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.email = f"{uuid4().hex[:12]}@example.com"

    async def open(self, address: str) -> Page:
        """Type an address."""
        return Page(await self.http.get(address))

    async def click(self, page: Page, text: str) -> Page:
        """Follow a link."""
        return await self.open(urljoin(str(page.answer.url), page.read.links[text]))

    async def send(self, page: Page, action: str, **typed: str) -> Page:
        """Send the form that leads there, with its hidden fields and what was typed."""
        form = page.form(action)
        address = urljoin(str(page.answer.url), action)
        values = {**form.fields, **typed}
        if form.method == "get":
            return Page(await self.http.get(address, params=values))
        origin = str(page.answer.url.copy_with(raw_path=b"")).rstrip("/")
        headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
        return Page(await self.http.post(address, data=values, headers=headers))

    async def pay(self, page: Page, number: str) -> Page:
        """Type a card into Stripe's page, which this must be."""
        assert page.path.startswith("/c/pay/"), f"this is {page.path}: {page.text}"
        return await self.send(page, "", number=number, **GOOD)

    async def sign_up(self) -> Self:
        """Make an account."""
        form = await self.open("/signup")
        page = await self.send(form, "/signup", email=self.email, password=PASSWORD)
        assert page.status == 200, page.text
        return self

    async def reserve(self, ticket_id: str) -> Page:
        """Hold a ticket; its order's page."""
        page = await self.open(f"/tickets/{ticket_id}")
        return await self.send(page, f"/tickets/{ticket_id}/reserve")


@asynccontextmanager
async def browser(address: str) -> AsyncIterator[Browser]:
    """A new one, on the shop at this address."""
    async with httpx.AsyncClient(
        base_url=address, follow_redirects=True, timeout=30, trust_env=False
    ) as http:
        yield Browser(http)
