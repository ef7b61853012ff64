"""HTML out: templates, what they may use, and the words for money, times and states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from jinja2 import Environment
from markupsafe import Markup
from sanic import HTTPResponse, Request

from client.money import shown, written
from client.watch import OVER
from server.kit.reference import pages_of
from server.web.assets import Asset
from server.web.sharing import event_of, in_short

TEMPLATES = Path(__file__).parent / "templates"
WORDS: Mapping[str, str] = {
    "available": "Available",
    "reserved": "Held",
    "sold": "Sold",
    "withdrawn": "Withdrawn",
    "created": "Held for you",
    "accepted": "Payment being taken",
    "complete": "Paid",
    "cancelled": "Given up",
    "expired": "Hold over",
    "rejected": "Not paid",
    "revoked": "Taken back",
    "refunded": "Refunded",
    "disputed": "In dispute",
    "charged_back": "Charged back",
}
"""What a status is called."""
SIGNS: Mapping[str, str] = {
    "available": "○",
    "reserved": "◐",
    "sold": "●",
    "withdrawn": "–",
    "created": "◐",
    "accepted": "◑",
    "complete": "✓",
    "cancelled": "–",
    "expired": "–",
    "rejected": "✗",
    "revoked": "←",
    "refunded": "←",
    "charged_back": "✗",
    "disputed": "!",
}
"""And its sign: a state is never told by its colour alone."""


def environment(assets: Mapping[str, Asset], *, reload: bool) -> Environment:
    """The shop's templates; `reload`: heed edits of them."""
    made = pages_of(TEMPLATES, reload=reload)
    made.filters.update(money=shown, amount=written, moment=moment, iso=iso)
    made.globals.update(
        asset={name: asset.address for name, asset in assets.items()},
        words=WORDS,
        ends_of_orders=OVER,
        signs=SIGNS,
        picture=picture,
        event_of=event_of,
        in_short=in_short,
        new_key=lambda: str(uuid4()),
    )
    return made


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTTPResponse:  # noqa: ANN401 - what the template names
    """A page for whoever asks."""
    text = request.app.ctx.templates.get_template(template).render(
        visitor=request.ctx.visitor,
        nonce=request.ctx.nonce,
        path=request.path,
        origin=origin(request),
        **{"problem": None, **context},
    )
    return HTTPResponse(text, status=status, content_type="text/html; charset=utf-8")


def origin(request: Request) -> str:
    """Where people reach the shop: as configured, or on one's own machine as it was asked for."""
    public: str | None = request.app.ctx.shop.public_url
    return public or f"{request.scheme}://{request.host}"


def see(address: str) -> HTTPResponse:
    """Done: look there. A reload sends nothing twice."""
    return HTTPResponse(status=303, headers={"Location": address})


def iso(at: datetime) -> str:
    """As machines read it: RFC 3339 UTC, seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(at: datetime) -> Markup:
    """A time for people, in UTC; the browser's script turns it into theirs."""
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        iso(at), f"{utc:%a} {utc.day} {utc:%b %Y, %H:%M}"
    )


@dataclass(frozen=True)
class Picture:
    """A ticket's picture, always the same one: two hues and a few discs (x, y, radius, hue)."""

    name: str
    turn: int
    hues: tuple[int, int]
    discs: Sequence[tuple[int, int, int, int]]


def picture(id_: object) -> Picture:
    """Drawn from the end of the id, which is random."""
    number = int(str(id_).replace("-", "")[-10:], 16)
    hue = 190 + number % 180  # from teal by violet to rose: no brown and no olive
    discs = [
        (
            40 + (number >> step) % 320,
            (number >> (step + 3)) % 200,
            30 + (number >> (step + 5)) % 70,
            hue - 30 + step * 6,
        )
        for step in range(0, 20, 5)
    ]
    return Picture(f"art{number}", number // 360 % 90, (hue, hue + 45), discs)
