"""A browser without a script: it keeps cookies, reads forms, and sends them as they stand."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import httpx

PASSWORD = "correct horse battery"
VOID = {"input", "meta", "link", "br"}


@dataclass
class HtmlForm:
    """A form of a page."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class Html(HTMLParser):
    """What a test asks of a page: forms, labels, elements by tag, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[HtmlForm] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append(HtmlForm(given.get("action", "")))
        elif tag == "select":
            self._select = given.get("name", "")
        elif (
            tag == "option"
            and self.forms
            and ("selected" in given or self._select not in self.forms[-1].values)
        ):
            self.forms[-1].values[self._select] = given.get("value", "")
        elif tag == "input" and "form" in self._open and given.get("name"):
            self.forms[-1].values[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "script" in self._open or not data.strip():
            return
        self.words.append(data.strip())
        if "button" in self._open and self.forms:
            self.forms[-1].buttons.append(data.strip())

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
    found = re.search(r"<title>(.*?)</title>", answer.text, re.DOTALL)
    return found[1] if found else ""


@dataclass
class Visitor:
    """Somebody with a browser of their own."""

    http: httpx.AsyncClient
    email: str = ""

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """A page, no redirects followed."""
        return await self.http.get(path, **more)

    async def send(self, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
        """Send the page's form of this action, hidden fields included, with what is typed."""
        form = next((form for form in html(page).forms if form.action == action), None)
        assert form is not None, f"no form to {action} on {page.url}: {[f.action for f in html(page).forms]}"
        return await self.http.post(action, data={**form.values, **typed})

    async def post(self, path: str, at: str, **typed: str) -> httpx.Response:
        """Open a page and send its form to `path`."""
        return await self.send(await self.get(at), path, **typed)

    async def sign_up(self) -> "Visitor":
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
