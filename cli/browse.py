"""`tix open`: a page of the web shop, in the browser or as its address."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import completion
from cli.errors import NOT_FOUND, USAGE, Refused
from cli.run import Run
from cli.windows import show

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES = "tix open\ntix open orders\ntix open --ticket TICKET\ntix open --pay ORDER"
PAGES: Mapping[str, str] = {
    "home": "/",
    "tickets": "/tickets",
    "orders": "/orders",
    "sell": "/sell",
    "ticket": "/tickets/{id}",
    "order": "/orders/{id}",
    "pay": "/orders/{id}/payment",
}


def open_page(
    ctx: typer.Context,
    page: Annotated[
        Literal["home", "tickets", "orders", "sell"],
        typer.Argument(metavar="PAGE", help="home, tickets, orders or sell."),
    ] = "home",
    *,
    ticket: Annotated[
        str | None,
        typer.Option("--ticket", metavar="ID", autocompletion=completion.tickets, help="A ticket's page."),
    ] = None,
    order: Annotated[
        str | None,
        typer.Option("--order", metavar="ID", autocompletion=completion.orders, help="An order's page."),
    ] = None,
    pay: Annotated[
        str | None,
        typer.Option("--pay", metavar="ID", autocompletion=completion.orders, help="Where it is paid."),
    ] = None,
) -> None:
    """Open a page of the web shop; prints its address, and from a terminal shows it in the browser."""
    from cli.schemas import PageAddress  # noqa: PLC0415 - pydantic models cost 60 ms

    named = {name: id_ for name, id_ in (("ticket", ticket), ("order", order), ("pay", pay)) if id_}
    run = Run(ctx, **{"ticket" if name == "ticket" else "order": id_ for name, id_ in named.items()})
    if len(named) + (page != "home") > 1:
        raise Refused("Name one page.", code="usage", exit_code=USAGE, hint="tix open --help")
    chosen, id_ = next(iter(named.items()), (page, ""))
    shop = run.ask(lambda tix: tix.find_shop(), signed_in=False)
    if shop is None:
        raise Refused(
            f"{run.target.api_url} names no web shop.", code="no_web_shop", exit_code=NOT_FOUND, hint="tix up"
        )
    path = PAGES[chosen].format(id=id_.lower())
    address = PageAddress.model_validate({"page": chosen, "url": shop.rstrip("/") + path})
    if run.out.is_chosen:
        run.out.one(address, lambda: address.url)
    else:
        run.out.write(address.url)
    if sys.stdout.isatty() and not show(address.url):
        run.out.say("There is no browser to open here; this is its address.")
