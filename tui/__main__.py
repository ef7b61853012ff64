"""`python -m tui`, which `tix tui` becomes."""

import argparse
import os
import sys
from pathlib import Path

from cli.config import Config
from cli.errors import Refused, explain
from tui.app import Tui
from tui.memory import Memory


def main() -> int:
    """Draw until it is left; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tix tui")
    parser.add_argument("--profile")
    parser.add_argument("--api-url")
    parser.add_argument("--readonly", action="store_true")
    asked = parser.parse_args()
    config = Config(os.environ, Path.cwd())
    warnings: list[str] = []
    try:
        target = config.resolve(profile=asked.profile, api_url=asked.api_url, warn=warnings.append)
        memory = Memory.of(os.environ, target.profile)
        return Tui(config, target, memory, is_readonly=asked.readonly).run() or 0
    except Refused as error:
        problem = explain(error, {})
        problem.show(as_json=False)
        return problem.exit_code


if __name__ == "__main__":
    sys.exit(main())
