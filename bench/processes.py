"""What the operating system says of our processes: CPU time and memory, by part of the platform."""

import os
import time
from collections import Counter, defaultdict
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
SIGNS = {
    "postgres -D": "postgres",
    "nats-server": "nats",
    "redis-server": "redis",
    "stripe_sandbox": "sandbox",
    "--only api": "api",
    "--only worker": "worker",
    "-m server up": "services",
    "-m bench.bare": "bare",
}
"""What a command line holds → the part it is, and its children, unless they are another."""


def parts() -> dict[str, list[int]]:
    """The processes below this one, by part; the load generator's are of none."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children[int(_stat(int(entry.name))[1])].append(int(entry.name))
            except OSError:  # it ended just now
                continue
    _walk(os.getpid(), None, children, found)
    return dict(found)


def _walk(pid: int, part: str | None, children: dict[int, list[int]], found: dict[str, list[int]]) -> None:
    for child in children.get(pid, ()):
        its = _part_of(child) or part
        if its:
            found[its].append(child)
        _walk(child, its, children, found)


def _part_of(pid: int) -> str | None:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    return next((part for sign, part in SIGNS.items() if sign in line), None)


def _stat(pid: int) -> list[str]:
    """From the third field on: the second, the name, may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu() -> Counter[str]:
    """Seconds of CPU that each part has used, children that have ended included."""
    used: Counter[str] = Counter()
    for part, pids in parts().items():
        for pid in pids:
            try:
                fields = _stat(pid)
            except OSError:
                continue
            used[part] += sum(map(int, fields[11:15])) / TICK  # type: ignore[assignment] # seconds, not a count
    return used


def memory() -> dict[str, float]:
    """MB of each part: its share of what it shares, and all of its own (PSS)."""
    held: defaultdict[str, float] = defaultdict(float)
    for part, pids in parts().items():
        for pid in pids:
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            held[part] += int(text.partition("\nPss:")[2].split()[0]) / 1024
    return dict(held)


class Meter:
    """CPU between two moments; what the parts use when nobody asks for anything is taken off."""

    def __init__(self) -> None:
        """Nothing is taken off yet."""
        self._idle: dict[str, float] = {}

    def calibrate(self, seconds: float) -> dict[str, float]:
        """Watch an idle platform; returns the share of a core that each part uses."""
        reading = self.start()
        time.sleep(seconds)
        self._idle = {part: used / seconds for part, used in self.used(reading).items()}
        return self._idle

    @staticmethod
    def start() -> tuple[float, Counter[str]]:
        """To hand to `used`."""
        return time.monotonic(), cpu()

    def used(self, since: tuple[float, Counter[str]]) -> dict[str, float]:
        """Seconds of CPU by part since then, never less than none."""
        began, before = since
        elapsed, now = time.monotonic() - began, cpu()
        return {
            part: max(now[part] - before.get(part, 0) - self._idle.get(part, 0) * elapsed, 0.0)
            for part in now
        }
