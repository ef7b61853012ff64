"""Bodies that are no JSON object, or too large, at every endpoint that takes one."""

from collections.abc import AsyncIterator

import pytest

from tests.kit.conftest import World
from tests.problems import SECRET, assert_problem

pytestmark = pytest.mark.usefixtures("nothing_ever_changes")

BATCH = "/api/tickets/batch"
TAKE_JSON = [
    ("POST", "/api/users/signup"),
    ("POST", "/api/users/signin"),
    ("POST", "/api/users/tokens"),
    ("POST", "/api/tickets"),
    ("PUT", "/api/tickets/{ticket}"),
    ("PUT", "/api/tickets/by-external-id/row-1"),
    ("POST", BATCH),
    ("POST", "/api/orders"),
    ("POST", "/api/payments"),
]

UNREADABLE = {
    "empty": b"",
    "blank": b" \n ",
    "text": b"not json " + SECRET.encode(),
    "array": b"[]",
    "string": f'"{SECRET}"'.encode(),
    "null": b"null",
    "number": b"42",
    "true": b"true",
    "NaN": b"NaN",
    "trailing garbage": b'{"title":"a","price":1} x',
    "two objects": b'{"title":"a","price":1}{"title":"b","price":2}',
    "trailing comma": b'{"title":"a","price":1,}',
    "single quotes": b"{'title':'a'}",
    "form": b"title=a&price=1",
    "multipart": b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\na\r\n--x--\r\n',
    "cut": b'{"title":"a","pri',
    "not UTF-8": b'{"title":"\xff\xfe","price":1}',
    "UTF-16": '{"title":"a","price":1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + b'{"title":"a","price":1}',
    "lone surrogate": b'{"title":"\\ud800","price":1}',
    "raw NUL": b'{"title":"a\0b","price":1}',
    "raw newline": b'{"title":"a\nb","price":1}',
    "deep arrays": b"[" * 30_000,
    "deep objects": b'{"a":' * 6_000 + b"1" + b"}" * 6_000,
    "5,000 digits": b'{"price":1' + b"0" * 5_000 + b"}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize(("method", "path"), TAKE_JSON)
async def test_what_is_no_json_object_is_400(world: World, method: str, path: str, body: bytes) -> None:
    """400 unreadable_body, whatever it is instead."""
    answer = await world.seller.ask(method, path.format(**world.ids), content=body)
    assert_problem(answer, 400, "unreadable_body")


@pytest.mark.parametrize("type_", ["application/x-www-form-urlencoded", "text/xml", "\x7e/\x7e", "a" * 500])
@pytest.mark.parametrize(("method", "path"), TAKE_JSON)
async def test_a_content_type_makes_no_json_of_a_form(
    world: World, method: str, path: str, type_: str
) -> None:
    """400, whatever the sender calls it."""
    answer = await world.seller.ask(
        method, path.format(**world.ids), content=b"title=a", headers={"Content-Type": type_}
    )
    assert_problem(answer, 400, "unreadable_body")


@pytest.mark.parametrize(("method", "path"), TAKE_JSON)
async def test_an_unknown_field_is_422(world: World, method: str, path: str) -> None:
    """It is named, and its value is not repeated."""
    answer = await world.seller.ask(method, path.format(**world.ids), json={"isAdmin": SECRET})
    assert_problem(answer, 422, "invalid", field="isAdmin")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/tickets", {"title": "a", "price": 1, "external_id": "x"}, "external_id"),
        ("/api/tickets", {"title": "a", "price": 1, "starts_at": "2030-01-01T00:00:00Z"}, "starts_at"),
        ("/api/orders", {"ticket_id": "0190f5b2-0000-7000-8000-000000000000"}, "ticket_id"),
        ("/api/payments", {"order_id": "0190f5b2-0000-7000-8000-000000000000"}, "order_id"),
    ],
)
async def test_keys_are_camel_case_only(world: World, path: str, body: dict[str, object], field: str) -> None:
    """Our own names for the fields are unknown fields."""
    assert_problem(await world.seller.post(path, body), 422, "invalid", field=field)


@pytest.mark.parametrize("size", [64 * 1024 + 1, 256 * 1024 + 1, 1_000_000, 10_000_000])
@pytest.mark.parametrize(("method", "path"), TAKE_JSON)
async def test_p15_a_large_body_is_413_and_its_sender_can_read_it(
    world: World, method: str, path: str, size: int
) -> None:
    """Also when the client is still sending: the rest is read and thrown away, so nothing resets."""
    allowed = 1024 * 1024 if path == BATCH else 0
    answer = await world.seller.ask(method, path.format(**world.ids), content=b"x" * (allowed + size))
    assert_problem(answer, 413, "too_large")


async def test_p15_the_largest_body_allowed_is_read(world: World) -> None:
    """One byte less than too large is an ordinary request."""
    assert_problem(
        await world.seller.ask("POST", "/api/tickets", content=b" " * 64 * 1024), 400, "unreadable_body"
    )


async def test_p15_a_large_body_to_nowhere_is_404(world: World) -> None:
    """The answer arrives although nobody wanted the 10 MB."""
    answer = await world.platform.http.post("/api/nowhere", content=b"x" * 10_000_000)
    assert_problem(answer, 404, "not_found")


async def test_p15_a_chunked_body_is_refused_and_the_refusal_is_read(world: World) -> None:
    """We take no chunks; a client that streams is told so."""

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 50_000

    assert_problem(await world.seller.ask("POST", "/api/tickets", content=stream()), 400, "malformed_request")


async def test_p15_100_kb_of_headers_are_413(world: World) -> None:
    """Refused before a handler runs, with an answer."""
    answer = await world.platform.http.get("/api/tickets", headers={"X-Long": "a" * 100_000})
    assert_problem(answer, 413, "too_large")


async def test_p15_a_large_webhook_is_413(world: World) -> None:
    """256 KB is the limit there, and up to it the signature is what counts."""
    path = "/api/payments/webhook"
    large = await world.platform.http.post(path, content=b"x" * (256 * 1024 + 1))
    assert_problem(large, 413, "too_large")
    largest = await world.platform.http.post(path, content=b"x" * 256 * 1024)
    assert_problem(largest, 400, "bad_signature")
