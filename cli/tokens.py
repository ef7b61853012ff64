"""`tix auth token`: personal tokens for scripts, each with a few scopes and an end."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Verb, noun
from cli.output import Column, facts, local_time
from cli.run import Run, checked, given
from cli.tickets import PAGE, Cursor, Limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.auth.schemas import CreatedToken, TokenOut

app = noun("Personal tokens: what a script uses instead of your password.")


class Scope(StrEnum):
    """The contract's; said again, since the schemas cost 60 ms. Typer takes no list of a Literal."""

    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PAYMENTS_WRITE = "payments:write"


@app.command(
    cls=Verb,
    epilog="tix auth token create --name import --scope tickets:read --scope tickets:write\n"
    "tix auth token create --name report --scope orders:read --expires-days 7 --json",
)
def create(
    ctx: typer.Context,
    *,
    name: Annotated[
        str, typer.Option("--name", metavar="TEXT", help="What it is for; up to 100 characters.")
    ],
    scope: Annotated[
        list[Scope],
        typer.Option("--scope", metavar="SCOPE", help=f"What it may do, one each: {', '.join(Scope)}."),
    ],
    expires_days: Annotated[
        int | None,
        typer.Option("--expires-days", min=1, max=365, metavar="N", help="How long it works (90)."),
    ] = None,
) -> None:
    """Make a personal token and print it, this once.

    A script takes it from TIX_TOKEN, or once and for all from stdin: tix auth login --with-token.
    """
    from server.auth.schemas import NewToken  # noqa: PLC0415 - pydantic models cost 60 ms

    run = Run(ctx)
    wanted = checked(NewToken, given(name=name, scopes=[*map(str, scope)], expires_in_days=expires_days))
    made = run.ask(lambda tix: tix.create_token(wanted))
    run.out.say("This is the only time the token is shown.")
    run.out.one(made, lambda: _facts(made))


@app.command(name="list", cls=Verb, epilog="tix auth token list\ntix auth token list --json")
def list_tokens(ctx: typer.Context, *, limit: Limit = PAGE, cursor: Cursor = None) -> None:
    """List your personal tokens that work, newest first; never the tokens themselves.

    Piped, a line is: id, name, scopes, createdAt, expiresAt; tab-separated.
    """
    from server.auth.schemas import TokenQuery  # noqa: PLC0415 - pydantic models cost 60 ms

    run = Run(ctx)
    query = checked(TokenQuery, given(limit=limit, cursor=cursor))
    page = run.ask(lambda tix: tix.list_tokens(query))
    more = run.again("auth token list", limit=limit if limit != PAGE else None)
    run.out.page(page, _columns(), none="You have no personal tokens.", more=more)


@app.command(cls=Verb, epilog="tix auth token revoke ID\ntix auth token revoke ID --yes")
def revoke(
    ctx: typer.Context,
    id_: Annotated[
        str, typer.Argument(metavar="ID", show_default=False, help="The token's id, from the list.")
    ],
) -> None:
    """End a personal token: within two seconds no part of Tix takes it any more."""
    from cli.schemas import TokenRevoked  # noqa: PLC0415 - pydantic models cost 60 ms

    run = Run(ctx, token=id_)
    run.confirm(f"Revoke the token {id_}? Whatever uses it stops working.")
    run.ask(lambda tix: tix.revoke_token(id_))
    run.out.one(TokenRevoked(id=id_), lambda: "Revoked.")


def _facts(token: "CreatedToken") -> str:
    return facts(
        ("token", token.token),
        ("id", str(token.id)),
        ("name", token.name),
        ("scopes", " ".join(token.scopes)),
        ("until", local_time(token.expires_at)),
    )


def _columns() -> "Sequence[Column[TokenOut]]":
    from server.kit.schemas import rfc3339  # noqa: PLC0415 - pydantic models cost 60 ms

    return [
        Column("id", lambda token: str(token.id), lambda token: str(token.id)),
        Column("name", lambda token: token.name, lambda token: token.name, shrinks=True),
        Column(
            "scopes",
            lambda token: " ".join(token.scopes),
            lambda token: " ".join(token.scopes),
            shrinks=True,
        ),
        Column("created", lambda token: rfc3339(token.created_at), None),
        Column("until", lambda token: rfc3339(token.expires_at), lambda token: local_time(token.expires_at)),
    ]
