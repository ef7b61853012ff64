"""Where the app keeps what outlives a run."""

from collections.abc import Mapping
from pathlib import Path


def kept(environ: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/tix/tui` (`~/.local/state/tix/tui`): a file per profile, and the log of a crash."""
    base = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".local" / "state"
    return Path(base) / "tix" / "tui"
