"""What the sandbox's pages look like: plain, readable on a phone, light or dark, no script."""

from html import escape
from pathlib import Path

from sanic import HTTPResponse, html

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "Referrer-Policy": "same-origin",
}

STYLE = (Path(__file__).parent / "static" / "page.css").read_text()

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style>
<main class="{width}"><h1>{title}</h1>{body}</main></html>
"""

NO_MINOR_UNITS = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()  # noqa: SIM905 - one per word
)
"""Currencies that Stripe counts in whole ones: https://docs.stripe.com/currencies; UGX is not among them."""


def page(title: str, body: str, *, status: int = 200, wide: bool = False) -> HTTPResponse:
    """A page; `body` is HTML, the title is not."""
    text = PAGE.format(title=escape(title), body=body, style=STYLE, width="" if wide else "narrow")
    return html(text, status=status, headers=HEADERS)


def money(amount: int, currency: str) -> str:
    """An amount in minor units as people read it."""
    if currency in NO_MINOR_UNITS:
        return f"{amount:,} {currency.upper()}"
    return f"{amount // 100:,}.{amount % 100:02} {currency.upper()}"
