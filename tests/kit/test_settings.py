"""Settings: every wrong value in one message, and no default where a secret belongs."""

from pathlib import Path

import pytest

from server.app import create_app
from server.settings import SERVICES, Service, Settings, SettingsError
from server.worker import redis_url
from tests.platform import Process, environment
from tests.problems import SECRET

GOOD = {
    "DATABASE_URL": "postgres://tix:pw@127.0.0.1:1/tix",
    "NATS_URL": "nats://127.0.0.1:1",
    "REDIS_HOST": "127.0.0.1",
    "JWT_SECRET": "j" * 32,
    "PASSWORD_PEPPER": "p" * 32,
    "STRIPE_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_12345678",
    "JWKS_URL": "http://127.0.0.1:1/.well-known/jwks.json",
}
NEEDED: dict[Service, set[str]] = {
    "auth": {"DATABASE_URL", "NATS_URL", "JWT_SECRET", "PASSWORD_PEPPER"},
    "tickets": {"DATABASE_URL", "NATS_URL", "JWKS_URL"},
    "orders": {"DATABASE_URL", "NATS_URL", "JWKS_URL"},
    "payments": {"DATABASE_URL", "NATS_URL", "JWKS_URL", "STRIPE_KEY", "STRIPE_WEBHOOK_SECRET"},
    "expiration": {"NATS_URL", "REDIS_HOST"},
}
BAD = {
    "DATABASE_URL": ["mysql://x", "x", "http://x"],
    "NATS_URL": ["127.0.0.1", "http://x"],
    "REDIS_PORT": ["0", "65536", "x", "-1", "1.5"],
    "JWT_SECRET": ["short", "x" * 31],
    "PASSWORD_PEPPER": ["short"],
    "BCRYPT_COST": ["3", "17", "x"],
    "TOKEN_HOURS": ["0", "721", "x"],
    "STRIPE_KEY": ["pk_test_x", "x"],
    "STRIPE_WEBHOOK_SECRET": ["short"],
    "STRIPE_API_BASE": ["ftp://x", "x"],
    "JWKS_URL": ["x", "file:///etc/passwd"],
    "HOLD_SECONDS": ["0", "-1", "86401", "x", "NaN"],
    "MAX_LIVE_HOLDS": ["0", "101"],
    "CAPTURE_DEADLINE_SECONDS": ["0"],
    "PORT": ["-1", "65536", "x"],
    "TIX_API_PORT": ["65536"],
    "PUBLIC_URL": [
        *("javascript:alert(1)", "https://", "https://tix.example/shop", "https://u:p@tix.example"),
        "https://tix.example?x=1",
    ],
    "WEB_SECRET": ["short"],
    "FORWARDED_SECRET": ["short"],
    "AUTH_URL": ["auth:3001"],
    "LOG_LEVEL": ["LOUD"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_p03_a_wrong_value_is_named(name: str, value: str) -> None:
    """By its environment name."""
    with pytest.raises(SettingsError, match=rf"(?m)^  {name}: "):
        Settings.load({**GOOD, name: value}, SERVICES)


def test_p03_all_that_is_wrong_is_in_one_message() -> None:
    """Wrong and missing ones together, each on its line; no value is repeated."""
    environ = {**GOOD, "BCRYPT_COST": "99", "HOLD_SECONDS": "soon", "JWT_SECRET": SECRET, "NATS_URL": ""}
    with pytest.raises(SettingsError) as refused:
        Settings.load(environ, SERVICES)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "BCRYPT_COST",
        "HOLD_SECONDS",
        "JWT_SECRET",
        "NATS_URL",
    ]
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("service", SERVICES)
def test_p03_a_service_without_any_of_its_values_names_them_all(service: Service) -> None:
    """None of them has a default, whatever else is set."""
    with pytest.raises(SettingsError) as refused:
        Settings.load({}, [service])
    named = {line.split(":")[0].strip() for line in str(refused.value).splitlines()[1:]}
    assert named == NEEDED[service]


@pytest.mark.parametrize(
    ("service", "name"), [(service, name) for service, names in NEEDED.items() for name in sorted(names)]
)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_p03_each_needed_value_is_missed(service: Service, name: str, how: str) -> None:
    """An empty value is an absent one, as compose files make them."""
    environ = {key: value for key, value in GOOD.items() if key != name}
    if how == "empty":
        environ[name] = ""
    with pytest.raises(SettingsError, match=name):
        Settings.load(environ, [service])


def test_web_without_any_of_its_values_names_them_all() -> None:
    """Its cookie must be for https only, and limits must count people: it cannot guess either."""
    with pytest.raises(SettingsError) as refused:
        Settings.load(GOOD, ["web"])
    named = {line.split(":")[0].strip() for line in str(refused.value).splitlines()[1:]}
    assert named == {
        *("WEB_SECRET", "FORWARDED_SECRET", "PUBLIC_URL"),
        *("AUTH_URL", "TICKETS_URL", "ORDERS_URL", "PAYMENTS_URL"),
    }


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("https://Tix.Example/", "https://tix.example"),
        ("https://tix.example:443", "https://tix.example"),
        ("http://tix.example:80/", "http://tix.example"),
        ("https://tix.example:8443", "https://tix.example:8443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_public_url_is_the_origin_that_browsers_send(typed: str, origin: str) -> None:
    """However it was typed: forms are recognised by it."""
    assert Settings.load({"PUBLIC_URL": typed}).public_url == origin


def test_p03_no_application_signs_with_a_default() -> None:
    """Settings made without the check still make no auth service."""
    settings = Settings.load({name: value for name, value in GOOD.items() if name != "JWT_SECRET"})
    with pytest.raises(SettingsError, match="JWT_SECRET"):
        create_app(["auth"], settings)


@pytest.mark.parametrize("missing", ["JWT_SECRET", "PASSWORD_PEPPER"])
@pytest.mark.slow
async def test_p03_auth_without_its_secret_exits_2_and_names_it(
    settings: Settings, open_dir: Path, missing: str
) -> None:
    """The program itself, with everything else it needs."""
    env = environment(settings, port=0)
    del env[missing]
    process = Process("run", "auth", env=env, log=open_dir / f"no-{missing}.log")
    assert await process.end(0) == 2  # signal 0 does nothing: it ends by itself
    assert missing in process.log.read_text()
    assert "Traceback" not in process.log.read_text()


def test_p04_redis_is_where_the_documented_variables_say() -> None:
    """REDIS_HOST, REDIS_PORT and REDIS_PASSWORD, by these names."""
    environ = {**GOOD, "REDIS_HOST": "redis.example", "REDIS_PORT": "7000", "REDIS_PASSWORD": "p@ss/w:rd"}
    settings = Settings.load(environ, SERVICES)
    assert redis_url(settings) == "redis://:p%40ss%2Fw%3Ard@redis.example:7000/0"
    assert redis_url(Settings.load(GOOD, SERVICES)) == "redis://127.0.0.1:6379/0"


def test_no_secret_is_in_the_representation() -> None:
    """Settings end up in tracebacks and logs."""
    secrets = {
        name: f"{value}{SECRET}" for name, value in GOOD.items() if name not in {"REDIS_HOST", "JWKS_URL"}
    }
    settings = Settings.load({**GOOD, **secrets, "REDIS_PASSWORD": SECRET}, SERVICES)
    assert SECRET not in repr(settings)


def test_a_service_may_have_a_database_of_its_own() -> None:
    """ORDERS_DATABASE_URL moves orders; the others stay."""
    settings = Settings.load({**GOOD, "ORDERS_DATABASE_URL": "postgres://elsewhere/tix"}, SERVICES)
    assert settings.database("orders") == "postgres://elsewhere/tix"
    assert settings.database("tickets") == GOOD["DATABASE_URL"]
