"""`python -m tui`, which `tix tui` becomes."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.config import Config, Target
from cli.errors import Refused, explain
from tui.first import FirstPaint
from tui.places import kept
from tui.plain import commands, why_plain


def main() -> int:
    """Draw until it is left; returns the exit code."""
    parser = argparse.ArgumentParser(prog="tix tui")
    parser.add_argument("--profile")
    parser.add_argument("--api-url")
    parser.add_argument("--readonly", action="store_true")
    asked = parser.parse_args()
    flags = {"--profile": asked.profile, "--api-url": asked.api_url}
    if _tell_instead(flags):
        return 0
    config = Config(os.environ, Path.cwd())
    try:
        # Whoever else could read a sign-in is told so by every other command: here is no line for it.
        target = config.resolve(profile=asked.profile, api_url=asked.api_url, warn=lambda _: None)
        return _draw(config, target, flags, is_readonly=asked.readonly)
    except Refused as error:
        problem = explain(error, {})
        problem.show(as_json=False)
        return problem.exit_code


def _tell_instead(flags: Mapping[str, str | None]) -> bool:
    """Print commands where nothing can be drawn; whether it was so."""
    why = why_plain(os.environ, (sys.stdin, sys.stdout, sys.stderr))
    if why is None:
        return False
    sys.stdout.write("\n".join(commands(why, flags)) + "\n")
    return True


def _draw(config: Config, target: Target, flags: Mapping[str, str | None], *, is_readonly: bool) -> int:
    """Raises Refused."""
    folder = kept(os.environ)
    with FirstPaint(folder / f"{target.profile}.json", target.api_url) as first:
        try:
            from tui.app import Tui  # noqa: PLC0415 - 0.6 s, during which there is something to see
            from tui.memory import Memory  # noqa: PLC0415 - likewise

            memory = Memory.of(os.environ, target.profile)
            app = Tui(config, target, memory, is_readonly=is_readonly, flags=flags)
        except KeyboardInterrupt:
            return 130
        first.hand_over()
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
