"""A connection to a NATS of our own, whose users are changed under it."""

import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from server.kit import dial, log
from tests.logged import Logged
from tests.platform import free_port
from tests.waiting import until


class Broker:
    """One server with one user."""

    def __init__(self, directory: Path) -> None:
        self.port, self._configuration = free_port(), directory / "nats.conf"
        self._configure("right")
        binary = Path(sysconfig.get_path("scripts")) / "nats-server"
        with (directory / "log").open("wb") as out:
            self.process = subprocess.Popen([binary, "-c", self._configuration], stdout=out, stderr=out)

    def _configure(self, password: str) -> None:
        user = f"{{ user: probe, password: {password}, permissions: {{ publish: ours }} }}"
        self._configuration.write_text(
            f'listen: "127.0.0.1:{self.port}"\nauthorization {{ users: [{user}] }}\n'
        )

    def change(self, password: str) -> None:
        """As whoever runs it would: the file, and the signal to read it again."""
        self._configure(password)
        os.kill(self.process.pid, signal.SIGHUP)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """It may not answer yet."""
    log.configure("WARNING")
    made = Broker(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


async def test_a_changed_password_ends_it_only_until_that_is_mended(broker: Broker, logged: Logged) -> None:
    """What was subscribed to is heard again then."""
    client = await dial.dial(f"nats://probe:right@127.0.0.1:{broker.port}", name="probe")
    heard: list[bytes] = []

    async def hear(message: Msg) -> None:
        heard.append(message.data)

    await client.subscribe("ours", cb=hear)
    broker.change("another")
    await until(lambda: not client.is_connected, "it was thrown out")
    await until(lambda: "does not let this user in" in logged.text, "it is said")
    broker.change("right")
    await until(lambda: client.is_connected, "it is back")
    await client.publish("ours", b"again")
    await until(lambda: heard == [b"again"], "it hears again")
    await client.close()
    assert client.is_closed


async def test_what_is_refused_is_told_once_not_for_each_subject(broker: Broker, logged: Logged) -> None:
    """Where they differ at their end only, as with an id; what is refused elsewhere is told too."""
    refusals = dial.Refusals()
    url = f"nats://probe:right@127.0.0.1:{broker.port}"
    client = await dial.dial(url, name="probe", refusals=refusals)
    for subject in (*(f"kv.bucket.mine.{number}" for number in range(20)), "theirs"):
        await client.publish(subject, b"")
    await until(lambda: "theirs" in refusals.latest, "the last one is refused")
    assert len(logged.lines("refuses")) == 2
    await client.close()
