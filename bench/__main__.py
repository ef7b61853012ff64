"""`make bench`: measure, write bench/results/*.json, and write docs/PERFORMANCE.md anew from them."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import report
from bench.figures import Bench, Case, Sample, as_json, interleaved
from bench.load import loading
from bench.processes import Meter
from bench.scenarios import booking, events, reading, starting, writing
from bench.seed import Seeder
from bench.stage import ROOT, bare, staged

SIZES, QUICK_SIZES = (1_000, 100_000, 1_000_000), (1_000, 20_000)
QUICK = 0.2
Scenario = Callable[[Bench, Seeder], dict[str, list[Sample]]]


def told(line: str) -> None:
    """To whoever waits."""
    print(f"  {line}", file=sys.stderr, flush=True)


def _loader(bench: Bench, _: Seeder) -> dict[str, list[Sample]]:
    """How fast the generator is where nobody makes it wait, beside what it reports of the bare handler."""
    with bare("wire") as wire, bare("sanic") as sanic:
        cases: dict[str, Case] = {
            "nothing c=64": partial(bench.load, [_hello()], connections=64, url=wire),
            "bare c=64": partial(bench.load, [_hello()], connections=64, url=sanic),
        }
        return interleaved(cases, bench.rounds, told)


def _hello() -> bytes:
    return b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"


def _read(bench: Bench, seeder: Seeder) -> dict[str, list[Sample]]:
    with bare("sanic") as url:
        return interleaved(reading.one(bench, seeder, url), bench.rounds, told)


def _pages(bench: Bench, seeder: Seeder) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    with bare("sanic") as url:
        for size in QUICK_SIZES if bench.scale < 1 else SIZES:
            told(f"{size:,} tickets")
            found |= interleaved(reading.pages(bench, seeder, url, size), bench.rounds, told)
    return found


def _plain(made: Callable[[Bench], dict[str, Case]]) -> Scenario:
    return lambda bench, _: interleaved(made(bench), bench.rounds, told)


def _seeded(made: Callable[[Bench, Seeder], dict[str, Case]]) -> Scenario:
    return lambda bench, seeder: interleaved(made(bench, seeder), bench.rounds, told)


SCENARIOS: Mapping[str, Scenario] = {
    "loader": _loader,
    "read": _read,
    "create": _plain(writing.create),
    "reserve": _seeded(writing.reserve),
    "booking": _seeded(booking.bookings),
    "on-sale": _seeded(booking.on_sale),
    "batch": _plain(writing.batch),
    "sign-in": _plain(writing.sign_in),
    "events": _plain(events.latency),
    "fan-out": _plain(events.fan_out),
    "publish": _plain(events.publishing),
    "pages": _pages,
}
"""On one platform, in this order: the pages come last, since they want a million tickets."""
START = "start"


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git is there
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": commit.stdout.strip(),
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


@contextmanager
def _bench(options: argparse.Namespace) -> Iterator[Bench]:
    with staged() as stage, loading(options.processes) as loader:
        meter = Meter()
        told(f"idle: {meter.calibrate(2 if options.quick else 5)}")
        yield Bench(stage, loader, meter, QUICK if options.quick else 1, options.rounds)


def _keep(
    name: str, options: argparse.Namespace, facts: Mapping[str, Any], found: dict[str, list[Sample]]
) -> None:
    options.results.mkdir(parents=True, exist_ok=True)
    whole = {"scenario": name, "quick": options.quick, "machine": facts, "cases": as_json(found)}
    (options.results / f"{name}.json").write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n")


def _measure(options: argparse.Namespace, names: list[str]) -> None:
    facts = machine()
    if START in names:
        told(f"{START}:")
        with starting.directory() as directory:
            _keep(START, options, facts, interleaved(starting.start_up(directory), options.rounds, told))
    wanted = [name for name in SCENARIOS if name in names]
    if not wanted:
        return
    with _bench(options) as bench:
        seeder = Seeder(bench.stage)
        for name in wanted:
            began = time.monotonic()
            told(f"{name}:")
            _keep(name, options, facts, SCENARIOS[name](bench, seeder))
            told(f"{name} took {time.monotonic() - began:.0f} s")
            bench.stage.settle()
            bench.stage.doctor()


def main() -> int:
    """Exit 0; 1 when doctor found a broken promise after a load."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Tix on this machine.")
    every = [START, *SCENARIOS]
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=f"default all: {', '.join(every)}")
    parser.add_argument(
        "--quick", action="store_true", help="a fifth of the time, fewer tickets, rough figures"
    )
    parser.add_argument(
        "--rounds", type=int, help="how often each case is measured, in turn (default 5; quick 1)"
    )
    parser.add_argument("--processes", type=int, default=1, help="of the load generator (default 1)")
    parser.add_argument(
        "--results", type=Path, default=report.RESULTS, help="where the figures go (default bench/results)"
    )
    parser.add_argument(
        "--report", action="store_true", help="only write docs/PERFORMANCE.md from the results"
    )
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    if unknown := set(options.scenarios) - set(every):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if not options.report:
        try:
            _measure(options, options.scenarios or every)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 1
    told(f"written: {report.write(options.results.resolve())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
