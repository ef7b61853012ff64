"""What every verb needs: the options, the output, the target, and one conversation with the API."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

from cli.config import Config, Target
from cli.errors import AUTH, DECLINED, NOT_FOUND, REJECTED, USAGE, Refused, sentence
from cli.fields import HELP, known_fields, wanted
from cli.options import asked, form
from cli.output import Output, harmless
from cli.wording import wording

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx
    from pydantic import BaseModel

    from client import Tix, TixError

    M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

REQUEST_SECONDS = 10.0


class Run:
    """One invocation of a verb."""

    def __init__(self, ctx: typer.Context, *, prints: str = "", **subject: str) -> None:
        """`subject` are the ids that were typed, which hints may name: ticket, order, token.

        `prints` is an option that makes it print something else, by `cli.schemas.PRINTS`.
        """
        self.options = asked(ctx)
        command = " ".join(filter(None, (ctx.command_path.partition(" ")[2], prints)))
        if self.options.fields == HELP:
            typer.echo("\n".join(known_fields(command)))
            raise typer.Exit
        try:
            asked_for = form(self.options)
        except ValueError as error:
            raise Refused(str(error), code="usage", exit_code=USAGE) from error
        self.out = Output(
            form=asked_for,
            wanted=wanted(self.options.fields, self.options.jq, command),
            quiet=self.options.quiet,
            verbose=self.options.verbose,
            no_color=self.options.no_color,
        )
        self.config = Config(os.environ, Path.cwd())
        self.flags = _typed({"profile": self.options.profile, "api_url": self.options.api_url})
        self.subject: dict[str, str] = ctx.obj  # `main` reads it when it has a failure to explain
        self.subject.update(subject, flags=self.flags)
        for noun, typed in subject.items():
            options = [param.name for param in ctx.command.params if param.param_type_name == "option"]
            # An id is an argument, or what an option says.
            rest = {name: noun.upper() if ctx.params[name] == typed else ctx.params[name] for name in options}
            place = "" if noun.upper() in rest.values() else f" {noun.upper()}"
            self.subject[f"{noun}_line"] = self.again(f"{command}{place}", **rest)
            _check_id(noun, typed)

    def again(self, command: str, **options: object) -> str:
        """The command line of `command` with these options and the global ones of this run, to copy."""
        return f"tix {command}{_typed(options)}{self.flags}"

    @cached_property
    def target(self) -> Target:
        """Which Tix, and as whom. Raises Refused."""
        target = self.config.resolve(
            profile=self.options.profile, api_url=self.options.api_url, warn=self.out.say
        )
        self.subject["api_url"] = target.api_url
        self.out.explain(f"api: {target.api_url} (from {target.api_url_from})")
        self.out.explain(f"token: from {target.token_from}")
        return target

    def ask(self, work: Callable[[Tix], Awaitable[T]], *, signed_in: bool = True) -> T:
        """Talk to the API, with a token only where `signed_in` is needed. Raises TixError, Refused."""
        target = self.target
        token = target.token if signed_in else None
        if signed_in and token is None:
            raise self.signed_out()
        return self._converse(work, target.api_url, token)

    def _converse(self, work: Callable[[Tix], Awaitable[T]], api_url: str, token: str | None) -> T:
        import asyncio  # noqa: PLC0415 - this and the client take 0.2 s, which --help must not

        from client import Tix  # noqa: PLC0415 - likewise

        async def conversation() -> T:
            async with Tix(
                api_url,
                token,
                timeout=self.options.timeout or REQUEST_SECONDS,
                retries=self.options.retries,
                wait=self._wait,
                hooks={"request": [self._tell_request], "response": [self._tell_answer]},
            ) as tix:
                return await work(tix)

        return asyncio.run(conversation())

    async def _tell_request(self, request: httpx.Request) -> None:
        self.out.trace(f"> {request.method} {request.url}", request.headers)

    async def _tell_answer(self, answer: httpx.Response) -> None:
        self.out.trace(f"< {answer.status_code} {answer.reason_phrase}", answer.headers)

    async def _wait(self, seconds: float, why: TixError) -> None:
        import asyncio  # noqa: PLC0415 - see above

        if seconds >= 1:
            self.out.say(f"{sentence(why.detail)} Trying again in {seconds:.0f} s.")
        await asyncio.sleep(seconds)

    def signed_out(self) -> Refused:
        """There is no token for this address."""
        stored = self.target.signed_in
        elsewhere = f" You are signed in at {stored.api_url}." if stored else ""
        return Refused(
            f"You are not signed in at {self.target.api_url}.{elsewhere}",
            code="unauthenticated",
            exit_code=AUTH,
            hint=f"tix auth login{self.flags}",
        )

    # --- people -------------------------------------------------------------------------------------------

    def question(self, prompt: str, *, instead: str) -> str:
        """A line from the person. Raises Refused naming the flag `instead` when there is nobody to ask."""
        self._need_person(instead)
        sys.stderr.write(f"{prompt}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise _declined()
        return line.strip()

    def secret(self, prompt: str, *, instead: str) -> str:
        """The same, unseen."""
        import getpass  # noqa: PLC0415 - rarely needed

        self._need_person(instead)
        try:
            return getpass.getpass(f"{prompt}: ", stream=sys.stderr)
        except EOFError:
            raise _declined() from None

    def confirm(self, question: str) -> None:
        """Ask before something that is hard to take back; no is the default. Raises Refused."""
        if self.options.yes:
            return
        answer = self.question(f"{harmless(question)} [y/N]", instead="--yes")
        if answer.lower() not in {"y", "yes"}:
            raise _declined()

    def _need_person(self, instead: str) -> None:
        if self.options.no_input or not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise Refused(
                f"There is nobody to ask here: give {instead}.", code="input_needed", exit_code=USAGE
            )


def _check_id(noun: str, typed: str) -> None:
    """Say of what is no id what the server would, without repeating it: it may be a token. Raises Refused."""
    from uuid import UUID  # noqa: PLC0415 - 5 ms

    try:
        UUID(typed)
    except ValueError:
        raise Refused(f"There is no such {noun}.", code=f"{noun}_not_found", exit_code=NOT_FOUND) from None


def _declined() -> Refused:
    return Refused("Cancelled; nothing was done.", code="cancelled", exit_code=DECLINED)


def wrong_field(field: str, message: str) -> NoReturn:
    """Refuse a value before it is sent, as the server would."""
    raise Refused(f"{_named(field)}: {message}", code="invalid", exit_code=REJECTED)


def given(**values: object) -> dict[str, object]:
    """The options that were used."""
    return {name: value for name, value in values.items() if value is not None}


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")


def _named(field: str) -> str:
    return field if field == "password" else _option(field)  # which is never typed as an option


def _typed(options: Mapping[str, object]) -> str:
    """Options as they are typed into a shell, each after a space; None and False are not typed."""
    words = []
    for name, value in options.items():
        if value is True:
            words.append(f" {_option(name)}")
        elif value is not None and value is not False:
            word = quote(str(value))
            words.append(f" {_option(name)}{'=' if word.startswith('-') else ' '}{word}")
    return "".join(words)


def checked(model: type[M], values: Mapping[str, object]) -> M:
    """A body or query of the contract, from what was typed. Raises Refused."""
    from pydantic import ValidationError  # noqa: PLC0415 - with it comes the rest of pydantic

    try:
        return model.model_validate(values, strict=False)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise Refused(
            "; ".join(f"{_named(str(problem['loc'][0]))}: {wording(problem)}" for problem in problems),
            code="invalid",
            exit_code=REJECTED,
        ) from error
