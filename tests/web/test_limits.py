"""Limits by address count the visitors, not the shop; a platform of its own, since a minute is remembered."""

import re

import httpx
import pytest

from server.kit import limits
from server.settings import Settings
from tests.platform import started
from tests.web.conftest import shop
from tests.web.visiting import Visitor, html, title


@pytest.mark.slow
async def test_w20_tries_are_counted_by_visitor_not_by_web_and_the_wait_is_told(empty: Settings) -> None:
    """Nor is an address believed that a visitor names himself, at web or at the API."""
    async with started(empty, background=False) as platform, shop(platform) as web:
        first, second = [
            web.visitor(transport=httpx.AsyncHTTPTransport(local_address=address))
            for address in ("127.0.0.2", "127.0.0.3")
        ]
        for number in range(limits.SIGN_INS_PER_ADDRESS):
            liar = {"Forwarded": f"for=9.9.9.{number}", "X-Forwarded-For": f"9.9.9.{number}"}
            assert (await _try(first, number, liar)).status_code == 422
        refused = await _try(first, 99, {"Forwarded": "for=9.9.9.99"})
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert re.search(r"Too many tries. Wait \d+ s, then try again.", html(refused).text)
        assert title(refused).startswith("Error: ")
        assert (await _try(second, 99, {})).status_code == 422

        statuses = []
        for number in range(limits.SIGN_INS_PER_ADDRESS + 1):
            body = {"email": f"d{number}@example.com", "password": "wrong password"}
            liar = {"Forwarded": f'for=9.9.9.{number};secret="not the secret, though it is long enough"'}
            answer = await platform.http.post("/api/users/signin", json=body, headers=liar)
            statuses.append(answer.status_code)
        assert statuses[-2:] == [401, 429]


async def _try(visitor: Visitor, number: int, headers: dict[str, str]) -> httpx.Response:
    page = html(await visitor.get("/signin"))
    values = next(form.fields for form in page.forms if form.action == "/signin")
    typed = {**values, "email": f"u{number}@example.com", "password": "wrong password"}
    return await visitor.http.post("/signin", data=typed, headers=headers)
