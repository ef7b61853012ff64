"""The command tree as it is, and what each command is called with where a test calls all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from typer.main import get_command

from cli.main import app
from tests.cli.running import ID, MOMENT, Stub, order, payment, ticket

USER = {"id": ID, "email": "ada@example.com", "createdAt": MOMENT}
TOKEN = {"id": ID, "name": "x", "scopes": ["tickets:read"], "createdAt": MOMENT, "expiresAt": MOMENT}
CALLS: Mapping[str, Sequence[str]] = {
    "auth login": ["auth", "login", "--email", "ada@example.com", "--password-stdin"],
    "auth logout": ["auth", "logout"],
    "auth signup": ["auth", "signup", "--email", "ada@example.com", "--password-stdin"],
    "auth status": ["auth", "status"],
    "auth token create": ["auth", "token", "create", "--name", "x", "--scope", "tickets:read"],
    "auth token list": ["auth", "token", "list"],
    "auth token revoke": ["auth", "token", "revoke", ID, "--yes"],
    "buy": ["buy", ID, "--method", "pm_card_visa"],
    "config explain": ["config", "explain", "api_url"],
    "config get": ["config", "get", "profile"],
    "config list": ["config", "list"],
    "config path": ["config", "path"],
    "open": ["open", "tickets"],
    "orders cancel": ["orders", "cancel", ID, "--yes"],
    "orders create": ["orders", "create", ID],
    "orders extend": ["orders", "extend", ID],
    "orders list": ["orders", "list"],
    "orders refund": ["orders", "refund", ID, "--yes"],
    "orders show": ["orders", "show", ID],
    "pay": ["pay", ID, "--method", "pm_card_visa"],
    "reserve": ["reserve", ID],
    "tickets create": ["tickets", "create", "--title", "x", "--price", "1"],
    "tickets list": ["tickets", "list"],
    "tickets show": ["tickets", "show", ID],
    "tickets update": ["tickets", "update", ID, "--title", "x"],
    "tickets withdraw": ["tickets", "withdraw", ID, "--yes"],
}
"""One call of each command that prints a document `answer_all` can give; a new command adds its line here."""
OTHERS: Mapping[str, str] = {
    "api": "prints what the API says; tests/cli/test_api.py",
    "completion": "prints a script; tests/cli/test_completion.py",
    "config set": "prints nothing; tests/cli/test_settings.py",
    "demo": "tells a story; tests/e2e/test_demo.py",
    "doctor": "looks at databases; tests/cli/test_start.py, tests/doctor",
    "help": "prints prose",
    "orders watch": "follows a stream; tests/cli/test_printed.py, tests/cli/test_watch.py",
    "resume": "goes by a journal; tests/cli/test_printed.py, tests/cli/test_buying.py",
    "tickets export": "prints a file; tests/cli/test_listing_files.py",
    "tickets import": "reads a file; tests/cli/test_printed.py, tests/cli/test_import.py",
    "tickets template": "prints a file; tests/cli/test_listing_files.py",
    "tickets watch": "follows a stream; tests/cli/test_printed.py, tests/cli/test_watch.py",
    "tui": "draws; tests/tui",
    "up": "becomes the server; tests/e2e/test_up.py",
}
"""Why a command is not called."""


def commands() -> dict[str, tuple[Any, Any]]:
    """Every command that is no group, by its words: the command, and a context to ask its help with."""
    found: dict[str, tuple[Any, Any]] = {}
    root = get_command(app)
    _walk(root, root.make_context("tix", ["--"], resilient_parsing=True), found)
    return found


def _walk(group: Any, ctx: Any, found: dict[str, tuple[Any, Any]]) -> None:
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        below: Any = type(ctx)(command, info_name=name, parent=ctx)
        if hasattr(command, "list_commands"):
            _walk(command, below, found)
        else:
            found[below.command_path.partition(" ")[2]] = command, below


def answer_all(stub: Stub) -> None:
    """Answers to every call in `CALLS`."""
    stub.answer("GET /", 303)
    stub.headers["Location"] = "http://127.0.0.1:3000"
    session = {"user": USER, "token": "fresh-token", "expiresAt": MOMENT}
    stub.answer("POST /api/users/signin", 200, session)
    stub.answer("POST /api/users/signup", 201, session)
    stub.answer("GET /api/users/currentuser", 200, {"currentUser": USER, "token": None})
    stub.answer("POST /api/users/signout", 204)
    stub.answer("POST /api/users/tokens", 201, {**TOKEN, "token": "fresh-token"})
    stub.answer("GET /api/users/tokens", 200, {"items": [TOKEN], "nextCursor": None})
    stub.answer(f"DELETE /api/users/tokens/{ID}", 204)
    for noun, path, one in (("tickets", "/api/tickets", ticket()), ("orders", "/api/orders", order())):
        stub.answer(f"GET {path}", 200, {"items": [one], "nextCursor": None})
        stub.answer(f"POST {path}", 201, one)
        stub.answer(f"GET {path}/{ID}", 200, one)
        stub.answer(f"PUT {path}/{ID}", 200, one)
        stub.answer(f"DELETE {path}/{ID}", 204)
        for verb in ("extend", "refund"):
            stub.answer(f"POST /api/{noun}/{ID}/{verb}", 200, one)
    stub.answers[f"GET /api/orders/{ID}"] = [(200, order(status="complete"))]
    stub.answer("POST /api/payments", 201, payment())
    stub.answer(f"GET /api/payments/{ID}", 200, payment(status="captured"))
