"""A browser without JavaScript: pages, links, and forms that are sent with what stands in them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urljoin
from uuid import uuid4

import httpx

PASSWORD = "a long phrase"
GOOD = {"expiry": "12 / 44", "cvc": "123"}
UNSEEN = frozenset({"script", "style", "noscript", "title"})


@dataclass
class HtmlForm:
    """A form as it stands in a page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""
    is_hidden: bool = False


class Read(HTMLParser):
    """What a page says, and its forms and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.links: dict[str, str] = {}
        """Text → address."""
        self.title = ""
        self.words: list[str] = []
        self._open: list[str] = []
        self._link: str | None = None
        self._select = ""
        self._hidden: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_hidden = "hidden" in given or bool(self._hidden)
            form = HtmlForm(given.get("action", ""), given.get("method", "get"), is_hidden=is_hidden)
            self.forms.append(form)
        elif tag == "input" and self.forms:
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and "selected" in given:
            self.forms[-1].fields[self._select] = given["value"]
        elif tag == "a":
            self._link = given.get("href")
        if tag not in {"input", "meta", "link", "br", "option", "use", "path", "rect", "circle", "stop"}:
            self._open.append(tag)
            if "hidden" in given or self._hidden:
                self._hidden.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self._open and self._open.pop() != tag:
            pass
        while tag in self._hidden and self._hidden.pop() != tag:
            pass
        if tag == "a":
            self._link = None

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if "title" in self._open:
            self.title += text
        if not text or self._hidden or UNSEEN & set(self._open):
            return
        self.words.append(text)
        if self._link is not None:
            self.links[text] = self._link
        if "button" in self._open and "form" in self._open:
            self.forms[-1].button = text


@dataclass
class Page:
    """An answer, as somebody sees it."""

    answer: httpx.Response

    def __post_init__(self) -> None:
        """Read it."""
        self.read = Read(self.answer.text)
        self.text = " ".join(self.read.words)

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self.answer.status_code

    @property
    def path(self) -> str:
        """Where it was found."""
        return self.answer.url.path

    @property
    def title(self) -> str:
        """In the tab."""
        return self.read.title

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
    """Somebody's; it keeps cookies and follows redirects, to Stripe's pages too."""

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
