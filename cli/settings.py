"""`tix config`: where Tix is and whose sign-in is used, and what decided it."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.config import checked_address, checked_profile, unusable
from cli.options import Verb, noun
from cli.output import Column, facts
from cli.run import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.schemas import Setting, SettingExplained

app = noun("See and change where Tix is and whose sign-in is used.")

KEYS = ("api_url", "profile")
Key = Annotated[Literal["api_url", "profile"], typer.Argument(metavar="KEY", help="api_url or profile.")]


@app.command(name="list", cls=Verb, epilog="tix config list\ntix config list --json")
def list_settings(ctx: typer.Context) -> None:
    """List every setting, its value and where it came from."""
    from cli.schemas import Setting  # noqa: PLC0415 - pydantic models cost 60 ms
    from server.kit.schemas import Page  # noqa: PLC0415 - likewise

    run = Run(ctx)
    found = [Setting(**_explained(run, key).model_dump(include={"key", "value", "source"})) for key in KEYS]
    run.out.page(Page[Setting](items=found, next_cursor=None), _columns(), none="", more="")


@app.command(cls=Verb, epilog="tix config get api_url")
def get(ctx: typer.Context, key: Key) -> None:
    """Print the value of one setting, as it is used now."""
    run = Run(ctx)
    setting = _explained(run, key)
    if run.options.output in {None, "table", "tsv"} and not run.out.as_json and not run.options.fields:
        run.out.write(setting.value)
    else:
        run.out.one(setting, lambda: setting.value)


@app.command(cls=Verb, epilog="tix config explain api_url\ntix config explain profile --json")
def explain(ctx: typer.Context, key: Key) -> None:
    """Say what a setting is, what decided it and what else was looked at, first to last."""
    run = Run(ctx)
    setting = _explained(run, key)
    run.out.one(
        setting,
        lambda: "\n\n".join(
            (
                facts((setting.key, setting.value), ("from", setting.source)),
                facts(*((each.source, each.value or "not set") for each in setting.considered)),
            )
        ),
    )


@app.command(
    name="set",
    cls=Verb,
    epilog="tix config set api_url http://127.0.0.1:8080\n"
    "tix config set profile seller\ntix config set api_url ''",
)
def set_value(
    ctx: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value; an empty one takes it away.")],
) -> None:
    """Keep a setting in config.toml: api_url for the profile in use, profile for all that names none."""
    run = Run(ctx)
    if value and key == "api_url":
        value = checked_address(value)
    elif value:
        checked_profile(value)
    path = run.config.home / "config.toml"
    profile = run.config.profile(run.options.profile)[0].value
    table = f"profiles.{profile}" if key == "api_url" else None
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    new = _edited(old, table, key, value or None)
    if not _says(new, _expected(run.config.settings, table, key, value or None)):
        raise unusable(f"{path} is written in a way that tix cannot change; edit it yourself.", f"cat {path}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(new, encoding="utf-8")
    fresh.replace(path)
    run.out.say(f"Kept in {path}.")


@app.command(cls=Verb, epilog="tix config path\ntix config path --json")
def path(ctx: typer.Context) -> None:
    """Print where the settings, the project's settings, the sign-ins and unfinished purchases are kept."""
    from cli.journal import home_of  # noqa: PLC0415 - else only a purchase needs it
    from cli.schemas import ConfigPaths  # noqa: PLC0415 - pydantic models cost 60 ms

    run = Run(ctx)
    config, project = run.config.home / "config.toml", run.config.project
    paths = ConfigPaths(
        config=str(config),
        project=str(project) if project else None,
        credentials=str(run.config.home / "credentials"),
        state=str(home_of(os.environ)),
    )
    run.out.one(paths, lambda: facts(*paths))


def _explained(run: Run, key: str) -> SettingExplained:
    from cli.schemas import SettingExplained, Source  # noqa: PLC0415 - pydantic models cost 60 ms

    looked_at = run.config.profile(run.options.profile)
    if key == "api_url":
        profile = looked_at[0].value
        stored = run.config.credentials.read(profile, warn=run.out.say)
        looked_at = run.config.address(run.options.api_url, profile, stored)
    chosen, considered = looked_at
    return SettingExplained(
        key=key,
        value=chosen.value,
        source=chosen.source,
        considered=[Source(source=each.source, value=each.value) for each in considered],
    )


def _edited(text: str, table: str | None, key: str, value: str | None) -> str:
    """The file with one line set or taken away; the rest, comments included, stays as it is."""
    lines = text.splitlines()
    if table is not None and f"[{table}]" not in lines:
        lines += ["", f"[{table}]"] if lines else [f"[{table}]"]
    start = lines.index(f"[{table}]") + 1 if table is not None else 0
    end = next((at for at in range(start, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    there = [at for at in range(start, end) if re.match(rf"\s*{key}\s*=", lines[at])]
    lines[slice(there[0], there[0] + 1) if there else slice(start, start)] = (
        [f"{key} = {json.dumps(value, ensure_ascii=False)}"] if value is not None else []
    )
    return "\n".join(lines) + "\n"


def _says(text: str, settings: dict[str, Any]) -> bool:
    import tomllib  # noqa: PLC0415 - 6 ms, which --help can do without

    try:
        return tomllib.loads(text) == settings
    except ValueError:
        return False


def _expected(settings: dict[str, Any], table: str | None, key: str, value: str | None) -> dict[str, Any]:
    from copy import deepcopy  # noqa: PLC0415 - rarely needed

    whole = deepcopy(settings)
    place = whole
    for name in table.split(".") if table else ():
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            raise unusable(f"config.toml must hold a table [{table}].", "tix config path")
    if value is None:
        place.pop(key, None)
    else:
        place[key] = value
    return whole


def _columns() -> Sequence[Column[Setting]]:
    return [
        Column("key", lambda s: s.key, lambda s: s.key),
        Column("value", lambda s: s.value, lambda s: s.value, shrinks=True),
        Column("source", lambda s: s.source, lambda s: s.source),
    ]
