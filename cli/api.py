"""`tix api`: any call of the HTTP API, as the other commands make it."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl, urlsplit

import typer

from cli.errors import USAGE, Refused
from cli.output import harmless
from cli.run import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client import Tix
    from client.http import Answered

EXAMPLES = """\
tix api '/api/tickets?limit=5'
tix api /api/tickets -f status=available -f limit=100 --paginate --jq .id
tix api /api/tickets -f title='Front row' -F price=4500
echo '{"ticketId": "TICKET"}' | tix api /api/orders --input -
tix api /readyz -i"""


def api(  # noqa: PLR0913 - what a request is made of
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", show_default=False, help="Like /api/tickets.")],
    *,
    method: Annotated[
        str | None,
        typer.Option("--method", "-X", metavar="METHOD", help="GET; POST where -f, -F or --input is given."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option("--field", "-f", metavar="NAME=TEXT", help="A member of the body, or of GET's query."),
    ] = None,
    typed: Annotated[
        list[str] | None,
        typer.Option("--typed-field", "-F", metavar="NAME=JSON", help="The same: a number, true, null, …"),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header of its own.")
    ] = None,
    body_from: Annotated[
        str | None, typer.Option("--input", metavar="FILE", help="The body as it stands; - is stdin.")
    ] = None,
    paginate: Annotated[
        bool, typer.Option("--paginate", help="Follow nextCursor; the items of all pages, one a line.")
    ] = False,
    include: Annotated[bool, typer.Option("--include", "-i", help="Status and headers first.")] = False,
) -> None:
    """Call the HTTP API with your sign-in; a POST carries an Idempotency-Key, so that it can be repeated.

    Retries, exit codes and errors are those of every command.
    """
    run = Run(ctx)
    if run.options.output not in {None, "json"}:
        raise _usage("What the API says is JSON: choose from it with --jq.")
    members = {**_pairs(text, "="), **{name: _value(it) for name, it in _pairs(typed, "=").items()}}
    if body_from is not None and members:
        raise _usage("--input is the whole body: it goes without -f and -F.")
    has_body = body_from is not None or bool(members)
    method = (method or ("POST" if has_body and not paginate else "GET")).upper()
    if paginate and method != "GET":
        raise _usage("--paginate goes with GET.")
    where, query = _place(path)
    content = _body(body_from) if body_from is not None else None
    if method == "GET":
        query |= members
    elif members:
        content = json.dumps(members).encode()
    headers, key = _headers(header), run.options.idempotency_key

    async def call(tix: Tix) -> None:
        while True:
            answer = await tix.request(method, where, query=query, content=content, headers=headers, key=key)
            if include:
                _head(run, answer)
            page = _show(run, answer, items_only=paginate)
            if not page.get("nextCursor"):
                return
            query["cursor"] = page["nextCursor"]

    run.ask(call, signed_in=run.target.token is not None)


def _place(path: str) -> tuple[str, dict[str, Any]]:
    """The path and its query; elsewhere than at the API the token of this Tix would be sent to others."""
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        raise _usage(f"PATH is a path at the API, like /api/tickets, not {path!r}.")
    return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))


def _headers(given: Sequence[str] | None) -> dict[str, str]:
    headers = _pairs(given, ":")
    if any(name.lower() == "authorization" for name in headers):
        raise _usage("A token is not typed: put it in TIX_TOKEN, or sign in.")
    return headers


def _show(run: Run, answer: Answered, *, items_only: bool) -> Mapping[str, Any]:
    """Write what came; returns the page that it is with `items_only`. Raises Refused."""
    if not answer.content:
        return {}
    try:
        document = json.loads(answer.content)
    except ValueError:
        if run.out.is_terminal:
            run.out.write("\n".join(map(harmless, answer.text.split("\n"))))
        else:
            run.out.write(answer.text.removesuffix("\n"))
        return {}
    if not items_only:
        run.out.document(document)
        return {}
    if not isinstance(document, dict) or "items" not in document:
        raise _usage("--paginate: this is not a list.")
    for item in document["items"]:
        run.out.document(item)
    return document


def _head(run: Run, answer: Answered) -> None:
    run.out.write(harmless(f"{answer.http_version} {answer.status_code} {answer.reason_phrase}"))
    for name, value in answer.headers.items():
        run.out.write(harmless(f"{name}: {value}"))
    run.out.write()


def _pairs(given: Sequence[str] | None, sign: str) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for word in given or ():
        name, found, value = word.partition(sign)
        if not found or not name.strip():
            raise _usage(f"{word!r} is not of the form NAME{sign}VALUE.")
        pairs[name.strip()] = value.strip() if sign == ":" else value
    return pairs


def _value(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except ValueError as error:
        raise _usage(f"-F takes JSON, which {text!r} is not; for text: -f.") from error


def _body(name: str) -> bytes:
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8") as file:
            return file.read().encode()
    except (OSError, ValueError) as error:
        raise _usage(f"{name} cannot be read: {error}") from error


def _usage(detail: str) -> Refused:
    return Refused(detail, code="usage", exit_code=USAGE, hint="tix api --help")
