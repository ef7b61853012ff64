"""`tix open`: the address of a page, from the API that knows its shop."""

import asyncio

import pytest

from tests.cli.running import Run, Stub
from tests.platform import Platform

ID = "0198c6f0-0000-7000-8000-000000000001"


async def test_the_platform_names_its_shop(
    platform: Platform, tix: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe nothing but the address, and no browser."""
    monkeypatch.setenv("TIX_API_URL", platform.api_url)
    done = await asyncio.to_thread(tix, "open", "tickets")
    shop = f"http://127.0.0.1:{platform.settings.tix_web_port}"
    assert (done.code, done.out, done.err) == (0, f"{shop}/tickets\n", "")


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ([], "/"),
        (["sell"], "/sell"),
        (["--ticket", ID.upper()], f"/tickets/{ID}"),
        (["--order", ID], f"/orders/{ID}"),
        (["--pay", ID], f"/orders/{ID}/payment"),
    ],
)
def test_each_page_has_its_address(signed_in: Stub, tix: Run, arguments: list[str], path: str) -> None:
    signed_in.answer("GET /", 303)
    signed_in.headers["Location"] = "https://tix.example/"
    assert tix("open", *arguments, "--json").document["url"] == f"https://tix.example{path}"


def test_an_api_that_names_none_is_5(signed_in: Stub, tix: Run) -> None:
    signed_in.refuse("GET /", 404, "not_found")
    done = tix("open", "--json")
    assert (done.code, done.problem["code"]) == (5, "no_web_shop")


def test_two_pages_at_once_are_a_mistake(signed_in: Stub, tix: Run) -> None:
    assert tix("open", "sell", "--order", ID).code == 2
    assert signed_in.asked == []


def test_what_is_no_id_is_told_before_anything_is_sent(signed_in: Stub, tix: Run) -> None:
    assert tix("open", "--ticket", "front-row", "--json").code != 0
    assert signed_in.asked == []
