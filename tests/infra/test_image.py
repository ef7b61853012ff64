"""The Dockerfile and the edge, as far as they can be read: no engine is needed."""

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from server.app import create_app
from server.local.datadir import SECRETS
from server.ports import PORTS
from server.settings import SERVICES, Settings
from tests.infra.containers import K8S, OURS, ROOT
from tests.platform import free_port

DOCKERFILE = (ROOT / "Dockerfile").read_text()
CADDYFILE = (K8S / "base/Caddyfile").read_text()
OWN_TO_A_PROCESS = frozenset({"/", "/livez", "/readyz", "/docs", "/openapi.json"})
"""Routes that each service has, and the edge does not hand on."""


class TestTheDockerfile:
    """What an image is made of."""

    def test_the_context_is_what_it_copies_and_no_more(self) -> None:
        """A name in one of the two only would be an error, or a file too many."""
        kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
        copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        assert sorted(kept) == sorted(name for line in copied for name in line.split())
        for name in kept:
            assert (ROOT / name).exists(), name
        assert "\n*\n" in (ROOT / ".dockerignore").read_text()

    def test_the_last_stage_installs_nothing_and_is_no_root(self) -> None:
        last = DOCKERFILE.rpartition("\nFROM ")[2]
        assert "USER 10001:10001" in last
        assert "STOPSIGNAL SIGTERM" in last
        assert not re.search(r"\b(pip|uv|apt-get|apk) (install|add|wheel)", last)
        assert "rm -rf /usr/local/lib/python3*/site-packages/*" in last

    def test_everything_comes_by_the_lock_and_its_hashes(self) -> None:
        installs = re.findall(r"pip (?:install|wheel)[^&\n]*", DOCKERFILE.replace("\\\n", " "))
        assert len(installs) == 5
        for install in installs:
            assert "--require-hashes" in install or "--no-deps" in install, install
        assert "://" not in DOCKERFILE
        lock = (ROOT / "requirements.lock").read_text()
        for tool in ("uv", "hatchling"):
            assert re.search(rf"^{tool}==\S+ \\$", lock, re.MULTILINE), tool

    def test_its_health_check_tells_life_from_death(self) -> None:
        [line] = re.findall(
            r'^HEALTHCHECK .* CMD \["python", "-c", "((?:.|\\\n)*?)"\]$', DOCKERFILE, re.MULTILINE
        )
        program = line.replace("\\\n", "")
        dead = subprocess.run(["python3", "-c", program], env={"PORT": str(free_port())}, check=False)
        assert dead.returncode != 0

    def test_its_port_is_the_services(self) -> None:
        """As the build asks the code; for a service that does not exist the code has no answer."""
        [program] = re.findall(r'^RUN python -c "(.*)" >/port$', DOCKERFILE, re.MULTILINE)
        programs = [program.replace("$SERVICE", service) for service in (*OURS, "nobody")]
        done = subprocess.run(
            [sys.executable, "-c", "; ".join(programs)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert [int(line) for line in done.stdout.split()] == list(OURS.values())
        assert "KeyError: 'nobody'" in done.stderr


def edge(site: str) -> dict[str, str]:
    """Path pattern → where it leads, of a site of the Caddyfile."""
    block = re.split(r"^:(?=\d)", CADDYFILE, flags=re.MULTILINE)
    [own] = [part for part in block if part.startswith(site)]
    paths = dict(re.findall(r"^\t@(\w+) path (.+)$", own, re.MULTILINE))
    led = dict(re.findall(r"^\thandle @(\w+) \{\n\t\timport to (\S+)$", own, re.MULTILINE))
    return {pattern: led[name] for name in led for pattern in paths[name].split()}


class TestTheEdge:
    """Which path leads where."""

    @pytest.mark.parametrize("service", [name for name in SERVICES if name != "expiration"])
    def test_it_leads_each_route_to_its_service(self, service: str, settings: Settings) -> None:
        routes = edge("8080")
        app = create_app([service], settings.model_copy(update={"jwks_url": "http://127.0.0.1/"}))  # type: ignore[list-item]
        asked = {re.sub(r"<[^>]+>", "x", f"/{route.path}") for route in app.router.routes} - OWN_TO_A_PROCESS
        assert asked
        for path in asked:
            led = [to for pattern, to in routes.items() if fnmatch(path, pattern)]
            assert led == [f"{service}:{PORTS[service]}"], path  # type: ignore[index]

    def test_it_leads_nobody_to_what_is_private(self) -> None:
        for path in ("/metrics", "/readyz", "/docs", "/internal"):
            assert not [to for pattern, to in edge("8080").items() if fnmatch(path, pattern)]
        assert re.search(r"@private path .*/metrics", CADDYFILE)

    def test_the_shop_has_a_site_of_its_own(self) -> None:
        assert f"import to web:{OURS['web']}" in CADDYFILE.rpartition("\n:3000 {")[2]

    def test_its_settings_are_given_to_it(self) -> None:
        used = set(re.findall(r"\{\$(\w+)", CADDYFILE))
        manifest = (K8S / "base/edge.yaml").read_text()
        assert all(f"name: {name}" in manifest for name in used)
        raw = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
        assert raw["services"]["edge"]["environment"].keys() == used


def test_skaffold_builds_every_image() -> None:
    skaffold = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    for artifact in skaffold["build"]["artifacts"]:
        assert artifact["image"] == f"tix-{artifact['docker']['buildArgs']['SERVICE']}"
    assert {artifact["image"].removeprefix("tix-") for artifact in skaffold["build"]["artifacts"]} == set(
        OURS
    )
    for path in skaffold["manifests"]["kustomize"]["paths"]:
        assert (ROOT / path / "kustomization.yaml").is_file()


def test_make_builds_every_image() -> None:
    targets = re.search(
        r"^((?:docker-build-\w+ ?)+): docker-build-%", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert targets is not None
    assert set(targets[1].split()) == {f"docker-build-{name}" for name in OURS}


@pytest.mark.parametrize(
    "target", ["docker-build-auth", "docker-build-all", "compose-up", "k8s-apply", "k8s-delete"]
)
def test_what_is_missing_is_said_in_a_sentence(target: str) -> None:
    """With neither docker nor kubectl on the path; nothing else is begun."""
    done = subprocess.run(
        ["make", target],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DOCKER_HOST": "tcp://127.0.0.1:1", "KUBECONFIG": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1
    assert re.search(r"none answers here|there is none here|reaches no cluster", said[0])


def apply(tmp_path: Path) -> Path:
    """`make k8s-apply` without a cluster; what it asked of kubectl, a line each."""
    log = tmp_path / "log"
    stub = tmp_path / "kubectl"
    stub.write_text(f'#!/bin/sh\necho "$@" >>{log}\n')
    stub.chmod(0o755)
    subprocess.run(
        ["make", "k8s-apply", "OVERLAY=production", f"LOCAL={tmp_path}"],
        cwd=ROOT,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        check=True,
    )
    return log


@pytest.mark.slow
def test_secrets_of_an_older_release_are_completed_and_not_changed(tmp_path: Path) -> None:
    """A second password of the database, or a second pepper, would lock everybody out."""
    old = "# Keep it.\nPOSTGRES_PASSWORD=of-then\nPASSWORD_PEPPER=of-then-too\n\nMINE=its comment # isn't one"
    kept = tmp_path / "tix.env"
    kept.write_text(old)
    apply(tmp_path)
    completed = kept.read_text()
    assert completed.startswith(f"{old}\n")
    assert sorted(re.findall(r"^(\w+)=.", completed, re.MULTILINE)) == sorted([*SECRETS, "MINE"])
    assert ":of-then@" in (tmp_path / "postgres-app.env").read_text()
    apply(tmp_path)
    assert kept.read_text() == completed


def test_so_are_those_of_compose() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "--no-print-directory .env\n\t@$(call COMPLETE,.env)\n\tdocker compose" in makefile


def test_services_roll_when_the_database_is_ready_for_them(tmp_path: Path) -> None:
    """What `make k8s-apply` asks of kubectl, in its order."""
    log = apply(tmp_path)
    said = [line.split()[:2] for line in log.read_text().splitlines()]
    assert said == [
        ["version"],
        ["delete", "job"],
        ["apply", "--kustomize"],
        ["wait", "job/migrate"],
        ["apply", "--kustomize"],
    ]
    first, second = [line for line in log.read_text().splitlines() if line.startswith("apply")]
    assert first == f"{second} --selector tix/kind!=service"
    secrets = dict(line.split("=", 1) for line in (tmp_path / "tix.env").read_text().splitlines())
    uri = (tmp_path / "postgres-app.env").read_text()
    assert uri == f"uri=postgres://tix:{secrets['POSTGRES_PASSWORD']}@postgres-rw:5432/tix\n"
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("tix.env", "postgres-app.env")} == {0o600}
