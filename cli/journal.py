"""The journal of a purchase: what was decided, on the disk before it is done, until its end was told.

A file per purchase, a line of JSON per step, locked by the `tix` that is at it. Whoever finds one without a
lock knows that its `tix` died, and can go on: the idempotency keys in it make every step the same one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from cli.errors import CONFLICT, USAGE, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Purchase:
    """What is bought, by whom and where; `max_price` in minor units, `started_at` RFC 3339."""

    api_url: str
    user_id: str
    ticket_id: str
    max_price: int | None
    method: str | None
    """None: on a hosted page."""
    reserve_key: str
    pay_key: str
    started_at: str
    order_id: str | None = None
    """None while no hold is known of."""

    @property
    def way(self) -> tuple[int | None, str | None]:
        """How it is bought: two that differ here are not the same purchase."""
        return self.max_price, self.method


class Journal:
    """One purchase under way; nobody else is at it while this is open: `with journal:`."""

    def __init__(self, path: Path, descriptor: int, purchase: Purchase) -> None:
        """Made by `begin` and `take_up` only."""
        self._path = path
        self._file = descriptor
        self.purchase = purchase
        self.is_closed = False

    @classmethod
    def begin(cls, home: Path, purchase: Purchase) -> Self:
        """Write a purchase down; an unfinished one of the same ticket is taken up instead. Raises Refused."""
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = home / _name(purchase)
            file = _locked(path, os.O_CREAT)
            assert file is not None  # noqa: S101 - narrows the type: it was created
            found = _read(file)
            if found is None:
                os.ftruncate(file, 0)
                _write(file, asdict(purchase))
                _sync(home)
                _sync(home.parent)
        except OSError as error:
            raise Refused(
                f"The purchase cannot be written down in {home}, so it was not begun: {error.strerror}.",
                code="bad_configuration",
                exit_code=USAGE,
            ) from error
        return cls(path, file, found or purchase)

    @classmethod
    def take_up(cls, home: Path, purchase: Purchase) -> Self | None:
        """Go on with one of `unfinished`; None if it has ended meanwhile. Raises Refused."""
        path = home / _name(purchase)
        file = _locked(path)
        found = _read(file) if file is not None else None
        return cls(path, file, found) if file is not None and found is not None else None

    def held(self, order_id: str) -> None:
        """There is a hold: from now on it is to be paid or given up."""
        _write(self._file, {"order_id": order_id})
        self.purchase = replace(self.purchase, order_id=order_id)

    def close(self) -> None:
        """What came of it was told, or is being told: forget it."""
        self._path.unlink()
        self.is_closed = True

    def __enter__(self) -> Self:
        """It is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Another may go on with it, unless it has ended."""
        os.close(self._file)


def unfinished(home: Path, *, api_url: str, user_id: str) -> list[Purchase]:
    """The purchases of this user at this address that have not ended, oldest first."""
    found = [_purchase(_text(path)) for path in home.glob("*.json")]
    theirs = [it for it in found if it is not None and (it.api_url, it.user_id) == (api_url, user_id)]
    return sorted(theirs, key=lambda purchase: purchase.started_at)


def home_of(environ: Mapping[str, str]) -> Path:
    """The directory of the journals: `$XDG_STATE_HOME/tix/purchases` (`~/.local/state`)."""
    base = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".local" / "state"
    return Path(base) / "tix" / "purchases"


def _name(purchase: Purchase) -> str:
    """One file per address, user and ticket, so that a second `tix buy` finds the first."""
    name = f"{purchase.api_url}\n{purchase.user_id}\n{purchase.ticket_id}"
    return f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def _locked(path: Path, create: int = 0) -> int | None:
    """The open file, ours alone; None if its purchase has ended meanwhile."""
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | create, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise Refused(
                "Another tix is buying this ticket just now.", code="purchase_under_way", exit_code=CONFLICT
            ) from None
        if os.fstat(file).st_nlink:
            return file
        os.close(file)  # deleted between the two calls


def _lines(text: bytes) -> Iterator[dict[str, Any]]:
    """Whole lines only: one that a power cut tore in two was not written."""
    for line in text.splitlines(keepends=True):
        try:
            step = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            step = None
        if not isinstance(step, dict):
            return
        yield step


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # it has ended just now
        return b""


def _purchase(text: bytes) -> Purchase | None:
    steps: dict[str, Any] = {}
    for step in _lines(text):
        steps |= step
    try:
        return Purchase(**steps)
    except TypeError:  # empty, or of another version
        return None


def _read(file: int) -> Purchase | None:
    """What is written there; a torn end is cut off."""
    text = os.pread(file, os.fstat(file).st_size, 0)
    whole = sum(len(line) for line, _ in zip(text.splitlines(keepends=True), _lines(text), strict=False))
    if whole < len(text):
        os.ftruncate(file, whole)
    return _purchase(text)


def _write(file: int, step: Mapping[str, Any]) -> None:
    os.write(file, json.dumps(step).encode() + b"\n")
    os.fsync(file)


def _sync(directory: Path) -> None:
    """A new name is on the disk only when its directory is."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
