"""What is promised of the figures; most of it as ratios of two that were measured in turn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Medians = Mapping[str, Mapping[str, Any]]
"""Case → its medians, of every scenario that was measured."""

PROTOTYPE = {
    "reserve c=1": 574,
    "reserve c=16": 1189,
    "reserve c=64": 1018,
    "create c=1": 890,
    "create c=16": 2624,
    "create c=64": 2816,
    "read c=1": 1692,
    "read c=16": 5671,
    "read c=64": 7719,
    "list 50 c=1": 2167,
    "list 50 c=16": 5020,
}
"""Requests a second of a Go prototype: its server on one core, PostgreSQL and loader on the other."""
TIMES = {"reserve": 2, "create": 1, "read": 1, "list 50": 1}
CORES = 2
STEPS = {"read": (1, 16, 64), "reserve": (1, 16, 64, 256), "create": (1, 16, 64)}


@dataclass(frozen=True)
class Target:
    """A figure, what it must be, and whether it is."""

    name: str
    wanted: str
    found: str
    is_met: bool


def judged(medians: Medians) -> list[Target]:
    """Every target whose figures were measured."""
    found: list[Target] = []
    for make in (_prototype, _rising, _ratios, _pages, _booking, _on_sale, _watching, _standing):
        found += make(medians)
    return found


def _prototype(m: Medians) -> list[Target]:
    return [
        _at_least(f"{case}, to the prototype's {theirs:,}/s", m[case]["rate"] / theirs, times)
        for case, theirs in PROTOTYPE.items()
        if case in m and (times := TIMES[case.partition(" c=")[0]])
    ]


def _rising(m: Medians) -> list[Target]:
    made = []
    for name, steps in STEPS.items():
        rates = [m[f"{name} c={n}"]["rate"] for n in steps if f"{name} c={n}" in m]
        if len(rates) == len(steps):
            # 5 %: what two measurements of the same differ by.
            worst = min(later / max(rates[:n]) for n, later in enumerate(rates[1:], 1))
            made.append(_at_least(f"{name}: the rate with more clients, to the best with fewer", worst, 0.95))
    return made


def _ratios(m: Medians) -> list[Target]:
    made = []

    def add(name: str, cases: tuple[str, str], ratio: Callable[[], float], least: float) -> None:
        if all(case in m for case in cases):
            made.append(_at_least(name, ratio(), least))

    reserve, pgbench, hot = "reserve c=16", "pgbench c=16", "hot ticket c=16"
    add(
        "reserve, to pgbench's own statement, c=16",
        (reserve, pgbench),
        lambda: _rates(m, reserve, pgbench),
        0.5,
    )
    add("a hot ticket's refusals, to reservations, c=16", (hot, reserve), lambda: _rates(m, hot, reserve), 2)
    add(
        "read one, to a bare handler, c=64",
        ("read c=64", "bare c=64"),
        lambda: _rates(m, "read c=64", "bare c=64"),
        0.6,
    )
    add(
        "first page, to a bare handler, c=64",
        ("list 20 c=64", "bare c=64"),
        lambda: _rates(m, "list 20 c=64", "bare c=64"),
        0.4,
    )
    add(
        "load generator where nobody makes it wait, to what it reports of a bare handler",
        ("nothing c=64", "bare c=64"),
        lambda: _rates(m, "nothing c=64", "bare c=64"),
        3,
    )
    if reserve in m:
        made.append(_at_most("reserve: p99 to p50, c=16", m[reserve]["p99"] / m[reserve]["p50"], 3))
    return made


def _pages(m: Medians) -> list[Target]:
    made = []
    largest = max((int(case.rpartition("@")[2]) for case in m if "@" in case), default=1000)
    for case in m:
        name, at, size = case.rpartition("@")
        small = f"{name}@1000"
        if at and int(size) == largest > 1000 and not name.startswith("bare") and small in m:  # noqa: PLR2004
            made.append(
                _at_most(
                    f"{name.strip()}: CPU with {largest:,} tickets, to 1,000",
                    _cost(m[case]) / _cost(m[small]),
                    3,
                )
            )
    return made


def _booking(m: Medians) -> list[Target]:
    if "booking" not in m:
        return []
    bears = CORES * 1e6 / sum(m["booking"]["cpu"].values())
    made = [_at_least("bookings a second, to two cores by the CPU of one", m["booking"]["rate"] / bears, 0.6)]
    if "booking at half the rate" in m:
        made.append(_at_most("booking: p99 of the saga, s", m["booking at half the rate"]["p99"] / 1000, 1))
    return made


def _on_sale(m: Medians) -> list[Target]:
    if "on-sale" not in m:
        return []
    more = m["on-sale"]["more"]
    return [
        Target(
            "on-sale: sold",
            f"{more['tickets']:,.0f}",
            f"{more['sold']:,.0f}",
            more["sold"] == more["tickets"],
        ),
        _at_most("on-sale: the last ticket, s", more["last after s"], 10),
        _at_most("on-sale: answers of 5xx", more["5xx"], 0),
        _at_most("on-sale: memory after, to before", more["MB after"] / more["MB before"], 1.1),
    ]


def _watching(m: Medians) -> list[Target]:
    if "fan-out to 1,000" not in m:
        return []
    seen = m["fan-out to 1,000"]
    return [
        _at_most("fan-out to 1,000: p99, ms", seen["p99"], 250),
        _at_most("fan-out to 1,000: share of a core", seen["more"].get("share of a core, api", 0), 0.4),
    ]


def _standing(m: Medians) -> list[Target]:
    if "warm start" not in m:
        return []
    return [
        _at_most("ready after a warm start, s", m["warm start"]["p50"] / 1000, 2),
        _at_most("the whole platform in memory, MB", m["warm start"]["more"]["MB"], 200),
    ]


def _rates(m: Medians, one: str, other: str) -> float:
    return float(m[one]["rate"] / m[other]["rate"])


def _cost(figures: Mapping[str, Any]) -> float:
    return float(sum(figures["cpu"].get(part, 0) for part in ("api", "postgres")))


def _at_least(name: str, found: float, least: float) -> Target:
    return Target(name, f"≥ {least:g}", f"{found:.2f}", found >= least)


def _at_most(name: str, found: float, most: float) -> Target:
    return Target(name, f"≤ {most:g}", f"{found:.2f}", found <= most)
