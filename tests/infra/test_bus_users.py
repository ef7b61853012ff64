"""Containers get the bus' users as the code has them, and each of them its password."""

import re

import yaml

from server.grants import KEEPER, nats_users
from server.local.datadir import SECRETS, fresh_secrets
from server.settings import SERVICES
from tests.infra.containers import K8S, compose

FILE = K8S / "base/nats-users.conf"
PASSWORDS = {f"{prefix}NATS_PASSWORD" for prefix in ("", *(f"{name.upper()}_" for name in SERVICES))}


def test_the_file_says_what_the_code_says() -> None:
    assert FILE.read_text() == nats_users(), "make golden"


def test_each_user_has_a_password_that_is_a_secret() -> None:
    """And it is in no file."""
    text = nats_users()
    assert re.findall(r"user: (\w+)", text) == [KEEPER, *SERVICES]
    assert set(re.findall(r"password: \$(\w+)", text)) == PASSWORDS
    assert text.count("password: $") == text.count("password:")
    assert SECRETS.keys() >= PASSWORDS


def test_nats_is_given_every_password_with_quotes_around_it() -> None:
    """Without them it would take 7e21 for a number."""
    [pod] = [
        d for d in yaml.safe_load_all((K8S / "base/nats.yaml").read_text()) if d["kind"] == "StatefulSet"
    ]
    given = {one["name"]: one for one in pod["spec"]["template"]["spec"]["containers"][0]["env"]}
    bare = {name: one["valueFrom"]["secretKeyRef"]["key"] for name, one in given.items() if "BARE" in name}
    assert {name for name in given if name.endswith("NATS_PASSWORD")} == PASSWORDS
    for name in PASSWORDS:
        [quoted] = re.findall(r'^"\$\((\w+)\)"$', given[name]["value"])
        assert bare[quoted] == name
    secrets = fresh_secrets()
    environment = compose(secrets)["services"]["nats"]["environment"]
    assert environment == {name: f'"{secrets[name]}"' for name in PASSWORDS}


def test_only_migrate_knows_the_user_who_may_do_everything() -> None:
    """In Compose; Kubernetes' pods are looked at where their secrets are."""
    services = compose(fresh_secrets())["services"]
    knows = {name for name, service in services.items() if "NATS_URL" in (service.get("environment") or {})}
    assert knows == {"migrate"}
    for name in SERVICES:
        [url] = [value for key, value in services[name]["environment"].items() if key.endswith("NATS_URL")]
        assert url.startswith(f"nats://{name}:")
