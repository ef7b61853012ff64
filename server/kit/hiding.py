"""Imports without what libraries take along only because it happens to be installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hiding(*modules: str) -> Iterator[None]:
    """What is imported meanwhile does not find these, and does as where they are not installed.

    One thread imports at a time: another's import would not find them either.
    """
    before = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules.update(dict.fromkeys(modules))  # type: ignore[arg-type] # None: not to be found
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules.update(before)
