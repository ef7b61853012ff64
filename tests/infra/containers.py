"""The container files as programs: what each container of ours runs, with which settings, on which port."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.__main__ import _parser
from server.app import create_app, create_web
from server.local.datadir import fresh_secrets
from server.ports import PORTS
from server.settings import Settings, SettingsError
from server.stripe_sandbox.__main__ import argument_parser

ROOT = Path(__file__).parents[2]
K8S = ROOT / "infra/k8s"
OURS: Mapping[str, int] = dict(PORTS.items())
"""A service that has an image → its port."""
SANDBOX = ["python", "-m", "server.stripe_sandbox"]
HELPERS = frozenset({"NATS_PASSWORD"})
"""Environment that is no setting: Kubernetes puts it into one that is."""
DATABASE_URL = "postgresql://tix:secret@postgres-rw.tix:5432/tix"

Document = dict[str, Any]


@dataclass
class Container:
    """One of ours, as Compose or Kubernetes would start it."""

    where: str
    image: str
    command: list[str]
    """Empty: what the image says, `run` of its service."""
    environ: dict[str, str]
    port: int | None = None
    """By which others reach it."""
    probes: list[tuple[str, int]] = field(default_factory=list)
    """Path and port of each HTTP probe."""

    def mistakes(self) -> Iterator[str]:
        """What in it does not exist in the code."""
        service = self.image.partition(":")[0].removeprefix("tix-")
        if service not in OURS:
            yield f"{self.where}: there is no image {self.image}"
            return
        for name in self.environ.keys() - {name.upper() for name in Settings.model_fields} - HELPERS:
            yield f"{self.where}: {name} is no setting"
        if self.command[:3] == SANDBOX:
            yield from _refused(self.where, argument_parser(), self.command[3:])
            return
        if self.command:
            if self.command[:3] != ["python", "-m", "server"]:
                yield f"{self.where}: {self.command} is not ours"
            yield from _refused(self.where, _parser(), self.command[3:])
            return
        yield from self._mistakes_of(service)

    def _mistakes_of(self, service: Any) -> Iterator[str]:
        try:
            settings = Settings.load(self.environ, [service])
        except SettingsError as error:
            yield f"{self.where}: {error}"
            return
        expected = settings.port or OURS[service]
        if self.port is not None and self.port != expected:
            yield f"{self.where}: it listens on {expected}, not on {self.port}"
        app = create_web(settings) if service == "web" else create_app([service], settings)
        routes = {f"/{route.path}" for route in app.router.routes}
        for path, port in self.probes:
            if path not in routes or port != expected:
                yield f"{self.where}: nobody answers {path} on {port}"


def _refused(where: str, parser: Any, arguments: list[str]) -> Iterator[str]:
    try:
        parser.parse_args(arguments)
    except SystemExit:
        yield f"{where}: {' '.join(arguments)} is no command"


def compose(environ: Mapping[str, str]) -> Document:
    """docker-compose.yaml, with `environ` put in as Compose does it. Raises KeyError for what it lacks."""
    document: Document = _interpolated(yaml.safe_load((ROOT / "docker-compose.yaml").read_text()), environ)
    return document


def _interpolated(part: Any, environ: Mapping[str, str]) -> Any:
    """`${A}`, `${A:?why}`, `${A:-or}` and `${A:+then}`, the innermost first."""
    if isinstance(part, dict):
        return {key: _interpolated(value, environ) for key, value in part.items()}
    if isinstance(part, list):
        return [_interpolated(value, environ) for value in part]
    if not isinstance(part, str):
        return part

    def value(match: re.Match[str]) -> str:
        given = environ.get(match["name"], "")
        if match["operator"] == ":+":
            return match["word"] if given else ""
        if match["operator"] == ":-":
            return given or match["word"]
        return given or environ[match["name"]]

    variable = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?:(?P<operator>:[?+-])(?P<word>[^${}]*))?\}")
    while (new := variable.sub(value, part)) != part:
        part = new
    return part.replace("$$", "$")


def compose_containers(document: Document) -> Iterator[Container]:
    """Ours in a Compose file."""
    for name, service in document["services"].items():
        if not service["image"].startswith("tix-"):
            continue
        ports = [int(port.rpartition(":")[2]) for port in service.get("ports", [])]
        environ = {key: str(value) for key, value in (service.get("environment") or {}).items()}
        yield Container(
            f"compose {name}",
            service["image"],
            service.get("command", []),
            environ,
            port=ports[0] if ports else None,
        )


def kustomized(overlay: str, directory: Path) -> list[Document]:
    """What `kubectl kustomize` makes of an overlay, in a copy with secrets; skips without kubectl."""
    if shutil.which("kubectl") is None:
        pytest.skip(
            "no kubectl, so nothing builds an overlay here; the files are checked one by one all the same"
        )
    copy = directory / "k8s"
    shutil.copytree(K8S, copy, ignore=shutil.ignore_patterns("*.env"), dirs_exist_ok=True)
    secrets = "".join(f"{name}={value}\n" for name, value in fresh_secrets().items())
    (copy / "overlays/local/tix.env").write_text(secrets)
    (copy / "overlays/local/postgres-app.env").write_text(f"uri={DATABASE_URL}\n")
    done = subprocess.run(
        ["kubectl", "kustomize", str(copy / "overlays" / overlay)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # it warns there of what is deprecated
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def pods(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    """Name and template of whatever makes pods; CloudNativePG's are the operator's."""
    for document in documents:
        if document["kind"] in {"Deployment", "StatefulSet", "Job"}:
            yield document["metadata"]["name"], document["spec"]["template"]


def k8s_containers(documents: list[Document]) -> Iterator[Container]:
    """Ours in the manifests, with a value for each secret."""
    maps = {d["metadata"]["name"]: d.get("data", {}) for d in documents if d["kind"] == "ConfigMap"}
    previous = {f"{name}_PREVIOUS": value for name, value in fresh_secrets().items()}
    secrets = {**fresh_secrets(), **previous, "STRIPE_PUBLISHABLE_KEY": "pk_live_public", "uri": DATABASE_URL}
    for name, template in pods(documents):
        for made in template["spec"]["containers"]:
            if not made["image"].startswith("tix-"):
                continue
            environ: dict[str, str] = {}
            for source in made.get("envFrom", []):
                environ |= maps[source["configMapRef"]["name"]]
            for variable in made.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                value = secrets[reference["key"]] if reference else variable["value"]
                environ[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda m: environ[m[1]], value)  # noqa: B023
            ports = {port["name"]: port["containerPort"] for port in made.get("ports", [])}
            probes = [
                made[key]["httpGet"] for key in made if key.endswith("Probe") and "httpGet" in made[key]
            ]
            yield Container(
                f"{name} in Kubernetes",
                made["image"],
                made.get("command", []),
                environ,
                port=next(iter(ports.values()), None),
                probes=[(probe["path"], ports[probe["port"]]) for probe in probes],
            )


def copied(document: Any) -> Any:
    """For a negative control to spoil."""
    return json.loads(json.dumps(document))
