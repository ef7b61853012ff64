"""`python tests/cli/killed.py TRACE POINT ARGUMENT…`: `tix ARGUMENT…` that kills itself at a named point.

A point lies around each line of the journal, each request, and the telling of the end. Each one reached is a
line of the file TRACE; `-` as POINT only notes them.
"""

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import journal
from cli.main import main
from cli.payments import Watch
from client import Tix

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = ("current_user", "reserve_ticket", "pay_order", "show_order", "show_payment", "cancel_order")


class Points:
    """Notes the points that are reached, and dies at one of them."""

    def __init__(self, trace: Path, target: str) -> None:
        self._trace = trace
        self._target = target
        self._reached: Counter[str] = Counter()

    def reach(self, name: str) -> None:
        """The process is at this point."""
        self._reached[name] += 1
        if self._reached[name] > 1:  # looks at the order are many, and all alike
            return
        with self._trace.open("a") as trace:
            trace.write(f"{name}\n")
        if name == self._target:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """A point before the function and one after it."""
        inner: Callable[..., Any] = getattr(owner, name)

        def hooked(*arguments: Any, **more: Any) -> Any:
            lines = [it for it in arguments if isinstance(it, dict)]
            step = " ".join((name, *("purchase" if "ticket_id" in line else "hold" for line in lines)))
            self.reach(f"{step} begins")
            result = inner(*arguments, **more)
            self.reach(f"{step} done")
            return result

        setattr(owner, name, hooked)

    def around_call(self, name: str) -> None:
        """A point before the request and one after its answer."""
        inner = getattr(Tix, name)

        async def hooked(*arguments: Any, **more: Any) -> Any:
            self.reach(f"{name} asked")
            answer = await inner(*arguments, **more)
            self.reach(f"{name} answered")
            return answer

        setattr(Tix, name, hooked)


if __name__ == "__main__":
    points = Points(Path(sys.argv[1]), sys.argv[2])
    for step in ("_write", "_sync"):
        points.around(journal, step)
    points.around(journal.Journal, "close")
    points.around(Watch, "tell")
    for call in CALLS:
        points.around_call(call)
    sys.exit(main(sys.argv[3:]))
