"""`tix completion`, and the ids it offers: those that were shown on this terminal's machine lately."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

T = TypeVar("T")

EXAMPLES = """\
tix completion bash > ~/.local/share/bash-completion/completions/tix
tix completion zsh > ~/.zfunc/_tix
tix completion fish > ~/.config/fish/completions/tix.fish
tix completion pwsh >> $PROFILE"""
VARIABLE = "_TIX_COMPLETE"
"""By it the shell asks what could come next, instead of running the command."""
FRESH_SECONDS = 3600.0
ID = re.compile(r"[0-9a-f-]{36}")
MOST = 50
SHORTEST = 4
"""Characters of an id that tell which one is meant; the first three are the same for years."""
LIKE = 0.942
"""How alike two ids are that differ by two slips at most."""
KINDS: Mapping[str, str] = {"TicketOut": "ticket", "OrderOut": "order", "OrderWithHistory": "order"}


def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "pwsh"],
        typer.Argument(metavar="SHELL", help="bash, zsh, fish or pwsh."),
    ],
) -> None:
    """Print what makes the shell complete commands, options and the ids you saw lately; edits no file."""
    from typer._completion_shared import get_completion_script  # noqa: PLC0415 - Typer shows no other door

    typer.echo(get_completion_script(prog_name="tix", complete_var=VARIABLE, shell=shell))


def prepare() -> None:
    """Let Typer answer the shell, if it is the shell that asks."""
    if VARIABLE in os.environ:
        from typer import _completion_classes, core  # noqa: PLC0415 - else 5 ms of each start

        # Else the shell would wait twice as long for pydantic, to convert words that nobody will use, and
        # three times for rich, to take markup out of descriptions that have none.
        core._TyperParameter.process_value = _as_typed  # type: ignore[method-assign]  # noqa: SLF001 - no other door
        _completion_classes._sanitize_help_text = _as_written  # noqa: SLF001 - likewise
        _completion_classes.completion_init()


def _as_typed(self: object, ctx: object, value: T) -> T:
    del self, ctx
    return value


def _as_written(text: str) -> str:
    return text


def tickets(incomplete: str) -> list[tuple[str, str]]:
    """Tickets that were shown lately: id and title."""
    return _recall("ticket", incomplete)


def orders(incomplete: str) -> list[tuple[str, str]]:
    """The same of orders; the title is their ticket's."""
    return _recall("order", incomplete)


def meant(noun: str, typed: str) -> list[tuple[str, str]]:
    """What was shown lately that a wrong id may stand for, id and title: three at most, all as likely."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - rarely needed

    typed = typed.lower()
    known = _recall(noun, "")
    if len(typed) < SHORTEST or any(id_ == typed for id_, _ in known):
        return []
    begun = [(id_, title) for id_, title in known if id_.startswith(typed)]
    if begun:
        return begun[:3]
    likeness = [SequenceMatcher(None, typed, id_).ratio() for id_, _ in known]
    best = max([LIKE, *likeness])
    return [pair for pair, alike in zip(known, likeness, strict=True) if alike == best][:3]


def remember(items: Iterable[BaseModel]) -> None:
    """Keep what a person is shown, newest first; where that cannot be written nothing is offered later."""
    shown: dict[str, dict[str, str]] = {}
    for item in items:
        if kind := KINDS.get(type(item).__name__):
            title = getattr(item, "title", None) or getattr(item, "ticket").title  # noqa: B009 - either has one
            shown.setdefault(kind, {})[str(getattr(item, "id"))] = _plain(title)  # noqa: B009 - all have
    for kind, seen in shown.items():
        merged = {**seen, **{id_: title for id_, title in _recall(kind, "") if id_ not in seen}}
        lines = [f"{id_}\t{title}\n" for id_, title in list(merged.items())[:MOST]]
        with contextlib.suppress(OSError):
            path = _file(kind)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(path, "w", encoding="utf-8", opener=_private) as file:
                file.writelines(lines)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _recall(kind: str, incomplete: str) -> list[tuple[str, str]]:
    try:
        path = _file(kind)
        if time.time() - path.stat().st_mtime > FRESH_SECONDS:
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    pairs = [line.partition("\t") for line in lines]
    return [
        (id_, _plain(title)) for id_, _, title in pairs if ID.fullmatch(id_) and id_.startswith(incomplete)
    ]


def _plain(title: str) -> str:
    """What is text to every shell: zsh expands a description once more."""
    return " ".join(re.sub(r"[^\w .,-]", " ", title).split())


def _file(kind: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME", "~")).expanduser() / ".cache"
    return Path(base) / "tix" / f"{kind}s.tsv"
