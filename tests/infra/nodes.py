"""The NATS of Kubernetes on loopback: three nodes on the manifests' own files, to kill and start again."""

import asyncio
import os
import re
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import nats.errors

from server.kit.bus import Bus
from server.kit.keeper import STREAM
from server.settings import SERVICES, Settings
from server.supervisor import Child, Command, Log
from tests.infra.containers import K8S
from tests.platform import free_port

FILES = ("nats.conf", "nats-cluster.conf", "nats-users.conf")
PASSWORDS: Mapping[str, str] = {
    "NATS_PASSWORD": "7e21ab",  # unquoted, NATS would take it for a number, or for nothing
    **{f"{service.upper()}_NATS_PASSWORD": f"{number}e{service}" for number, service in enumerate(SERVICES)},
}
AWAY = (TimeoutError, nats.errors.Error)


class Nodes:
    """The StatefulSet. Its processes end with this one, however that comes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ports = [free_port() for _ in range(3)]
        self._routes = [free_port() for _ in range(3)]
        self._running: dict[int, Child] = {}

    def settings(self, base: Settings, *nodes: int, replicas: int = 3) -> Settings:
        """With each service's own user on these nodes; without any: on all."""

        def url(user: str, password: str) -> str:
            return ",".join(
                f"nats://{user}:{PASSWORDS[password]}@127.0.0.1:{self.ports[node]}"
                for node in nodes or range(3)
            )

        own = {f"{name}_nats_url": url(name, f"{name.upper()}_NATS_PASSWORD") for name in SERVICES}
        everything = {**own, "nats_url": url("tix", "NATS_PASSWORD"), "nats_replicas": replicas}
        return base.model_copy(update=everything)

    def start(self, number: int) -> None:
        """On its own files, with loopback for the names and ports of the cluster; again on what it kept."""
        home = self._directory / f"nats-{number}"
        home.mkdir(exist_ok=True)
        for name in FILES:
            text = (K8S / "base" / name).read_text()
            for node, route in enumerate(self._routes):
                text = text.replace(f"nats-{node}.nats-nodes:6222", f"127.0.0.1:{route}")
            text = text.replace("0.0.0.0:4222", f"127.0.0.1:{self.ports[number]}")
            text = text.replace("0.0.0.0:6222", f"127.0.0.1:{self._routes[number]}")
            text = text.replace("0.0.0.0:8222", "127.0.0.1:-1").replace('"/data"', f'"{home}/data"')
            (home / name).write_text(text)
        binary = Path(sysconfig.get_path("scripts")) / "nats-server"
        command = Command(
            [str(binary), "--name", f"nats-{number}", "-c", str(home / "nats-cluster.conf")],
            environment={name: f'"{password}"' for name, password in PASSWORDS.items()},
        )
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT)
        try:
            self._running[number] = Child(command, Log(home / "log"), lock=lock)
        finally:
            os.close(lock)

    def end(self, number: int) -> None:
        """As when its machine dies."""
        self._running.pop(number).kill()

    def end_all(self) -> None:
        """None is left."""
        for number in tuple(self._running):
            self.end(number)


async def leader(link: Bus, *, copies: int = 3) -> int | None:
    """Which node leads the stream, once all others have what it has; while they vote, nobody answers."""
    with suppress(*AWAY):
        about = await asyncio.wait_for(link.jetstream.stream_info(STREAM), 1)
        others = (about.cluster.replicas if about.cluster else None) or []
        current = [peer for peer in others if peer.current]
        if about.config.num_replicas == copies == len(current) + 1 and about.cluster and about.cluster.leader:
            return int(re.sub(r"\D", "", about.cluster.leader))
    return None
