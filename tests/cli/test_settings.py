"""`tix config`: what is set, what decided it, and how it is changed."""

import tomllib
from pathlib import Path

import pytest

from tests.cli.running import Run
from tests.cli.test_config import kept

OLD = '# mine\nprofile = "old"\n\n[profiles.old]\n# theirs\napi_url = "http://127.0.0.1:1/old"\n'
LEVELS = ("default", "profile", "project", "environment", "flag")


def config(home: Path) -> Path:
    path = home / "config" / "tix" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def place(level: str, key: str, value: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Say it at this level; the arguments are for the flag."""
    project, line = home / "work" / ".tix.toml", f'{key} = "{value}"\n'
    match level:
        case "profile":
            config(home).write_text(line if key == "profile" else f"[profiles.default]\n{line}")
        case "project":
            project.write_text(line)
        case "environment":
            monkeypatch.setenv(f"TIX_{key.upper()}", value)
        case "flag":
            return [f"--{key.replace('_', '-')}", value]
    return []


@pytest.mark.parametrize("key", ["api_url", "profile"])
@pytest.mark.parametrize("highest", LEVELS)
def test_c18_flag_goes_before_environment_project_profile_and_default(
    tix: Run, home: Path, monkeypatch: pytest.MonkeyPatch, key: str, highest: str
) -> None:
    """Everything up to the level is set, each to another value; the level wins, and is named."""
    values = {level: f"http://127.0.0.1:1/{level}" if key == "api_url" else level for level in LEVELS}
    values["default"] = "http://127.0.0.1:8080" if key == "api_url" else "default"
    arguments: list[str] = []
    for level in LEVELS[: LEVELS.index(highest) + 1]:
        arguments += place(level, key, values[level], home, monkeypatch)
    sources = {
        "default": "default",
        "profile": "profile default" if key == "api_url" else "config.toml",
        "project": str(home / "work" / ".tix.toml"),
        "environment": f"TIX_{key.upper()}",
        "flag": f"--{key.replace('_', '-')}",
    }
    told = tix("config", "explain", key, "--json", *arguments).document
    assert (told["value"], told["source"]) == (values[highest], sources[highest])
    said = {each["source"]: each["value"] for each in told["considered"]}
    for level, source in sources.items():
        is_set = level == "default" or level in LEVELS[: LEVELS.index(highest) + 1]
        assert said.get(source, "") == (values[level] if is_set else "")
    assert tix("config", "get", key, *arguments).out == values[highest] + "\n"


class TestSet:
    """One line changes; the rest stays as it was written."""

    def test_what_is_set_is_used_and_the_rest_of_the_file_stays(self, tix: Run, home: Path) -> None:
        config(home).write_text(OLD)
        assert tix("config", "set", "api_url", "http://127.0.0.1:2/").code == 0
        assert config(home).read_text() == OLD.replace("http://127.0.0.1:1/old", "http://127.0.0.1:2")
        assert tix("config", "set", "profile", "new").code == 0
        assert tix("config", "set", "api_url", "http://127.0.0.1:3").code == 0
        text = config(home).read_text()
        assert "# mine" in text
        assert "# theirs" in text
        assert tomllib.loads(text) == {
            "profile": "new",
            "profiles": {
                "old": {"api_url": "http://127.0.0.1:2"},
                "new": {"api_url": "http://127.0.0.1:3"},
            },
        }
        assert tix("config", "get", "api_url").out == "http://127.0.0.1:3\n"

    def test_an_empty_value_takes_it_away(self, tix: Run, home: Path) -> None:
        config(home).write_text(OLD)
        assert tix("config", "set", "api_url", "").code == 0
        assert tix("config", "explain", "api_url", "--json").document["source"] == "default"
        assert tix("config", "set", "profile", "").code == 0
        assert tix("config", "get", "profile").out == "default\n"

    def test_without_a_file_one_is_made(self, tix: Run, home: Path) -> None:
        assert tix("config", "set", "api_url", "http://127.0.0.1:4").code == 0
        assert tix("config", "get", "api_url").out == "http://127.0.0.1:4\n"

    @pytest.mark.parametrize(
        ("key", "value"), [("api_url", "ftp://x"), ("api_url", "http://ada:pw@x"), ("profile", "a b")]
    )
    def test_what_could_not_be_used_is_not_kept(self, tix: Run, home: Path, key: str, value: str) -> None:
        outcome = tix("config", "set", key, value, "--json")
        assert (outcome.code, outcome.problem["code"]) == (2, "bad_configuration")
        assert "pw" not in outcome.err
        assert not (home / "config").exists()

    def test_a_file_written_another_way_is_left_alone(self, tix: Run, home: Path) -> None:
        text = 'profiles.default.api_url = "http://127.0.0.1:5"\n'
        config(home).write_text(text)
        assert tix("config", "set", "api_url", "http://127.0.0.1:6").code == 2
        assert config(home).read_text() == text


def test_an_address_with_a_password_is_not_shown_even_where_it_did_not_decide(
    tix: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIX_API_URL", "http://ada:hunter2@127.0.0.1:1")
    outcome = tix("config", "explain", "api_url", "--api-url", "http://127.0.0.1:2")
    assert outcome.code == 0
    assert "hunter2" not in outcome.out + outcome.err


def test_the_files_are_named(tix: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tix("config", "path", "--json").document["state"] == str(home / ".local/state/tix/purchases")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    paths = tix("config", "path", "--json").document
    assert paths["state"] == str(home / "state" / "tix" / "purchases")
    assert paths["config"] == str(home / "config" / "tix" / "config.toml")
    assert paths["credentials"] == str(kept(home).parent)
    assert paths["project"] is None
