"""An order on a terminal: a paragraph for each step it took, and what to do next."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from cli.output import facts, harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from server.orders.schemas import OrderOut, OrderWithHistory, Transition

TEST_CARD = "--method pm_card_visa"
INDENT = 24
"""Columns before a sentence: time, status and the space after each."""


def price(order: OrderOut) -> str:
    """What it costs, for people."""
    from client import story  # noqa: PLC0415 - the package brings httpx

    return story.price(order)


def told(step: Transition, order: OrderOut) -> str:
    """What one step means to whoever asks."""
    from client import story  # noqa: PLC0415 - likewise

    return story.told(step, order)


def timeline(order: OrderWithHistory, paint: Callable[[str, str | None], str], *, requests: bool) -> str:
    """A paragraph a step, under the day it happened on; with `requests`, whose id finds it in the logs."""
    return "\n".join(_paragraphs(order, paint, requests=requests))


def _paragraphs(
    order: OrderWithHistory, paint: Callable[[str, str | None], str], *, requests: bool
) -> Iterator[str]:
    day = None
    for step in order.history:
        at = step.at.astimezone()
        if at.date() != day:
            day = at.date()
            yield paint(str(day), "bold")
        room = max(30, shutil.get_terminal_size().columns - INDENT)
        lines = textwrap.wrap(harmless(told(step, order)), room)
        if requests:
            lines.append(f"request-id: {harmless(step.request_id)}")
        yield f"{paint(f'{at:%H:%M:%S}', 'dim')}  {step.status:<12}  " + f"\n{'':{INDENT}}".join(lines)


def next_steps(order: OrderOut, flags: str) -> str | None:
    """What whoever asks can do now, each a command to copy; `flags` are those it was asked with."""
    from client.story import OVER, is_buyer  # noqa: PLC0415 - likewise

    id_, ticket = order.id, order.ticket.id
    steps: list[tuple[str, str]] = []
    if not is_buyer(order):
        if order.status == "complete" or (order.status == "revoked" and order.needs_review):
            steps = [("refund", f"tix orders refund {id_}")]
    elif order.status == "created" and order.expires_at > order.server_time:
        more_time = [("more time", f"tix orders extend {id_}")] if order.extendable else []
        steps = [
            ("pay", f"tix pay {id_} {TEST_CARD}"),
            *more_time,
            ("give up", f"tix orders cancel {id_}"),
        ]
    elif order.status in {"created", "accepted"}:
        steps = [("look again", f"tix orders show {id_}")]
    elif order.status in OVER:
        steps = [("reserve again", f"tix reserve {ticket}")]
    return facts(*((what, command + flags) for what, command in steps)) if steps else None
