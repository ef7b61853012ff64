"""docs/PERFORMANCE.md and its plots, from the results; by hand nothing is written there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import plots
from bench.stage import ROOT
from bench.targets import judged

RESULTS = ROOT / "bench" / "results"
DOCS = ROOT / "docs"
TITLES = {
    "read": "Reading: one ticket and the list",
    "pages": "Pages and searches, with ever more tickets on sale",
    "create": "Listing a ticket",
    "reserve": "Reserving a ticket",
    "booking": "Whole bookings: reserve, pay, be complete",
    "on-sale": "An on-sale: ten buyers for each ticket, all at once",
    "batch": "A thousand listings at once",
    "sign-in": "Signing in",
    "events": "Events: from COMMIT to the consumer's transaction",
    "fan-out": "A change told to a thousand who watch",
    "publish": "JetStream by itself",
    "start": "Start-up and memory",
    "loader": "The load generator",
}
INTRODUCTION = """\
# Performance

Written by `make bench` from the figures in [bench/results](../bench/results); do not edit it.
`make bench ARGS="reserve --quick"` measures one scenario, roughly, in about a minute.

How it is measured: the platform runs as two processes, one for HTTP and one for the background, with its
real PostgreSQL, NATS and Redis on the same machine, durable as in production. Every case is measured once a
round, in turn with the others, and what stands here are the medians of the rounds: on a busy machine all
figures fall, their ratios hardly. CPU is what the operating system counted for an answer, with all it set in
motion: where a request writes, the measurement ends when its events were published and acted on. What the
idle platform uses is taken off. After each scenario `python -m server doctor` must find nothing.

The load generator keeps its connections open, sends each request encoded beforehand, and the next when the
last was answered. Tokens are minted with the platform's own key.
"""

REASONS = {
    "reserve c=": "The prototype is compiled, commits twice, tells nobody. Here four services hear of a "
    "hold on the same two cores: {ms:.1f} ms of work for PostgreSQL and NATS alone, {rate:,.0f} a second if "
    "all of Python cost nothing. On more cores `--workers` raises the rate.",
    "create c=": "A listing is {ms:.1f} ms of work for PostgreSQL and NATS alone, {rate:,.0f} a second if "
    "all of Python cost nothing.",
    "read c=": "While nothing is written, what remains is HTTP in Python, a line of the log, and the "
    "question to PostgreSQL whether that is so; a single client waits for its answer each time.",
    "list 50 c=": "What remains is the same as for one ticket; a single client waits for PostgreSQL.",
    "the rate with more clients": "Both cores are busy with 16 clients; more of them wait in line.",
    "to a bare handler": "A bare handler does nothing. Ours checks what Sanic lets through, names the "
    "request, counts it, logs it, and asks PostgreSQL, for all at once, whether anything was written.",
    "to pgbench's own statement": "pgbench is a program in C that sends one statement over a socket. Here it "
    "comes by HTTP from somebody with a token, and is told to four services on the same cores.",
    "p99 to p50": "Those that hear of the holds run on the same two cores, in bursts.",
    "load generator": "It is a Python program, too.",
    "the last ticket": "Everybody is answered, and who is early in the line may want a ticket that is gone.",
    "fan-out": "One process writes to a thousand connections, one after another.",
    "warm start": "Most of it is Python that reads modules: 1.3 s of CPU.",
    "in memory": "A quarter of it is the Stripe sandbox, a fifth PostgreSQL, and a tenth NATS; nobody who "
    "has servers of their own runs those.",
    "tickets, to 1,000": "A search looks among the tickets that share parts of its word.",
}
"""Why a target may be missed, by a part of its name."""
WITHOUT_PYTHON = {"reserve c=": "reserve c=16", "create c=": "create c=16"}
"""Whose reason tells what a case would cost then."""

NOTES = {
    "read": "With b836d76, three times in turn with e12b3d2 (`read --quick --rounds 1`): at 64 clients "
    "2,500 to 3,520 tickets a second, and now 3,130 to 7,080; 269 to 291 µs of CPU for one, and now 138 to "
    "183. A page of 20 took 232 to 266 µs, and now 140 to 152; one of 50 for a single client 2.0 to 2.4 ms, "
    "and now 0.6 to 1.0. What took it away: answers that are kept as long as PostgreSQL says that nothing "
    "was written, header lines at a quarter of their cost, and a log without structlog's loggers.\n",
    "reserve": "That four services hear of a hold costs less than at b836d76, where the same measurement, on "
    "another day, found 1,755 µs for the background and 685 for NATS at 16 clients: messages are asked for "
    "eight at a time, and read without tasks of their own.\n",
    "booking": "With the version that was measured first, 9a878fa, in turn with 35f11da on one machine "
    "(`booking --quick --rounds 2`): 80.7 ms of CPU for a booking, and now 47.2, 41 % less; at half the rate "
    "96.6 and 58.3. What took it away: holds, listings and most of what is heard are a statement each; "
    "what Stripe's webhooks tell and our row says already is not looked up; a dozen statements fewer for a "
    "payment; Stripe is called by aiohttp, at a quarter of httpx's 1.7 ms.\n",
}
"""What no measurement of one version can tell."""


def write(results: Path) -> Path | None:
    """Write the page anew from all results that are there; of results elsewhere, beside them."""
    docs = DOCS if results == RESULTS else results
    found = {path.stem: json.loads(path.read_text()) for path in sorted(results.glob("*.json"))}
    if not found:
        return None
    medians = {
        case: figures["median"] for one in reversed(found.values()) for case, figures in one["cases"].items()
    }
    machine = next(iter(found.values()))
    parts = [INTRODUCTION, _machine(machine), _targets(medians, machine["machine"]["cores"])]
    plots_in = docs / "performance"
    plots_in.mkdir(exist_ok=True)
    for name, title in TITLES.items():
        if name in found:
            parts.append(_section(name, title, found[name], plots_in))
    page = docs / "PERFORMANCE.md"
    page.write_text("\n".join(parts))
    return page


def _machine(one: Mapping[str, Any]) -> str:
    about = one["machine"]
    quick = " A quick run: rough figures." if one["quick"] else ""
    return (
        f"Measured {about['at']} at {about['commit']} on {about['cores']} cores of {about['cpu']}, "
        f"{about['memory_gb']:g} GB, {about['system']}, Python {about['python']}; "
        f"load before it began: {about['load_before']:g}.{quick} Each file of results says when it was.\n"
    )


def _without_python(part: str, medians: Mapping[str, Mapping[str, Any]], cores: int) -> dict[str, float]:
    """What PostgreSQL and NATS alone take for one, in ms, and how many that is a second."""
    if part not in WITHOUT_PYTHON:
        return {}
    costs = medians[WITHOUT_PYTHON[part]]["cpu"]
    alone = costs["postgres"] + costs["nats"]
    return {"ms": alone / 1000, "rate": round(cores * 1e6 / alone, -1)}


def _targets(medians: Mapping[str, Mapping[str, Any]], cores: int) -> str:
    targets = judged(medians)
    rows = [
        f"| {target.name} | {target.wanted} | {target.found} | {'yes' if target.is_met else '**no**'} |"
        for target in targets
    ]
    missed = [target.name for target in targets if not target.is_met]
    why = [
        f"- *{part.removesuffix('c=').strip()}*: {reason.format(**_without_python(part, medians, cores))}"
        for part, reason in REASONS.items()
        if any(part in name for name in missed)
    ]
    if why:
        why = ["Why those that are not met are not, by a part of their names:", "", *why, ""]
    return "\n".join(
        ["## Targets", "", "| | wanted | measured | met |", "|---|---|---|---|", *rows, "", *why]
    )


def _section(name: str, title: str, one: Mapping[str, Any], plots_in: Path) -> str:
    medians = {case: figures["median"] for case, figures in one["cases"].items()}
    costs = {
        case: {part: cost for part, cost in of["cpu"].items() if part != "loader"}
        for case, of in medians.items()
    }
    columns = sorted({part for of in costs.values() for part in of})
    lines = [f"## {title}", "", *([NOTES[name]] if name in NOTES else [])]
    if any(of.values() for of in costs.values()):
        plot = plots_in / f"{name}.svg"
        plot.write_text(plots.stacked("CPU for one answer", "µs", costs))
        lines += [f"![CPU for one answer, by part, in µs](performance/{plot.name})", ""]
    lines.append(f"| | a second | p50 ms | p99 ms | {''.join(f'{part} µs | ' for part in columns)}answers |")
    lines.append("|---|" + "--:|" * (3 + len(columns)) + "---|")
    for case, of in medians.items():
        cells = [f"{of['rate']:,.0f}" if of["rate"] >= 10 else f"{of['rate']:.1f}"]  # noqa: PLR2004 - digits
        cells += [f"{of[share]:.1f}" if of[share] else "" for share in ("p50", "p99")]
        cells += [f"{costs[case][part]:,.0f}" if costs[case].get(part) else "" for part in columns]
        more = [f"{status}×{count}" for status, count in of["statuses"].items()]
        more += [f"{what} {value:,.4g}" for what, value in of["more"].items()]
        lines.append(f"| {case} | {' | '.join(cells)} | {' '.join(more)} |")
    return "\n".join([*lines, ""])
