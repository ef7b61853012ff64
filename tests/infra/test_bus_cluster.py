"""Three real NATS nodes on the configuration of Kubernetes: three copies of the stream; one node may go."""

import re
import subprocess
import sysconfig
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import nats.errors
import pytest

from server.kit.keeper import STREAM
from server.local.embedded import exchange
from server.settings import Settings
from tests.infra.containers import K8S
from tests.platform import free_port, keeping
from tests.waiting import until

PASSWORD = "7e21ab"  # unquoted, NATS would take it for a number, or for nothing

AWAY = (TimeoutError, nats.errors.Error)


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


# nats-py 2.16 forgets the socket to a node that dies while it connects.
@pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")
@pytest.mark.slow
async def test_the_stream_has_three_copies_and_survives_a_node(nodes: Nodes) -> None:
    async with keeping(Settings(nats_url=nodes.url, nats_replicas=3)) as link:
        stream = link.jetstream

        async def leader() -> str:
            """Its name, once both others have what it has; while they vote, nobody answers."""
            with suppress(*AWAY):
                about = await stream.stream_info(STREAM)
                assert about.config.num_replicas == 3
                followers = (about.cluster.replicas if about.cluster else None) or []
                if about.cluster and len([peer for peer in followers if peer.current]) == 2:
                    return about.cluster.leader or ""
            return ""

        async def publishes(body: bytes) -> bool:
            with suppress(*AWAY):
                await stream.publish("ticket.probed", body)
                return True
            return False

        async def kept() -> bytes | None:
            with suppress(*AWAY):
                return (await stream.get_msg(STREAM, seq=1)).data
            return None

        name = await until(leader, "both copies are up to date", 60)
        await until(lambda: publishes(b"before"), "an event is stored", 60)
        nodes.end(int(re.sub(r"\D", "", name)))
        await until(lambda: publishes(b"after"), "the two others go on", 60)
        assert await until(kept, "they have what was stored before", 60) == b"before"


@pytest.mark.slow
async def test_a_stream_is_brought_to_as_many_copies_as_are_wanted(nodes: Nodes) -> None:
    """Made with one, say by a release that did not ask; whoever does not ask leaves it as it is."""
    for wanted, copies in ((None, 1), (3, 3), (None, 3)):
        async with keeping(Settings(nats_url=nodes.url, nats_replicas=wanted)) as link:
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
