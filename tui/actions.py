"""Keys of actions, and actions that explain themselves."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from textual.binding import Binding

P = ParamSpec("P")
R = TypeVar("R")


def key(  # noqa: PLR0913 - what a binding is made of
    keys: str,
    action: str,
    label: str,
    tip: str,
    *,
    show: bool = True,
    name: str = "",
    is_first: bool = False,
) -> Binding:
    """A binding whose id, by which it can be given other keys, is its action's name.

    `tip` is a sentence: help and palette are made of these. `is_first`: before whatever has the focus.
    """
    own = name or action.partition("(")[0]
    return Binding(keys, action, label, show=show, tooltip=tip, id=own, priority=is_first)


S = TypeVar("S", bound=Any)


def guarded(action: Callable[Concatenate[S, P], R]) -> "Callable[Concatenate[S, P], R | None]":
    """An action of the view on top, that explains itself where it cannot be done; see `View.why_not`."""

    @wraps(action)
    def act(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R | None:
        if not self.is_active:
            return None  # a key that was pressed before what it led to was there
        why = self.why_not(action.__name__.removeprefix("action_"))
        if why is not None:
            self.app.report(why, severity="warning")
            return None
        return action(self, *args, **kwargs)

    return act
