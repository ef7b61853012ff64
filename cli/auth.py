"""`tix auth`: who you are, and how this machine remembers it."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli import tokens
from cli.credentials import SignIn
from cli.errors import AUTH, USAGE, Refused
from cli.options import Verb, noun
from cli.output import facts
from cli.run import Run, checked

if TYPE_CHECKING:
    from client import Tix
    from server.auth.schemas import CurrentUser, UserOut

app = noun("Sign up, in and out; personal tokens for scripts.")
app.add_typer(tokens.app, name="token")
ENVIRONMENT = "TIX_TOKEN"

Email = Annotated[
    str | None, typer.Option("--email", metavar="ADDRESS", help="Your e-mail address; asked for if absent.")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]


@app.command(
    cls=Verb,
    epilog="tix auth signup --email you@example.com\n"
    "tix auth signup --email you@example.com --password-stdin < password.txt",
)
def signup(ctx: typer.Context, email: Email = None, *, password_stdin: PasswordStdin = False) -> None:
    """Create an account and sign in to it."""
    _enter(Run(ctx), email, is_new=True, password_stdin=password_stdin)


@app.command(
    cls=Verb,
    epilog="tix auth login --email you@example.com\n"
    "tix auth login --email you@example.com --password-stdin < password.txt\n"
    "tix auth login --with-token < token.txt\n"
    "tix auth login --profile seller --api-url https://tix.example.com",
)
def login(
    ctx: typer.Context,
    email: Email = None,
    *,
    password_stdin: PasswordStdin = False,
    with_token: Annotated[
        bool, typer.Option("--with-token", help="Read a token from stdin instead.")
    ] = False,
) -> None:
    """Sign in; the token is kept in the keyring, or else in a file that only you can read."""
    run = Run(ctx)
    if not with_token:
        _enter(run, email, is_new=False, password_stdin=password_stdin)
    elif email or password_stdin:
        raise Refused("--with-token stands alone: a token says whose it is.", code="usage", exit_code=USAGE)
    else:
        _keep_token(run, _line_from_stdin("a token"))


@app.command(cls=Verb, epilog="tix auth logout\ntix auth logout --profile seller")
def logout(ctx: typer.Context) -> None:
    """End the token that is in use, everywhere, and forget it here."""
    from cli.schemas import SignedOut  # noqa: PLC0415 - pydantic models cost 60 ms
    from client import Unauthenticated  # noqa: PLC0415 - httpx, which --help can do without

    run = Run(ctx)
    try:
        run.ask(lambda tix: tix.sign_out())
    except Unauthenticated:
        run.out.say("The token was no longer valid.")
    target = run.target
    if target.token_from == ENVIRONMENT:
        run.out.say("The environment still has the token: unset TIX_TOKEN")
    else:
        run.config.credentials.forget(target.profile)
    ended = SignedOut(api_url=target.api_url, profile=target.profile, source=target.token_from)
    run.out.one(ended, lambda: f"Signed out of {ended.api_url}.")


@app.command(cls=Verb, epilog="tix auth status\ntix auth status --json")
def status(ctx: typer.Context) -> None:
    """Say where you are signed in, as whom, until when, and what the token may do; exit 4 if you are not."""
    run = Run(ctx)
    told, target = run.ask(lambda tix: tix.identify()), run.target
    _show(run, told, target.signed_in if target.token_from != ENVIRONMENT else None)


def _enter(run: Run, email: str | None, *, is_new: bool, password_stdin: bool) -> None:
    run.config.check_named(run.target, again="tix auth login")
    address = email or run.question("E-mail", instead="--email")
    password = _line_from_stdin("a password") if password_stdin else _ask_password(run, twice=is_new)
    if is_new:
        from server.auth.schemas import Credentials  # noqa: PLC0415 - pydantic models cost 60 ms

        checked(Credentials, {"email": address, "password": password})

    async def enter(tix: "Tix") -> "tuple[SignIn, CurrentUser]":
        session = await (tix.sign_up if is_new else tix.sign_in)(address, password)
        expires_at = session.model_dump(mode="json", by_alias=True)["expiresAt"]
        kept = _keep(run, session.user, session.token, expires_at)  # whatever becomes of the next question
        return kept, await tix.identify()

    kept, told = run.ask(enter, signed_in=False)
    _show(run, told, kept)


def _keep_token(run: Run, token: str) -> None:
    run.config.check_named(run.target, again="tix auth login")

    async def whose(tix: "Tix") -> "CurrentUser":
        tix.token = token
        return await tix.identify()

    told = run.ask(whose, signed_in=False)
    user = told.current_user
    if user is None:
        raise Refused("The token speaks for nobody.", code="unauthenticated", exit_code=AUTH)
    _show(run, told, _keep(run, user, token, _until(told)))


def _until(told: "CurrentUser") -> str | None:
    """When the token ends, as it is stored and shown."""
    return told.model_dump(mode="json", by_alias=True)["token"]["expiresAt"] if told.token else None


def _keep(run: Run, user: "UserOut", token: str, expires_at: str | None) -> SignIn:
    target = run.target
    sign_in = SignIn(target.api_url, token, user.email, expires_at)
    kept = run.config.credentials.keep(target.profile, sign_in, warn=run.out.say)
    run.out.say(f"Signed in at {target.api_url} as {user.email}.")
    if target.token_from == ENVIRONMENT:
        run.out.say("TIX_TOKEN is set and goes first: unset TIX_TOKEN")
    return kept


def _show(run: Run, told: "CurrentUser", kept: SignIn | None) -> None:
    """Who one is, where, until when, and what the token may do; not `kept` it is the environment's."""
    from cli.schemas import AuthStatus  # noqa: PLC0415 - pydantic models cost 60 ms

    user, token, target = told.current_user, told.token, run.target
    if user is None:
        raise run.signed_out()
    known = AuthStatus(
        email=user.email,
        user_id=str(user.id),
        api_url=target.api_url,
        profile=target.profile,
        expires_at=_until(told),
        scopes=token.scopes if token else [],
        token_id=str(token.id) if token else None,
        source=f"profile {target.profile}" if kept else ENVIRONMENT,
        storage=kept.storage if kept else "environment",
    )
    run.out.one(
        known,
        lambda: facts(
            ("account", known.email),
            ("api", known.api_url),
            ("profile", known.profile),
            ("until", known.expires_at or "not known here"),
            ("scopes", " ".join(known.scopes)),
            ("token from", known.source),
            ("kept in", known.storage),
        ),
    )


def _ask_password(run: Run, *, twice: bool) -> str:
    password = run.secret("Password", instead="--password-stdin")
    if twice and run.secret("Password again", instead="--password-stdin") != password:
        raise Refused("The two passwords differ; nothing was done.", code="usage", exit_code=USAGE)
    return password


def _line_from_stdin(what: str) -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise Refused(f"stdin does not begin with {what}.", code="usage", exit_code=USAGE)
    return line
