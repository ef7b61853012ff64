"""What can be done, and how each is done on the command line."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from textual.binding import Binding

P = ParamSpec("P")
R = TypeVar("R")

TWINS: Mapping[str, str] = {
    "hold": "tix reserve {ticket}",
    "withdraw": "tix tickets withdraw {ticket}",
    "relist": "tix tickets update {ticket} --relist",
    "edit": "tix tickets update {ticket} --price 45.00",
    "show_ticket": "tix tickets show {ticket}",
    "watch_tickets": "tix tickets watch",
    "pay": "tix pay {order}",
    "method": "tix pay {order} --method pm_card_visa",
    "extend": "tix orders extend {order}",
    "cancel": "tix orders cancel {order}",
    "refund": "tix orders refund {order}",
    "show_order": "tix orders show {order}",
    "watch_order": "tix orders watch {order}",
    "new": "tix tickets create --title 'Front row' --price 45.00",
    "import": "tix tickets import seats.csv",
    "export": "tix tickets export --format csv",
    "sign_in": "tix auth login",
    "sign_up": "tix auth signup",
    "sign_out": "tix auth logout",
}
"""By the id of an action; in braces what it is done to."""


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
