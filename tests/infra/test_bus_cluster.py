"""Three real NATS nodes on the configuration of Kubernetes: three copies of the stream; one node may go."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from server.kit.keeper import STREAM
from server.local.embedded import exchange
from server.settings import SERVICES, Settings
from tests.infra.nodes import AWAY, PASSWORDS, Nodes, leader
from tests.platform import keeping
from tests.waiting import until


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    made = Nodes(tmp_path)
    try:
        for number in range(3):
            made.start(number)
        yield made
    finally:
        made.end_all()


# nats-py 2.16 forgets the socket to a node that dies while it connects.
@pytest.mark.filterwarnings("ignore:unclosed <StreamWriter:ResourceWarning")
@pytest.mark.slow
async def test_the_stream_has_three_copies_and_survives_a_node(nodes: Nodes) -> None:
    async with keeping(nodes.settings(Settings())) as link:
        stream = link.jetstream

        async def leads() -> int:
            number = await leader(link)
            return 0 if number is None else number + 1

        async def publishes(body: bytes) -> bool:
            with suppress(*AWAY):
                await stream.publish("ticket.probed", body)
                return True
            return False

        async def kept() -> bytes | None:
            with suppress(*AWAY):
                return (await stream.get_msg(STREAM, seq=1)).data
            return None

        number = await until(leads, "both copies are up to date", 60)
        await until(lambda: publishes(b"before"), "an event is stored", 60)
        nodes.end(number - 1)
        await until(lambda: publishes(b"after"), "the two others go on", 60)
        assert await until(kept, "they have what was stored before", 60) == b"before"


@pytest.mark.slow
async def test_a_stream_is_brought_to_as_many_copies_as_are_wanted(nodes: Nodes) -> None:
    """Made with one, say by a release that did not ask; whoever does not ask leaves it as it is."""
    for wanted, copies in ((None, 1), (3, 3), (None, 3)):
        settings = nodes.settings(Settings()).model_copy(update={"nats_replicas": wanted})
        async with keeping(settings) as link:
            assert (await link.jetstream.stream_info(STREAM)).config.num_replicas == copies


def says(port: int, greeting: bytes, answer: bytes) -> bool:
    """Whether the node answers so."""
    return answer in exchange(port, greeting, until=answer)


@pytest.mark.slow
async def test_a_stranger_is_not_let_in(nodes: Nodes) -> None:
    """Which shows that the passwords in the configuration are those in the environment."""
    right = {"tix": PASSWORDS["NATS_PASSWORD"]}
    right |= {service: PASSWORDS[f"{service.upper()}_NATS_PASSWORD"] for service in SERVICES}
    for user, password in right.items():
        for word, answer in (("wrong", b"Authorization Violation"), (password, b"PONG")):
            greeting = f'CONNECT {{"user": "{user}", "pass": "{word}"}}\r\nPING\r\n'.encode()
            asked = partial(says, nodes.ports[0], greeting, answer)
            await until(asked, f"{user} with {word} is told {answer.decode()}")
