"""What containers need of the programs: an address to listen on, secrets, servers that are elsewhere."""

import asyncio
import re
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from server.local.datadir import SECRETS
from server.settings import Settings
from server.up import read_env
from tests.infra.containers import ROOT
from tests.platform import Process, client, command, free_port
from tests.waiting import until

pytestmark = pytest.mark.slow

OTHER_LOOPBACK = "127.0.0.2"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - that a container can be told so is the question


def environment(settings: Settings) -> dict[str, str]:
    """What leads to the servers of these tests."""
    return {
        name.upper(): str(value)
        for name, value in settings.model_dump(exclude_defaults=True).items()
        if value is not None
    }


async def answers(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"http://{host}:{port}/livez", timeout=2)).status_code == 200
        except httpx.HTTPError:
            return False


async def test_a_service_listens_where_it_is_told(settings: Settings, tmp_path: Path) -> None:
    """By default for this machine only, which in a container would be nobody."""
    for host, is_reachable in (("127.0.0.1", False), (EVERYWHERE, True)):
        port = free_port()
        environ = {**environment(settings), "PORT": str(port), "LISTEN_HOST": host}
        process = Process("run", "auth", env=environ, log=tmp_path / "auth.log")
        try:
            await process.ready(f"http://127.0.0.1:{port}")
            assert await answers(OTHER_LOOPBACK, port) is is_reachable
        finally:
            await process.end()


async def test_an_address_of_another_machine_is_refused_in_a_sentence(settings: Settings) -> None:
    environ = {**environment(settings), "LISTEN_HOST": "192.0.2.1"}  # for documentation, so nobody's
    code, _, said = await command("run", "auth", env=environ)
    assert (code, "192.0.2.1 is no address of this machine: choose another LISTEN_HOST." in said) == (1, True)


async def test_secrets_are_new_each_time_and_all_there() -> None:
    (code, first, _), (_, second, _) = [await command("secrets", env={}) for _ in range(2)]
    assert code == 0
    made, again = (dict(re.findall(r"^(\w+)=(\w{64,})$", text, re.MULTILINE)) for text in (first, second))
    assert made.keys() == SECRETS.keys()
    assert not set(made.values()) & set(again.values())
    usable = {name: value for name, value in made.items() if name.lower() in Settings.model_fields}
    assert Settings.load(usable).jwt_secret == made["JWT_SECRET"]


async def test_a_file_of_secrets_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    code, out, said = await command("secrets", "--missing", str(tmp_path / "none"), env={})
    assert (code != 0, out) == (True, "")
    assert "none cannot be read: No such file or directory" in said


async def test_infra_starts_only_what_is_not_elsewhere(settings: Settings, tmp_path: Path) -> None:
    """With addresses of real servers it brings the sandbox alone, and hands all addresses on."""
    names = ("DATABASE_URL", "NATS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD")
    elsewhere = {name: value for name, value in environment(settings).items() if name in names}
    data = tmp_path / "data"
    process = Process("infra", env={**elsewhere, "TIX_DATA_DIR": str(data)}, log=tmp_path / "infra.log")
    try:
        await until(lambda: "addresses" in process.log.read_text(), "infra is up", 30)
        given = read_env(data / "env")
        assert {name: given[name] for name in elsewhere} == elsewhere
        assert [path.name for path in (data / "logs").iterdir()] == ["stripe.log"]
        async with client(given["STRIPE_API_BASE"]) as http:
            assert (await http.get("/health")).status_code == 200
    finally:
        assert await process.end() == 0


async def test_the_sandbox_is_where_it_is_told(tmp_path: Path) -> None:
    """Services find it by one name, browsers by another; links on its pages are for browsers."""
    port, home = free_port(), "http://127.0.0.1:12111"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server.stripe_sandbox", "--host", EVERYWHERE, "--port", str(port), "--home", home),
        *("--data", str(tmp_path / "sandbox.sqlite3"), "--webhook-url", "http://127.0.0.1:9/"),
        cwd=ROOT,
        env={"STRIPE_WEBHOOK_SECRET": "whsec_of_a_test"},
    )
    form = {
        "amount": "100",
        "currency": "usd",
        "payment_method": "pm_card_authenticationRequired",
        "confirm": "true",
        "return_url": "http://127.0.0.1:3000/",
    }
    try:
        async with client(f"http://{OTHER_LOOPBACK}:{port}") as http:

            async def is_up() -> bool:
                with suppress(httpx.HTTPError):
                    return (await http.get("/health")).status_code == 200
                return False

            await until(is_up, "the sandbox is up", 20)
            key = {"Authorization": "Bearer sk_test_x"}
            made = (await http.post("/v1/payment_intents", data=form, headers=key)).json()
            assert made["next_action"]["redirect_to_url"]["url"].startswith(f"{home}/")
    finally:
        process.terminate()
        await process.wait()
