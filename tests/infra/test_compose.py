"""docker-compose.yaml against the Compose specification, and against the code it starts."""

import json
from importlib import resources

import jsonschema
import pytest

from server.local.datadir import SECRETS, fresh_secrets
from tests.infra.containers import OURS, Document, compose, compose_containers, copied


def mistakes(document: Document) -> list[str]:
    return [text for container in compose_containers(document) for text in container.mistakes()]


@pytest.fixture(scope="module", params=["", "1"], ids=["Stripe", "sandbox"])
def document(request: pytest.FixtureRequest) -> Document:
    """The file as `make compose-up` fills it in."""
    return compose({**fresh_secrets(), "SANDBOX": request.param})


def test_it_is_a_compose_file(document: Document) -> None:
    schema = json.loads(
        (resources.files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json").read_text()
    )
    jsonschema.validate(document, schema)
    wrong = copied(document)
    wrong["services"]["auth"]["read_onli"] = True
    with pytest.raises(jsonschema.ValidationError, match="read_onli"):
        jsonschema.validate(wrong, schema)


def test_p04_manifests_of_compose_start_what_is_in_the_code(document: Document) -> None:
    """Images, commands, settings (all there, all valid) and ports."""
    assert mistakes(document) == []
    assert {c.image.removeprefix("tix-") for c in compose_containers(document)} == set(OURS)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("auth", "image"), "tix-author", "there is no image tix-author"),
        (("auth", "environment", "JWT_SECRTE"), "x" * 32, "JWT_SECRTE is no setting"),
        (("auth", "environment", "JWT_SECRET"), "", "JWT_SECRET: is not set"),
        (("orders", "environment", "HOLD_SECONDS"), "soon", "HOLD_SECONDS: Input should be a valid integer"),
        (("tickets", "ports"), ["127.0.0.1:3002:3003"], "it listens on 3002, not on 3003"),
        (("migrate", "command"), ["python", "-m", "server", "migrat"], "migrat is no command"),
        (("stripe", "command"), ["python", "-m", "server.stripe_sandbox"], "is no command"),
    ],
)
def test_what_is_not_in_the_code_is_noticed(path: tuple[str, ...], value: object, said: str) -> None:
    wrong = compose(fresh_secrets())
    inner = wrong["services"]
    for key in path[:-1]:
        inner[key] = inner = dict(inner[key])
    inner[path[-1]] = value
    assert any(said in text for text in mistakes(wrong)), mistakes(wrong)


def test_without_secrets_it_says_so() -> None:
    """None has a default."""
    for name in SECRETS:
        with pytest.raises(KeyError, match=name):
            compose({other: value for other, value in fresh_secrets().items() if other != name})


def test_only_the_servers_start_without_a_profile(document: Document) -> None:
    services = document["services"]
    assert {name for name in services if "profiles" not in services[name]} == {"postgres", "nats", "redis"}


def test_every_container_is_locked_down(document: Document) -> None:
    for name, service in document["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(service.get("cap_add", [])) <= {"NET_BIND_SERVICE"}, name


def test_only_the_edge_is_open_to_other_machines(document: Document) -> None:
    is_open = {
        name
        for name, service in document["services"].items()
        if any(not port.startswith("127.0.0.1:") for port in service.get("ports", []))
    }
    assert is_open == {"edge"}


def test_the_sandbox_runs_only_when_it_is_used() -> None:
    for given, replicas, base in (("", "0", ""), ("1", "1", "http://stripe:12111")):
        services = compose({**fresh_secrets(), "SANDBOX": given})["services"]
        assert services["stripe"]["deploy"]["replicas"] == replicas
        assert services["payments"]["environment"]["STRIPE_API_BASE"] == base
