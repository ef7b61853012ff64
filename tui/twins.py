"""How each action is done on the command line."""

from collections.abc import Mapping
from shlex import join

TWINS: Mapping[str, str] = {
    "browse": "tix tickets list",
    "orders": "tix orders list",
    "account": "tix auth status",
    "hold": "tix reserve {ticket}",
    "withdraw": "tix tickets withdraw {ticket}",
    "relist": "tix tickets update {ticket} --relist",
    "edit": "tix tickets update {ticket} {changes}",
    "show_ticket": "tix tickets show {ticket}",
    "watch_tickets": "tix tickets watch",
    "pay": "tix pay {order}",
    "method": "tix pay {order} --method pm_card_visa",
    "extend": "tix orders extend {order}",
    "cancel": "tix orders cancel {order}",
    "refund": "tix orders refund {order}",
    "show_order": "tix orders show {order}",
    "watch_order": "tix orders watch {order}",
    "new": "tix tickets create {fields}",
    "check": "tix tickets import {file} --dry-run",
    "import": "tix tickets import {file}",
    "import_rest": "tix tickets import --resume {rest}",
    "export": "tix tickets export --format csv",
    "sign_in": "tix auth login",
    "sign_up": "tix auth signup",
    "sign_out": "tix auth logout",
}
"""By the id of an action, or of what is done without one; in braces what it is done to."""
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "changes": ("--price", "45.00"),
    "fields": ("--title", "Front row", "--price", "45.00"),
    "file": ("seats.csv",),
}
"""Words in place of what is not known yet."""


def command(name: str, flags: Mapping[str, str | None], **to: str | tuple[str, ...]) -> str | None:
    """The twin of an action as a shell takes it; `flags` are those of this run.

    `to` is what it is done to, a word or several; None: too little of that is known.
    """
    words = {what: join((one,) if isinstance(one, str) else one) for what, one in {**EXAMPLES, **to}.items()}
    try:
        written = TWINS[name].format_map(words)
    except KeyError:
        return None
    given = [word for flag, value in flags.items() if value for word in (flag, value)]
    return f"{written} {join(given)}".rstrip()
