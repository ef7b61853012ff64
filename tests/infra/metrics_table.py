"""The table of metrics in docs/OPERATIONS.md, written anew from the code: `make docs`."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client import Counter, Gauge, Histogram, Info

from server import gauges
from server.kit import metrics
from tests.platform import ROOT

PAGE = ROOT / "docs" / "OPERATIONS.md"
BEGIN, END = "<!-- metrics: made by `make docs` -->\n", "<!-- end of metrics -->\n"
SUFFIXES: Mapping[type[Any], tuple[str, ...]] = {
    Counter: ("_total",),
    Gauge: ("",),
    Histogram: ("_bucket", "_count", "_sum"),
    Info: ("_info",),
}


class Told(NamedTuple):
    """A metric as its code has it."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    about: str


def told() -> Iterator[Told]:
    """All of ours, counted ones before those that are asked for."""
    for collector in dict.fromkeys(metrics.REGISTRY._collector_to_names):
        if isinstance(collector, Counter | Gauge | Histogram | Info):
            names = tuple(collector._name + suffix for suffix in SUFFIXES[type(collector)])
            labels = ("version", "python") if isinstance(collector, Info) else tuple(collector._labelnames)
            yield Told(names, labels, collector._documentation)
    for family in (*gauges.FAMILIES, metrics.ANSWERED):
        yield Told((family.name,), family.labels, family.about)


def table() -> str:
    """A row for each."""
    head = "| metric | labels | what it is |\n|---|---|---|\n"
    return head + "".join(
        f"| {', '.join(f'`{name}`' for name in names)} | {', '.join(labels)} | {about} |\n"
        for names, labels, about in told()
    )


def written(page: str) -> str:
    """The page with its table as it should be."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
