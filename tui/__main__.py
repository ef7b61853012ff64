"""`python -m tui`, which `tix tui` becomes."""

import os
import sys
from pathlib import Path

from cli.config import Config
from tui.app import Tui
from tui.memory import Memory


def main() -> int:
    """Draw until it is left; returns the exit code."""
    config = Config(os.environ, Path.cwd())
    target = config.resolve(profile=None, api_url=None, warn=lambda text: None)
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "tix"
    return Tui(config, target, Memory(state / f"tui-{target.profile}.json")).run() or 0


if __name__ == "__main__":
    sys.exit(main())
