"""What every answer carries, refusals and unknown addresses included."""

import httpx
import pytest

from tests.platform import Platform

ASKED = [
    ("GET", "/livez", 200),
    ("GET", "/readyz", 200),
    ("GET", "/docs", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/.well-known/jwks.json", 200),
    ("GET", "/api/tickets", 200),
    ("GET", "/api/orders", 401),
    ("GET", "/nowhere", 404),
    ("DELETE", "/api/tickets", 405),
    ("POST", "/api/users/signin", 400),
    ("GET", "/", 303),
]


@pytest.mark.parametrize(("method", "path", "status"), ASKED)
async def test_every_answer_of_the_api_says_how_it_may_be_used(
    platform: Platform, method: str, path: str, status: int
) -> None:
    """No browser guesses what it is, keeps it unasked or frames it; nothing tells what we run on."""
    answer = await platform.http.request(method, path)
    assert answer.status_code == status
    assert_plain(answer)


async def test_a_document_of_somebody_is_kept_by_nobody(platform: Platform) -> None:
    user = platform.user()
    listed = await user.post("/api/tickets", {"title": "Front row", "price": 100})
    assert_plain(listed)
    assert listed.headers["cache-control"] == "no-store"


def assert_plain(answer: httpx.Response) -> None:
    """The headers of an answer of the API."""
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"]
    assert answer.headers["x-request-id"]
    assert not {"server", "x-powered-by", "access-control-allow-origin", "set-cookie"} & set(answer.headers)
    if answer.headers.get("content-type", "").startswith("text/html") and answer.content:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
