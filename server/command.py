"""What a command of `python -m server` is, and what it says when it cannot do its work."""

import argparse
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

Command = Callable[[argparse.Namespace, Mapping[str, str]], Coroutine[Any, Any, int]]
"""Takes what was typed and the environment; gives the exit status."""


class Refusal(Exception):
    """A sentence for a person; exit 1."""
