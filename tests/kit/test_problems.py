"""The one renderer: what nobody foresaw is a 500 that tells nothing, and a log line that tells all."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sanic import HTTPResponse, Request
from sanic.exceptions import SanicException, ServiceUnavailable

from server.app import serving
from server.kit import db, errors
from server.kit.auth import SigningKey
from server.kit.http import new_app
from server.ports import listen
from server.settings import Settings
from tests.logged import Logged
from tests.problems import SECRET, assert_problem

RAISED: dict[str, BaseException] = {
    "bug": RuntimeError(f"asyncpg said {SECRET} at /srv/tix/server/kit/db.py line 7"),
    "key": KeyError(SECRET),
    "assertion": AssertionError(SECRET),
    "recursion": RecursionError(SECRET),
    "memory": MemoryError(),
    "lost": db.LostWrite(SECRET),
    "os": FileNotFoundError(SECRET),
    "reset": ConnectionResetError(f"postgres://tix:{SECRET}@10.0.0.1/tix"),
    "timeout": TimeoutError(SECRET),
    "conflict": errors.Conflict("It is taken.", currentVersion=3),
    "many": errors.TooMany("Slow down.", retry_after=7.4),
    "soon": errors.Unavailable(retry_after=0.01),
    "field": errors.Invalid.field("price", "is odd"),
    "teapot": SanicException(SECRET, status_code=418),
    "framework": SanicException(SECRET, status_code=500),
    "late": ServiceUnavailable(SECRET),
}


@pytest.fixture(scope="module")
async def http(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """An application that fails on demand."""
    app = new_app("failing", keys=SigningKey("x" * 32), revocations={})

    async def fail(request: Request, kind: str) -> HTTPResponse:
        raise RAISED[kind]

    app.add_route(fail, "/<kind:str>", name="fail")
    app.config.TOUCHUP = False  # it works once per process
    sock = listen(0)
    async with (
        serving(app, sock, grace=1),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}", trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("kind", ["bug", "key", "assertion", "recursion", "memory", "lost", "os"])
async def test_p16_an_unknown_exception_is_500_and_says_nothing(
    http: httpx.AsyncClient, kind: str, logged: Logged
) -> None:
    """Its text is in the log once, with the request id that the client was given."""
    problem = assert_problem(await http.get(f"/{kind}"), 500, "internal_error")
    [line] = logged.errors
    assert problem["requestId"] in line
    assert type(RAISED[kind]).__name__ in line


@pytest.mark.parametrize("kind", ["reset", "timeout"])
async def test_p17_a_lost_connection_is_503_without_an_address(http: httpx.AsyncClient, kind: str) -> None:
    """It is our fault, it may pass, and where the database is concerns nobody."""
    assert_problem(await http.get(f"/{kind}"), 503, "database_unavailable")


async def test_details_of_an_error_are_members_of_the_document(http: httpx.AsyncClient) -> None:
    """Clients act on them."""
    problem = assert_problem(await http.get("/conflict"), 409, "conflict")
    assert (problem["detail"], problem["currentVersion"]) == ("It is taken.", 3)


async def test_retry_after_is_whole_seconds_and_never_zero(http: httpx.AsyncClient) -> None:
    """RFC 9110 §10.2.3 knows no fractions."""
    assert (await http.get("/many")).headers["retry-after"] == "7"
    assert (await http.get("/soon")).headers["retry-after"] == "1"


async def test_a_wrong_field_is_listed(http: httpx.AsyncClient) -> None:
    """In `errors`, and in words."""
    problem = assert_problem(await http.get("/field"), 422, "invalid", field="price")
    assert problem["detail"] == "price: is odd"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("teapot", 418, "bad_request"), ("framework", 500, "internal_error"), ("late", 503, "unavailable")],
)
async def test_the_framework_s_own_errors_look_the_same(
    http: httpx.AsyncClient, kind: str, status: int, code: str
) -> None:
    """Its texts are not ours to send."""
    assert_problem(await http.get(f"/{kind}"), status, code)


async def test_no_failure_is_kept_by_a_cache(http: httpx.AsyncClient) -> None:
    """A 404 of today is a ticket of tomorrow."""
    assert (await http.get("/conflict")).headers["cache-control"] == "no-store"


def test_every_status_of_the_contract_is_a_class_of_its_own() -> None:
    """Statuses and codes are told apart in one file."""
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    concrete = [kind for kind in classes if issubclass(kind, errors.DomainError)]
    statuses = sorted(kind.status for kind in concrete)
    assert statuses == [400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503]
    assert len({kind.code for kind in concrete}) == len(concrete)
