"""Where Tix is and whose token is used: flag, environment, project file, profile, default, in this order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.credentials import Credentials, SignIn
from cli.errors import USAGE, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_URL = "http://127.0.0.1:8080"
PROJECT_FILE = ".tix.toml"
NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True)
class Source:
    """Something that may decide a setting, and what it says; empty: nothing."""

    source: str
    value: str


Chosen = tuple[Source, list[Source]]
"""What decided, and all that was looked at, first to last."""


@dataclass(frozen=True)
class Target:
    """Which Tix, as whom, and what decided it."""

    profile: str
    api_url: str
    api_url_from: str
    token_from: str
    signed_in: SignIn | None
    """What is stored for the profile, whether or not it fits the address."""
    read_token: Callable[[], str] | None = field(repr=False)

    @cached_property
    def token(self) -> str | None:
        """Read when it is needed, since a keyring takes its time. Raises Refused."""
        return self.read_token() if self.read_token else None


class Config:
    """The files under `$XDG_CONFIG_HOME/tix` (`~/.config/tix`), and the nearest `.tix.toml`."""

    def __init__(self, environ: Mapping[str, str], directory: Path) -> None:
        """`directory` is where the search for `.tix.toml` starts and goes upwards."""
        self._environ = environ
        base = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".config"
        self.home = Path(base) / "tix"
        self.credentials = Credentials(self.home / "credentials")
        self._here = directory

    def resolve(self, *, profile: str | None, api_url: str | None, warn: Callable[[str], None]) -> Target:
        """Decide; the first two are the flags, `warn` hears what a person should know. Raises Refused."""
        name = self.profile(profile)[0].value
        stored = self.credentials.read(name, warn=warn)
        chosen = self.address(api_url, name, stored)[0]
        url, url_from, project = chosen.value, chosen.source, self.project
        read_token: Callable[[], str] | None
        read_token, token_from = None, "nowhere"
        if given := self._environ.get("TIX_TOKEN"):
            if url_from == str(project):
                # Else a directory one merely entered could have the token sent to its author.
                raise unusable(
                    f"TIX_TOKEN is not sent to the address in {project}; name the address yourself.",
                    hint=f"export TIX_API_URL={url}",
                )
            read_token, token_from = partial(str, given), "TIX_TOKEN"
        elif stored and stored.api_url == url:
            read_token, token_from = partial(self.credentials.token_of, name, stored), f"profile {name}"
        return Target(name, url, url_from, token_from, stored, read_token)

    def check_named(self, target: Target, *, again: str) -> None:
        """Else a directory one merely entered could have a password sent to its author. Raises Refused.

        `again` is the command that may be called with the address.
        """
        if target.api_url_from == str(self.project):
            raise unusable(
                f"Nothing secret is sent to the address in {self.project}; name the address yourself.",
                f"{again} --api-url {target.api_url}",
            )

    @cached_property
    def project(self) -> Path | None:
        """The nearest `.tix.toml`."""
        folders = (self._here, *self._here.parents)
        return next((path for folder in folders if (path := folder / PROJECT_FILE).is_file()), None)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What config.toml says. Raises Refused."""
        return _read_toml(self.home / "config.toml")

    def profile(self, flag: str | None) -> Chosen:
        """Whose sign-in is used, and what was looked at. Raises Refused."""
        choice = self._first(
            ("--profile", flag),
            ("TIX_PROFILE", self._environ.get("TIX_PROFILE")),
            (str(self.project or PROJECT_FILE), self._of_project("profile")),
            ("config.toml", self.settings.get("profile")),
            ("default", "default"),
        )
        checked_profile(choice[0].value)
        return choice

    def address(self, flag: str | None, profile: str, stored: SignIn | None) -> Chosen:
        """Where Tix is, and what was looked at; `stored` is the profile's sign-in. Raises Refused."""
        profiles = self.settings.get("profiles")
        own = profiles.get(profile) if isinstance(profiles, dict) else None
        chosen, considered = self._first(
            ("--api-url", flag),
            ("TIX_API_URL", self._environ.get("TIX_API_URL")),
            (str(self.project or PROJECT_FILE), self._of_project("api_url")),
            (f"profile {profile}", own.get("api_url") if isinstance(own, dict) else None),
            (f"the sign-in of profile {profile}", stored.api_url if stored else None),
            ("default", DEFAULT_URL),
        )
        shown = [Source(each.source, _without_name(each.value)) for each in considered]
        return Source(chosen.source, checked_address(chosen.value)), shown

    def _of_project(self, key: str) -> Any:  # noqa: ANN401 - what a file says
        return _read_toml(self.project).get(key) if self.project else None

    @staticmethod
    def _first(*candidates: tuple[str, Any]) -> Chosen:
        source, value = next((source, value) for source, value in candidates if value)
        if not isinstance(value, str):
            raise unusable(f"{source} must hold text, not {value!r}.")
        considered = [Source(name, said if isinstance(said, str) else "") for name, said in candidates]
        return Source(source, value), considered


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - only a command that talks to the API needs it

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise unusable(f"{path} cannot be read: {error}") from error


def checked_profile(name: str) -> None:
    """Raises Refused where it is no name."""
    if not NAME.fullmatch(name):
        raise unusable(f"A profile's name is letters, digits, - and _, not {name!r}.")


def checked_address(url: str) -> str:
    """The address as it is used. Raises Refused."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        has_name = "@" in parts.netloc
    except ValueError:
        usable = has_name = False
    if not usable:
        raise unusable(f"{_without_name(url)!r} is not an address like {DEFAULT_URL}.")
    if has_name:
        raise unusable(
            "An address with a name or a password in it is not used: it would be shown and stored.",
            hint="tix auth login --api-url URL",
        )
    return url.rstrip("/")


def _without_name(url: str) -> str:
    _, at, rest = url.rpartition("@")  # what stands before it may be a password
    return f"…@{rest}" if at else url


def unusable(detail: str, hint: str | None = None) -> Refused:
    """A setting that cannot be used."""
    return Refused(detail, code="bad_configuration", exit_code=USAGE, hint=hint)
