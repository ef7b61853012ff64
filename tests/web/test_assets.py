"""Our own files, and how much a page may weigh."""

import gzip

import pytest

from server.web.assets import load
from tests.web.conftest import Web

ASSETS = load()
KB = 1024


def weight(*kinds: str) -> int:
    """Bytes of these kinds on the wire."""
    return sum(len(asset.compressed) for name, asset in ASSETS.items() if name.endswith(kinds))


@pytest.mark.parametrize("name", ASSETS)
async def test_w16_browsers_keep_it_for_ever_since_its_name_is_its_content(web: Web, name: str) -> None:
    asset = ASSETS[name]
    plain = await web.visitor().get(asset.address, headers={"Accept-Encoding": "identity"})
    assert plain.content == asset.body
    assert plain.headers["content-type"] == asset.content_type
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in plain.headers
    assert "set-cookie" not in plain.headers


@pytest.mark.parametrize("name", ASSETS)
async def test_it_is_compressed_for_who_unpacks_it(web: Web, name: str) -> None:
    asset = ASSETS[name]
    async with web.visitor().http.stream("GET", asset.address) as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == asset.body


@pytest.mark.parametrize(
    "path",
    [
        "/static/app.000000000000.css",
        "/static/app.css",
        "/static/",
        "/static/../site.py",
        "/static/%2e%2e/site.py",
    ],
)
async def test_there_are_no_others(web: Web, path: str) -> None:
    answer = await web.visitor().get(path)
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


async def test_every_asset_of_a_page_is_ours_and_there(web: Web) -> None:
    text = (await web.visitor().get("/")).text
    addresses = {asset.address for asset in ASSETS.values() if asset.address in text}
    assert len(addresses) == 3  # style, script, icon


def test_w16_the_styles_weigh_at_most_8_kb() -> None:
    assert weight(".css") <= 8 * KB


def test_w16_the_scripts_weigh_at_most_4_kb() -> None:
    assert weight(".js") <= 4 * KB


async def test_w16_a_list_of_20_tickets_weighs_at_most_40_kb(web: Web) -> None:
    seller = web.platform.user()
    for number in range(20):
        await seller.list_ticket(
            title=f"Night Train, row {number}", venue="Town Hall", startsAt="2030-05-01T20:00:00Z"
        )
    async with web.visitor().http.stream("GET", "/tickets") as answer:
        packed = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed).count(b'class="card"') == 20
    assert len(packed) + weight(".css", ".js", ".svg") <= 40 * KB
