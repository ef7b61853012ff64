"""`python -m server run web`: the shop as a process of its own, against services elsewhere."""

from pathlib import Path

import httpx
import pytest

from server.settings import Settings
from tests.platform import Platform, Process, environment, free_port

SECRET = "of the tests, " * 3


@pytest.mark.slow
async def test_it_serves_and_stops(platform: Platform, settings: Settings, open_dir: Path) -> None:
    """Its cookie is for https only, since that is how people reach it; SIGTERM ends it with 0."""
    ticket = await platform.user().list_ticket(title="Front row, from elsewhere")
    port = free_port()
    services = {f"{name}_url": platform.api_url for name in ("auth", "tickets", "orders", "payments")}
    named = {"public_url": "https://tix.example", "web_secret": SECRET, "forwarded_secret": SECRET}
    process = Process(
        "run", "web", env=environment(settings, port=port, **services, **named), log=open_dir / "web.log"
    )
    await process.ready(f"http://127.0.0.1:{port}")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        page = await http.get(f"/tickets/{ticket['id']}")
        assert (page.status_code, "Front row, from elsewhere" in page.text) == (200, True)
        assert page.headers["set-cookie"].startswith("__Host-tix=")
        assert (await http.get("/openapi.json")).json()["paths"].keys() >= {"/api/orders", "/api/tickets"}
    assert await process.end() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.mark.slow
async def test_it_runs_by_itself(open_dir: Path) -> None:
    """It has no database and hears no bus: beside a service in one process it would wait for both."""
    process = Process("run", "web", "orders", env={}, log=open_dir / "both.log")
    assert await process.end(0) == 1
    assert process.log.read_text() == "web runs by itself: python -m server run web\n"
