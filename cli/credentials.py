"""How this machine keeps a sign-in: its token in the keyring if there is one, else in a file of mode 0600."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from cli.errors import AUTH, USAGE, Refused
from cli.private import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keyring.backend import KeyringBackend

T = TypeVar("T")

OTHERS_MAY = 0o077
SERVICE = "tix"
KEYRING_SECONDS = 3.0
"""A locked keyring, or one of a desktop that is not there, would be waited for without end."""
RECOMMENDED = 1
"""A backend's priority from which on keyring itself would choose it: below are those that fail or forget."""


@dataclass(frozen=True)
class SignIn:
    """A stored sign-in: the token is for this address and is never sent to another."""

    api_url: str
    token: str | None = field(repr=False)
    """None where the keyring has it."""
    email: str
    expires_at: str | None
    """RFC 3339; None where the server did not say."""

    @property
    def storage(self) -> Literal["keyring", "file"]:
        """Where the token is."""
        return "keyring" if self.token is None else "file"


class NoKeyring(Exception):
    """There is none that can be used; says why."""


class Credentials:
    """The sign-ins under a directory, a file per profile."""

    def __init__(self, directory: Path) -> None:
        """`directory` need not exist yet."""
        self._directory = directory

    def path_of(self, profile: str) -> Path:
        """The file of a profile's sign-in; also its name in the keyring, which other homes share."""
        return self._directory / f"{profile}.json"

    def read(self, profile: str, *, warn: Callable[[str], None]) -> SignIn | None:
        """What is stored for the profile; a file that others can read is closed to them. Raises Refused."""
        path = self.path_of(profile)
        try:
            with path.open(encoding="utf-8") as file:
                if os.fstat(file.fileno()).st_mode & OTHERS_MAY:
                    os.fchmod(file.fileno(), 0o600)
                    warn(f"{path} could be read by others; now it cannot. If they may have: tix auth logout")
                return SignIn(**json.load(file))
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise Refused(
                f"{path} belongs to another user or can be read by others, so its token is not used.",
                code="credentials_exposed",
                exit_code=AUTH,
                hint=f"ls -l {path}",
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise Refused(
                f"{path} cannot be read: {error}",
                code="credentials_unreadable",
                exit_code=AUTH,
                hint=f"rm {path}",
            ) from error

    def token_of(self, profile: str, sign_in: SignIn) -> str:
        """The token of what `read` gave. Raises Refused."""
        if sign_in.token is not None:
            return sign_in.token
        name = str(self.path_of(profile))
        try:
            token = _with_keyring(lambda keyring: keyring.get_password(SERVICE, name))
            if token is None:
                raise NoKeyring("the keyring does not have it any more")
        except NoKeyring as error:
            raise Refused(
                f"The token of profile {profile} cannot be read: {error}.",
                code="credentials_unreadable",
                exit_code=AUTH,
                hint=f"tix auth login --profile {profile}",
            ) from None
        return token

    def keep(self, profile: str, sign_in: SignIn, *, warn: Callable[[str], None]) -> SignIn:
        """Store it, and say if it had to be a file; returns it as it is stored. Raises Refused."""
        name, token = str(self.path_of(profile)), sign_in.token or ""

        def hand_over(keyring: KeyringBackend) -> bool:
            keyring.set_password(SERVICE, name, token)
            return keyring.get_password(SERVICE, name) == token

        try:
            if not _with_keyring(hand_over):
                raise NoKeyring("the keyring does not keep what it is given")
        except NoKeyring as why:
            self._write(profile, sign_in)
            warn(f"warning: the token is kept in {name} (mode 0600), since {why}.")
            return sign_in
        kept = replace(sign_in, token=None)
        self._write(profile, kept)
        return kept

    def forget(self, profile: str) -> None:
        """Delete the profile's sign-in, if there is one."""
        name = str(self.path_of(profile))
        with contextlib.suppress(NoKeyring, Refused):  # the token is revoked: what is left of it is worthless
            stored = self.read(profile, warn=lambda _: None)
            if stored is not None and stored.storage == "keyring":
                _with_keyring(lambda keyring: keyring.delete_password(SERVICE, name))
        with contextlib.suppress(FileNotFoundError):
            self.path_of(profile).unlink()

    def _write(self, profile: str, sign_in: SignIn) -> None:
        """Raises Refused."""
        path = self.path_of(profile)
        try:
            write_private(path, json.dumps(asdict(sign_in), indent=2))
        except OSError as error:
            raise Refused(
                f"The sign-in cannot be kept in {path}: {error.strerror}.",
                code="bad_configuration",
                exit_code=USAGE,
            ) from error


def _with_keyring(work: Callable[[KeyringBackend], T]) -> T:
    """Do it with the keyring of this machine, KEYRING_SECONDS at most. Raises NoKeyring."""
    from concurrent.futures import Future  # noqa: PLC0415 - these, and keyring 0.25 s, are rarely needed
    from threading import Thread  # noqa: PLC0415

    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work(_backend()))
        except Exception as error:  # noqa: BLE001 - a backend may raise anything, and we have a file
            done.set_exception(error)

    Thread(target=run, daemon=True).start()  # one that hangs must not keep us from ending
    try:
        return done.result(KEYRING_SECONDS)
    except NoKeyring:
        raise
    except TimeoutError:
        raise NoKeyring(f"the keyring does not answer within {KEYRING_SECONDS:g} s") from None
    except Exception as error:  # noqa: BLE001 - see above; its words may hold what it was given
        raise NoKeyring(f"the keyring fails ({type(error).__name__})") from None


def _backend() -> KeyringBackend:
    try:
        import keyring  # noqa: PLC0415 - an extra
    except ImportError:
        raise NoKeyring('tix has no access to a keyring (pip install "tix[keyring]")') from None
    found = keyring.get_keyring()
    if found.priority < RECOMMENDED:
        raise NoKeyring("this machine has no keyring")
    return found
