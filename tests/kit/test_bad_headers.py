"""Request ids, idempotency keys, If-Match and dry runs: what is checked before anything happens."""

from uuid import UUID

import pytest

from tests.kit.conftest import World
from tests.problems import SECRET, assert_problem

TICKET = {"title": "Front row", "price": 4500}
SANE = ["12345678", "a" * 64, "018f-ABC.def_9", "0190f5b2-0000-7000-8000-000000000000"]
NOT_SANE = [
    "",
    "short",
    "a" * 65,
    "with space",
    "semi;colon",
    "quote\"'<script>",
    "ümlaut-id",
    "../../etc",
    "a\tb12345",
]


@pytest.mark.parametrize("id_", SANE)
async def test_a_sane_request_id_is_echoed(world: World, id_: str) -> None:
    """On successes and failures alike, in header and body."""
    http, headers = world.platform.http, {"X-Request-Id": id_}
    assert (await http.get("/api/tickets", headers=headers)).headers["x-request-id"] == id_
    answer = await http.get("/api/orders", headers=headers)
    assert assert_problem(answer, 401, "unauthenticated")["requestId"] == id_


@pytest.mark.parametrize("id_", NOT_SANE)
async def test_another_request_id_is_replaced(world: World, id_: str) -> None:
    """It would end up in logs and events."""
    headers = {b"X-Request-Id": id_.encode()}
    answer = await world.platform.http.get("/api/nowhere", headers=headers)
    UUID(assert_problem(answer, 404, "not_found")["requestId"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/tickets", 200),
        ("GET", "/api/tickets/{ticket}", 200),
        ("GET", "/api/users/currentuser", 200),
        ("GET", "/.well-known/jwks.json", 200),
        ("GET", "/livez", 200),
        ("GET", "/readyz", 200),
        ("GET", "/api/orders/{order}", 200),
        ("GET", "/api/nowhere", 404),
        ("PATCH", "/api/tickets", 405),
        ("POST", "/api/payments/webhook", 400),
    ],
)
async def test_every_answer_has_a_request_id_of_its_own(
    world: World, method: str, path: str, status: int
) -> None:
    """Two requests on one connection do not share it."""
    ids = set()
    for _ in range(2):
        answer = await world.buyer.ask(method, path.format(**world.ids))
        assert answer.status_code == status
        ids.add(UUID(answer.headers["x-request-id"]))
    assert len(ids) == 2


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("key", [b"", b"k" * 256, b"k" * 4000, b"\xff\xfe", "schlüssel".encode()])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/tickets", TICKET),
        ("/api/orders", {"ticketId": "{ticket}"}),
        ("/api/payments", {"orderId": "{order}"}),
    ],
)
async def test_a_bad_idempotency_key_is_422(
    world: World, path: str, body: dict[str, str], key: bytes
) -> None:
    """Nothing is made under a key that could not be kept."""
    body = {
        name: value.format(**world.ids) if isinstance(value, str) else value for name, value in body.items()
    }
    answer = await world.buyer.post(path, body, headers={"Idempotency-Key": key})
    assert_problem(answer, 422, "invalid", field="Idempotency-Key")


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    "value",
    ["", "x", '""', '"x"', '"-1.0"', '"1e3"', '"0x0"', '"9999999999.0"', "*", '"٣.0"', '".0"', SECRET],
)
async def test_an_if_match_that_is_no_version_is_422(world: World, value: str) -> None:
    """An edit must say what it edits."""
    answer = await world.seller.put(
        f"/api/tickets/{world.ticket['id']}", {"title": "New"}, headers={"If-Match": value.encode()}
    )
    assert_problem(answer, 422, "invalid", field="version")


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("value", ['"7.0"', '"7"', "7"])
async def test_an_if_match_of_another_version_is_409(world: World, value: str) -> None:
    """With the version to read again."""
    answer = await world.seller.put(
        f"/api/tickets/{world.ticket['id']}", {"title": "New"}, headers={"If-Match": value}
    )
    assert assert_problem(answer, 409, "version_conflict")["currentVersion"] == 0


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize("expected", ["200-ok", "100-continue, x"])
async def test_an_expectation_we_do_not_know_is_417(world: World, expected: str) -> None:
    """It is refused before the body is read."""
    answer = await world.seller.post("/api/tickets", TICKET, headers={"Expect": expected})
    assert_problem(answer, 417, "bad_request")


@pytest.mark.usefixtures("nothing_changes")
async def test_p15_nothing_is_stored_by_a_thousand_character_price(world: World) -> None:
    """A number this long breaks `int()` in Python; it must not break us."""
    for digits in (1_000, 4_300, 4_301, 60_000):
        body = b'{"title":"Front row","price":1' + b"0" * digits + b"}"
        answer = await world.seller.ask("POST", "/api/tickets", content=body)
        assert answer.status_code in {400, 422}
        assert_problem(
            answer, answer.status_code, "unreadable_body" if answer.status_code == 400 else "invalid"
        )


# These two store something, so they come last.


async def test_an_idempotency_key_may_have_255_characters(world: World) -> None:
    """The contract's limit is included."""
    answer = await world.seller.post("/api/tickets", TICKET, headers={"Idempotency-Key": "k" * 255})
    assert answer.status_code == 201


async def test_a_client_that_asks_before_it_sends_is_answered(world: World) -> None:
    """`Expect: 100-continue`, as curl sends it with larger bodies."""
    answer = await world.seller.post("/api/tickets", TICKET, headers={"Expect": "100-continue"})
    assert answer.status_code == 201
