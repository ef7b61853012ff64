"""`[tui]` in config.toml: theme, read only, and one's own keys, all checked before the app runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_DISPLAY_ALIASES, Keys, _character_to_key

from cli.config import unusable

MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
NAMED = {
    *(key.value for key in Keys),
    *KEY_DISPLAY_ALIASES,
    *(_character_to_key(chr(code)) for code in range(33, 127)),
}
SETTINGS = frozenset({"theme", "readonly", "keys"})

Place = tuple[type[DOMNode], ...]
"""Classes whose bindings may be active at the same time: the app, one of its views, what has the focus."""


@dataclass(frozen=True)
class Preferences:
    """What a person wants the app to be like."""

    theme: str | None = None
    is_readonly: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)
    """By the id of an action; several keys with commas between."""


def preferences(settings: Mapping[str, Any]) -> Preferences:
    """Those of config.toml. Raises Refused."""
    own = settings.get("tui", {})
    if not isinstance(own, dict):
        raise unusable("config.toml must hold a table [tui].")
    if unknown := sorted(own.keys() - SETTINGS):
        raise unusable(f"[tui] in config.toml has no setting {unknown[0]!r}; it has {_listed(SETTINGS)}.")
    theme, is_readonly, keys = own.get("theme"), own.get("readonly", False), own.get("keys", {})
    if theme is not None and not isinstance(theme, str):
        raise unusable(f"[tui] theme in config.toml must be a name, not {theme!r}.")
    if not isinstance(is_readonly, bool):
        raise unusable(f"[tui] readonly in config.toml must be true or false, not {is_readonly!r}.")
    if not isinstance(keys, dict):
        raise unusable("config.toml must hold a table [tui.keys].")
    return Preferences(theme, is_readonly, {name: _keys(name, given) for name, given in keys.items()})


def _keys(name: str, given: object) -> str:
    """As Textual has them: `question_mark` for `?`. Raises Refused."""
    if not isinstance(given, str) or not given.strip():
        raise unusable(f'[tui.keys] {name} in config.toml must be keys, like "b" or "ctrl+b,f2".')
    found = []
    for one in given.split(","):
        key = _character_to_key(one.strip()) if len(one.strip()) == 1 else one.strip()
        *modifiers, last = key.split("+")
        if not set(modifiers) <= MODIFIERS or (
            len(last) != 1 and last not in NAMED and len(one.strip()) != 1
        ):
            raise unusable(f"[tui.keys] {name} in config.toml: {one.strip()!r} is no key.")
        found.append(key)
    return ",".join(found)


def check_theme(name: str | None, known: Iterable[str]) -> None:
    """Raises Refused where there is none of this name."""
    names = list(known)
    if name is not None and name not in names:
        raise unusable(f"There is no theme {name!r}; there are {_listed(names)}.{_meant(name, names)}")


def check_keys(keys: Mapping[str, str], places: Iterable[Place]) -> None:
    """Raises Refused where an id is unknown, or where one key would do two things in the same place."""
    everywhere = list(places)
    ids = {one.id for place in everywhere for one in _bindings(place) if one.id}
    for name in keys:
        if name not in ids:
            raise unusable(f"[tui.keys] in config.toml: there is no action {name!r}.{_meant(name, ids)}")
    for place in everywhere:
        taken: dict[str, Binding] = {}
        for one in _bindings(place):
            for key in keys.get(one.id or "", one.key).split(","):
                other = taken.setdefault(key, one)
                is_same = other.action == one.action or other.id == one.id  # up in a list, and in a form
                if not is_same and {other.id, one.id} & keys.keys():
                    both = f"{_named(other)} and {_named(one)}"
                    raise unusable(
                        f"[tui.keys] in config.toml: {key} would be {both}; give one of them another key."
                    )


def _bindings(place: Place) -> Iterator[Binding]:
    for part in place:
        for _, one in part._merge_bindings():  # noqa: SLF001 - those of its bases too, as Textual sees them
            yield one


def _named(one: Binding) -> str:
    return f"{one.id or one.action} ({one.description or one.action})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _meant(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), 1)
    return f" Did you mean {near[0]!r}?" if near else ""
