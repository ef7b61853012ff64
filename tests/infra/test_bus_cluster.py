"""Three real NATS nodes on the configuration of Kubernetes: three copies of the stream; one node may go."""

import re
import subprocess
import sysconfig
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import nats.errors
import pytest

from server.kit import bus
from server.kit.bus import STREAM
from server.local.embedded import exchange
from server.worker import SUBJECTS
from tests.infra.containers import K8S
from tests.platform import free_port
from tests.waiting import until

PASSWORD = "7e21ab"  # unquoted, NATS would take it for a number, or for nothing


class Nodes:
    """The StatefulSet, on loopback."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = [free_port() for _ in range(3)]
        self._routes = [free_port() for _ in range(3)]
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """As in NATS_URL."""
        return ",".join(f"nats://tix:{PASSWORD}@127.0.0.1:{port}" for port in self.ports)

    def start(self, number: int) -> None:
        """Its own files, with loopback for the names and ports of the cluster."""
        home = self.directory / f"nats-{number}"
        home.mkdir()
        for name in ("nats.conf", "nats-cluster.conf"):
            text = (K8S / "base" / name).read_text()
            for node, route in enumerate(self._routes):
                text = text.replace(f"nats-{node}.nats-nodes:6222", f"127.0.0.1:{route}")
            text = text.replace("0.0.0.0:4222", f"127.0.0.1:{self.ports[number]}")
            text = text.replace("0.0.0.0:6222", f"127.0.0.1:{self._routes[number]}")
            text = text.replace("0.0.0.0:8222", "127.0.0.1:-1").replace('"/data"', f'"{home}/data"')
            (home / name).write_text(text)
        binary = Path(sysconfig.get_path("scripts")) / "nats-server"
        with (home / "log").open("wb") as log:
            self._running[number] = subprocess.Popen(
                [binary, "--name", f"nats-{number}", "-c", home / "nats-cluster.conf"],
                env={"NATS_PASSWORD": f'"{PASSWORD}"'},
                stderr=log,
            )

    def end(self, number: int) -> None:
        """As when its machine dies."""
        process = self._running.pop(number)
        process.kill()
        process.wait()

    def end_all(self) -> None:
        """None is left."""
        for number in tuple(self._running):
            self.end(number)


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    made = Nodes(tmp_path)
    for number in range(3):
        made.start(number)
    try:
        yield made
    finally:
        made.end_all()


@pytest.mark.slow
async def test_the_stream_has_three_copies_and_survives_a_node(nodes: Nodes) -> None:
    async with bus.connect(nodes.url, name="probe", subjects=SUBJECTS, replicas=3) as link:
        stream = link.jetstream
        assert (await stream.stream_info(STREAM)).config.num_replicas == 3

        async def has_followers() -> bool:
            cluster = (await stream.stream_info(STREAM)).cluster
            return len([peer for peer in (cluster.replicas or []) if peer.current]) == 2 if cluster else False

        await until(has_followers, "both copies are up to date", 30)
        await stream.publish("ticket.probed", b"before")
        cluster = (await stream.stream_info(STREAM)).cluster
        assert cluster is not None
        leader = str(cluster.leader)
        nodes.end(int(re.sub(r"\D", "", leader)))

        async def publishes() -> bool:
            try:
                await stream.publish("ticket.probed", b"after")
            except (TimeoutError, nats.errors.Error):
                return False
            return True

        await until(publishes, "the two others go on", 30)
        assert (await stream.get_msg(STREAM, seq=1)).data == b"before"


@pytest.mark.slow
async def test_a_stream_is_brought_to_as_many_copies_as_are_wanted(nodes: Nodes) -> None:
    """Made with one, say by a release that did not ask; whoever does not ask leaves it as it is."""
    for wanted, copies in ((None, 1), (3, 3), (None, 3)):
        async with bus.connect(nodes.url, name="probe", subjects=SUBJECTS, replicas=wanted) as link:
            assert (await link.jetstream.stream_info(STREAM)).config.num_replicas == copies


def says(port: int, greeting: bytes, answer: bytes) -> bool:
    """Whether the node answers so."""
    return answer in exchange(port, greeting, until=answer)


@pytest.mark.slow
async def test_a_stranger_is_not_let_in(nodes: Nodes) -> None:
    """Which shows that the password in the configuration is the one in the environment."""
    for word, answer in (("wrong", b"Authorization Violation"), (PASSWORD, b"PONG")):
        greeting = b'CONNECT {"user": "tix", "pass": "%s"}\r\nPING\r\n' % word.encode()
        await until(partial(says, nodes.ports[0], greeting, answer), f"with {word} it says {answer.decode()}")
