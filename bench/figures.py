"""What is measured, how often, and what is made of it."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.load import Loader, Outcome
from bench.processes import Meter
from bench.stage import Stage


@dataclass
class Sample:
    """One measurement. `rate` a second, `p50` and `p99` in ms, `cpu` in µs for one answer, by part."""

    rate: float
    p50: float = 0
    p99: float = 0
    cpu: dict[str, float] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    more: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """All that a scenario measures with. `scale` shortens everything: 1, or less for a quick run."""

    stage: Stage
    loader: Loader
    meter: Meter
    scale: float
    rounds: int

    def seconds(self, full: float) -> float:
        """As long as this in a full run."""
        return max(full * self.scale, 0.5)

    def count(self, full: int) -> int:
        """As many as this in a full run."""
        return max(int(full * self.scale), 10)

    def load(  # noqa: PLR0913 - the parts of a load
        self,
        requests: Sequence[bytes],
        *,
        connections: int,
        seconds: float = 3,
        once: bool = False,
        url: str = "",
        settle: bool = False,
    ) -> Sample:
        """Send, and see what it costs; with `settle`, until the background has done its part, too."""
        since = self.meter.start()
        outcome = self.loader.run(
            url or self.stage.url, requests, connections=connections, seconds=self.seconds(seconds), once=once
        )
        if settle:
            self.stage.settle()
        return sample(outcome, self.meter.used(since))


def sample(outcome: Outcome, used: Mapping[str, float]) -> Sample:
    """What the generator saw and the operating system counted."""
    answers = max(outcome.answers, 1)
    return Sample(
        rate=outcome.rate,
        p50=outcome.percentile(0.5),
        p99=outcome.percentile(0.99),
        cpu={
            **{part: seconds / answers * 1e6 for part, seconds in used.items() if seconds},
            "loader": outcome.cpu / answers * 1e6,
        },
        statuses={str(status): count for status, count in sorted(outcome.statuses.items())},
    )


Case = Callable[[], Sample]


def interleaved(
    cases: Mapping[str, Case], rounds: int, told: Callable[[str], None]
) -> dict[str, list[Sample]]:
    """Each case once a round, in turn, so that a busy moment of the machine hits all of them."""
    found: defaultdict[str, list[Sample]] = defaultdict(list)
    for _ in range(rounds):
        for name, case in cases.items():
            found[name].append(case())
            told(f"{name}: {one_line(found[name][-1])}")
    return dict(found)


def one_line(seen: Sample) -> str:
    """For whoever watches."""
    parts = [f"{seen.rate:,.0f}/s"]
    if seen.p99:
        parts.append(f"p50 {seen.p50:.1f} p99 {seen.p99:.1f} ms")
    parts += [f"{part} {cost:,.0f} µs" for part, cost in sorted(seen.cpu.items()) if cost >= 1]
    parts += [f"{status}×{count}" for status, count in seen.statuses.items()]
    parts += [f"{name} {value:,.4g}" for name, value in seen.more.items()]
    return " · ".join(parts)


def median(samples: Sequence[Sample]) -> Sample:
    """Of each figure by itself; counts of statuses are added up."""
    statuses: defaultdict[str, int] = defaultdict(int)
    for one in samples:
        for status, count in one.statuses.items():
            statuses[status] += count
    return Sample(
        rate=statistics.median(one.rate for one in samples),
        p50=statistics.median(one.p50 for one in samples),
        p99=statistics.median(one.p99 for one in samples),
        cpu=_medians([one.cpu for one in samples]),
        statuses=dict(statuses),
        more=_medians([one.more for one in samples]),
    )


def _medians(dicts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = {name: None for one in dicts for name in one}
    return {name: statistics.median(one.get(name, 0.0) for one in dicts) for name in names}


def as_json(found: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    """Every round, and the medians."""
    return {
        name: {"median": asdict(median(samples)), "rounds": [asdict(one) for one in samples]}
        for name, samples in found.items()
    }
