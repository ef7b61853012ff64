"""A run: what is searched, within which bounds, and its figures on stdout (`pytest -s` shows them)."""

import sys
from collections.abc import Iterable
from typing import NamedTuple

from tests.model.checker import Bounds, megabytes
from tests.model.machine import Machine, one_order, reduced
from tests.model.rules import PROTOCOL, Bus, Feature, Rules
from tests.model.ticket import Run, Violation, check

QUICK = (60.0, 1_024.0)
SLOW = (300.0, 4_096.0)
"""Seconds, and megabytes of the process. The quick runs take a second or so, but not on every machine."""


class Result(NamedTuple):
    """What a run found."""

    machine: Machine
    states: int
    transitions: int
    violation: Violation | None


def run(
    *features: Feature,
    rules: Rules = PROTOCOL,
    orders: int = 2,
    bus: Bus = Bus.AGAIN,
    whole: bool = False,
    bounds: tuple[float, float] = QUICK,
) -> Result:
    """Search a ticket with so many orders; `whole`: with no reduction but that of what is interchangeable.

    Raises BoundExceeded.
    """
    within, chosen = Bounds(*bounds), frozenset(features)
    machine = one_order(rules, chosen, bus, within)
    states = len(machine.facts)
    if not whole:
        machine = reduced(machine)
    found = check(
        Run(
            machine,
            rules,
            chosen,
            symmetric=rules == PROTOCOL,  # a trace needs the orders' names
            newest_only=not whole and rules.seat_version and rules.absolute_holder,
        ),
        orders,
        within,
    )
    what = ", ".join((f"{orders} order{'s'[: orders > 1]}", *_without(rules), *sorted(chosen), f"bus {bus}"))
    parts = f"{states:,} states of an order" + ("" if whole else f" in {len(machine.facts):,} classes")
    figures = f"{found.states:,} states, {found.transitions:,} transitions"
    _say(f"{what}: {parts}; {figures}, {within.spent:.1f} s, {megabytes():,.0f} MB")
    if found.violation is not None:
        _say(f"  {found.violation.what}", *(f"    {step}" for step in found.violation.trace))
    return Result(machine, found.states, found.transitions, found.violation)


def _without(rules: Rules) -> Iterable[str]:
    return (f"not {name}" for name, kept in vars(rules).items() if not kept)


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(("", *lines)))
