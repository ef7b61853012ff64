"""The stand-in for Stripe.js; what it asks of the API is in test_browser.py."""

import shutil
import subprocess

import httpx
import pytest

from server.stripe_sandbox.script import SCRIPT


async def test_is_where_a_browser_looks(stripe: httpx.AsyncClient) -> None:
    """Under Stripe's path, with or without the slash, for pages of any origin."""
    for path in ("/v3", "/v3/", "/stripe.js"):
        response = await stripe.get(path, headers={"Authorization": ""})
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/javascript")
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "window.Stripe" in response.text


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here to read the script")
def test_is_javascript() -> None:
    """A parser takes it."""
    command = ["node", "--check", str(SCRIPT)]
    read = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert read.returncode == 0, read.stderr
