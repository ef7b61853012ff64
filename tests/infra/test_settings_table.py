"""docs/OPERATIONS.md tells every setting as it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.app import create_app, create_web
from server.settings import NEEDS, SERVICES, Service, Settings
from tests.infra.settings_table import EVERYBODY, PAGE, READ_BY, written

COMPLETE = Settings.load(
    {
        **{name: f"http://{name}" for name in ("JWKS_URL", "PUBLIC_URL", "AUTH_URL", "TICKETS_URL")},
        **{name: f"http://{name}" for name in ("ORDERS_URL", "PAYMENTS_URL")},
        **dict.fromkeys(("JWT_SECRET", "PASSWORD_PEPPER", "WEB_SECRET", "FORWARDED_SECRET"), "x" * 32),
        "NATS_URL": "nats://nowhere",
        "STRIPE_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_test",
        "BCRYPT_COST": "4",
    }
)


@contextmanager
def noticed(settings: type[Settings]) -> Iterator[set[str]]:
    """The names of the settings that are read meanwhile."""
    seen: set[str] = set()
    found = settings.__getattribute__

    def get(self: Settings, name: str) -> object:
        if name in type(self).model_fields:
            seen.add(name)
        return found(self, name)

    settings.__getattribute__ = get  # type: ignore[assignment,method-assign]
    try:
        yield seen
    finally:
        settings.__getattribute__ = found  # type: ignore[method-assign]


def test_the_table_of_settings_is_that_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "make docs"


def test_every_setting_says_what_it_is_and_who_reads_it() -> None:
    """A new one: a docstring in server/settings.py, a line in READ_BY, then `make docs`."""
    assert READ_BY.keys() == Settings.model_fields.keys()
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_service_reads_what_it_cannot_run_without() -> None:
    for service, names in NEEDS.items():
        assert [name for name in names if service not in READ_BY[name]] == []


@pytest.mark.parametrize("service", [*SERVICES, "web"])
def test_the_table_tells_who_reads_what(service: Service) -> None:
    """As far as it is read when the HTTP side is made."""
    with noticed(Settings) as seen:
        create_web(COMPLETE) if service == "web" else create_app([service], COMPLETE)  # type: ignore[comparison-overlap]
    home = {"public_url", "tix_web_port"}  # where people are led from `/`, and where `up` puts the shop
    assert {name for name in seen - home if not {service, *EVERYBODY} & {*READ_BY[name]}} == set()
    assert seen
