"""`tix`, and `python -m cli`."""

import sys

from cli import INTERRUPTED


def run() -> None:
    """The console script; Ctrl-C ends it in silence, even while it still imports what it needs."""
    try:
        from cli.main import run  # noqa: PLC0415 - where Ctrl-C is caught

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run()
