"""The manifests as kubectl builds them: valid, of things that exist, closed to all that needs no opening."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest
import yaml

from cli import __version__
from server.kit.pool import POOL_SIZE
from server.local.datadir import SECRETS
from server.settings import SERVICES
from tests.infra.containers import K8S, OURS, Document, copied, k8s_containers, kustomized, pods
from tests.infra.kinds import check

OVERLAYS = ("local", "production")


@pytest.fixture(scope="module", params=OVERLAYS)
def documents(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    """All that an overlay brings."""
    return kustomized(request.param, tmp_path_factory.mktemp("k8s"))


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    return kustomized("production", tmp_path_factory.mktemp("k8s"))


def of_kind(documents: list[Document], kind: str) -> dict[str, Document]:
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.glob("*.yaml")} - {"kustomization.yaml", "every-service.yaml"}


class TestTheFiles:
    """What holds without kubectl, too."""

    @pytest.mark.parametrize("directory", ["base", "overlays/local", "overlays/production"])
    def test_every_file_is_listed_and_every_listed_file_is_there(self, directory: str) -> None:
        listed = yaml.safe_load((K8S / directory / "kustomization.yaml").read_text())
        own = {name for name in listed["resources"] if name != "../../base"}
        assert own == files(K8S / directory)
        for generator in listed["configMapGenerator"]:
            for name in generator.get("files", []):
                assert (K8S / directory / name).is_file()

    def test_every_manifest_has_the_fields_of_its_kind(self) -> None:
        for path in sorted(K8S.rglob("*.yaml")):
            if path.name not in {"kustomization.yaml", "every-service.yaml"}:
                for document in yaml.safe_load_all(path.read_text()):
                    check(document)

    def test_every_patch_has_a_target(self) -> None:
        base = [
            d for name in files(K8S / "base") for d in yaml.safe_load_all((K8S / "base" / name).read_text())
        ]
        targets = {(d["kind"], d["metadata"]["name"]) for d in base}
        for overlay in OVERLAYS:
            listed = yaml.safe_load((K8S / "overlays" / overlay / "kustomization.yaml").read_text())
            for patch in listed["patches"]:
                kind, name = patch["target"]["kind"], patch["target"].get("name")
                assert any(kind == k and name in {None, n} for k, n in targets), patch
            for image in listed.get("images", []):
                assert image["name"].removeprefix("tix-") in OURS
                assert image["newTag"] == __version__

    def test_no_secret_is_in_them(self) -> None:
        """Only names: a value would be long."""
        for path in K8S.rglob("*.yaml"):
            assert not re.search(r"\b(sk|rk|whsec)_|[0-9a-f]{32}", path.read_text()), path
            assert all(d["kind"] != "Secret" for d in yaml.safe_load_all(path.read_text())), path


def test_they_have_the_fields_of_their_kinds(documents: list[Document]) -> None:
    for document in documents:
        check(document)
    for kind, path in {"Deployment": "spec", "Service": "spec", "HorizontalPodAutoscaler": "spec"}.items():
        wrong = copied(next(iter(of_kind(documents, kind).values())))
        wrong[path]["unheardOf"] = 1
        with pytest.raises(pydantic.ValidationError, match="unheardOf"):
            check(wrong)


def mistakes(documents: list[Document]) -> list[str]:
    """What the manifests name that is nowhere."""
    found = [text for container in k8s_containers(documents) for text in container.mistakes()]
    return [*found, *_loose_services(documents), *_loose_ends(documents)]


def _loose_services(documents: list[Document]) -> Iterator[str]:
    labels = {name: template["metadata"]["labels"] for name, template in pods(documents)}
    ports = {
        name: {
            port["name"]: port["containerPort"]
            for c in template["spec"]["containers"]
            for port in c.get("ports", [])
        }
        for name, template in pods(documents)
    }
    for name, service in of_kind(documents, "Service").items():
        chosen = [pod for pod in labels if service["spec"]["selector"].items() <= labels[pod].items()]
        for port in service["spec"]["ports"]:
            if not any(ports[pod].get(port["targetPort"]) == port["port"] for pod in chosen):
                yield f"Service {name}: no pod has port {port['targetPort']} {port['port']}"


def _loose_ends(documents: list[Document]) -> Iterator[str]:
    labels = {name: template["metadata"]["labels"] for name, template in pods(documents)}
    for name, budget in of_kind(documents, "PodDisruptionBudget").items():
        if not any(
            budget["spec"]["selector"]["matchLabels"].items() <= own.items() for own in labels.values()
        ):
            yield f"PodDisruptionBudget {name}: of no pod"
    for name, scaler in of_kind(documents, "HorizontalPodAutoscaler").items():
        if scaler["spec"]["scaleTargetRef"]["name"] not in of_kind(documents, "Deployment"):
            yield f"HorizontalPodAutoscaler {name}: of nothing"
    for name, ingress in of_kind(documents, "Ingress").items():
        for rule in ingress["spec"]["rules"]:
            to = rule["http"]["paths"][0]["backend"]["service"]
            named = {port["name"] for port in of_kind(documents, "Service")[to["name"]]["spec"]["ports"]}
            if to["port"]["name"] not in named:
                yield f"Ingress {name}: there is no port {to['port']['name']}"


def test_p04_manifests_start_what_is_in_the_code(documents: list[Document]) -> None:
    """Images, commands, settings (all there, all valid), ports and probes."""
    assert mistakes(documents) == []
    images = {c.image.partition(":")[0].removeprefix("tix-") for c in k8s_containers(documents)}
    assert images == set(OURS)


@pytest.mark.parametrize(
    ("said", "spoil"),
    [
        ("there is no image tix-order", lambda pod: pod.update(image="tix-order")),
        ("DATABASE_ULR is no setting", lambda pod: pod["env"][0].update(name="DATABASE_ULR")),
        ("DATABASE_URL: is not set", lambda pod: pod["env"].pop(0)),
        ("nobody answers /healthz", lambda pod: pod["readinessProbe"]["httpGet"].update(path="/healthz")),
        ("it listens on 3003, not on 3030", lambda pod: pod["ports"][0].update(containerPort=3030)),
        ("orders: no pod has port http", lambda pod: pod["ports"][0].update(containerPort=3030)),
        (
            "run orderz is no command",
            lambda pod: pod.update(command=["python", "-m", "server", "run", "orderz"]),
        ),
    ],
)
def test_what_is_not_in_the_code_is_noticed(production: list[Document], said: str, spoil: Any) -> None:
    wrong = copied(production)
    spoil(of_kind(wrong, "Deployment")["orders"]["spec"]["template"]["spec"]["containers"][0])
    assert any(said in text for text in mistakes(wrong)), mistakes(wrong)


def test_a_pod_is_given_the_secrets_of_its_service_only(documents: list[Document]) -> None:
    for name, template in pods(documents):
        keys = {
            variable["valueFrom"]["secretKeyRef"]["key"].removesuffix("_PREVIOUS")
            for container in template["spec"]["containers"]
            for variable in container.get("env", [])
            if "secretKeyRef" in variable.get("valueFrom", {})
        }
        assert keys <= {*SECRETS, "STRIPE_PUBLISHABLE_KEY", "uri"}
        for key, owners in {
            "JWT_SECRET": {"auth"},
            "PASSWORD_PEPPER": {"auth"},
            "STRIPE_KEY": {"payments"},
            "WEB_SECRET": {"web"},
            "NATS_PASSWORD": {"migrate", "nats"},
            **{f"{owner.upper()}_NATS_PASSWORD": {owner, "nats"} for owner in SERVICES},
        }.items():
            assert key not in keys or name in owners, name


def test_every_pod_is_locked_down(documents: list[Document]) -> None:
    """As Pod Security's `restricted` asks, which the namespace enforces; no environment from Kubernetes."""
    for name, template in pods(documents):
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name  # a Service named redis sets REDIS_PORT, a setting
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["capabilities"]["drop"] == ["ALL"], name
            assert set(context["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}, name
            assert container["resources"]["limits"].keys() == {"memory"}, name


def test_all_pools_together_find_room_in_the_database(production: list[Document]) -> None:
    """At their most, and one more of each while they roll; ten are left for people and the operator."""
    scalers = of_kind(production, "HorizontalPodAutoscaler")
    replicas = sum(
        scalers[name]["spec"]["maxReplicas"] + 1 for name in ("auth", "tickets", "orders", "payments")
    )
    allowed = of_kind(production, "Cluster")["postgres"]["spec"]["postgresql"]["parameters"][
        "max_connections"
    ]
    assert replicas * POOL_SIZE + 10 <= int(allowed)


def test_the_bus_and_the_database_keep_what_was_acknowledged(production: list[Document]) -> None:
    """Three copies of the stream on three nodes; a commit is on two disks."""
    assert of_kind(production, "StatefulSet")["nats"]["spec"]["replicas"] == 3
    [settings] = [
        d["data"] for name, d in of_kind(production, "ConfigMap").items() if name.startswith("settings")
    ]
    assert settings["NATS_REPLICAS"] == "3"
    cluster = of_kind(production, "Cluster")["postgres"]["spec"]
    assert cluster["instances"] == 3
    assert cluster["postgresql"]["synchronous"] == {
        "method": "any",
        "number": 1,
        "dataDurability": "required",
    }


class TestTheNetwork:
    """Who may talk to whom, by what the policies say together."""

    def may(self, documents: list[Document], caller: str, called: str, port: int) -> bool:
        """Whether both ends allow it."""
        labels = {name: template["metadata"]["labels"] for name, template in pods(documents)}
        return self._allows(documents, labels[caller], "egress", labels[called], port) and self._allows(
            documents, labels[called], "ingress", labels[caller], port
        )

    def _allows(self, documents: list[Document], own: Document, way: str, other: Document, port: int) -> bool:
        for policy in of_kind(documents, "NetworkPolicy").values():
            if not self._chosen(policy["spec"]["podSelector"], own):
                continue
            for rule in policy["spec"].get(way, []):
                peers = rule.get("to" if way == "egress" else "from")
                if all(wanted["port"] != port for wanted in rule["ports"]):
                    continue
                if peers is None or any(
                    "podSelector" in peer
                    and "namespaceSelector" not in peer
                    and self._chosen(peer["podSelector"], other)
                    for peer in peers
                ):
                    return True
        return False

    @staticmethod
    def _chosen(selector: Document, labels: Document) -> bool:
        return selector.get("matchLabels", {}).items() <= labels.items() and all(
            labels.get(expression["key"]) in expression["values"]
            for expression in selector.get("matchExpressions", [])
        )

    def test_what_must_talk_may(self, documents: list[Document]) -> None:
        calls = [
            *(("edge", name, OURS[name]) for name in ("auth", "tickets", "orders", "payments", "web")),
            *(("web", name, OURS[name]) for name in ("auth", "tickets", "orders", "payments")),
            *((name, "auth", 3001) for name in ("tickets", "orders", "payments")),
            *((name, "nats", 4222) for name in (*SERVICES, "migrate")),
            ("nats", "nats", 6222),
            ("expiration", "redis", 6379),
        ]
        if "stripe" in dict(pods(documents)):
            calls += [("payments", "stripe", 12111), ("stripe", "payments", 3004)]
            calls += [
                (name, "postgres", 5432) for name in ("auth", "tickets", "orders", "payments", "migrate")
            ]
        for call in calls:
            assert self.may(documents, *call), call

    def test_nothing_else_may(self, documents: list[Document]) -> None:
        for call in (
            ("web", "nats", 4222),
            ("web", "redis", 6379),
            ("edge", "nats", 4222),
            ("edge", "expiration", 3005),
            ("orders", "payments", 3004),
            ("orders", "redis", 6379),
            ("tickets", "nats", 6222),
        ):
            assert not self.may(documents, *call), call
        if "postgres" in dict(pods(documents)):
            assert not self.may(documents, "web", "postgres", 5432)

    def test_without_the_one_for_nothing_everything_would_be_open(self, documents: list[Document]) -> None:
        """A pod that no policy chooses is open: it must choose all."""
        assert of_kind(documents, "NetworkPolicy")["nothing"]["spec"] == {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
        }
