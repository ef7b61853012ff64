"""Reads: one ticket, the list, the search; beside a bare Sanic handler."""

from functools import partial

from bench.figures import Bench, Case
from bench.seed import COMMON, NONE, RARE, SOME, Seeder, ticket_id
from bench.wire import encode
from server.kit.cursors import encode_cursor

MANY = 2000
"""Different tickets that are read in turn."""


def one(bench: Bench, seeder: Seeder, bare: str) -> dict[str, Case]:
    """Read one ticket at 1, 16 and 64 connections, and the list of 50; and as often nothing at all."""
    seeder.fill(1000)
    read = [encode("GET", f"/api/tickets/{ticket_id(1 + n % seeder.made)}") for n in range(MANY)]
    rows = [encode("GET", "/api/tickets?limit=50")]
    nothing = [encode("GET", "/")]
    cases: dict[str, Case] = {}
    for connections in (1, 16, 64):
        cases[f"bare c={connections}"] = partial(bench.load, nothing, connections=connections, url=bare)
        cases[f"read c={connections}"] = partial(bench.load, read, connections=connections)
        cases[f"list 50 c={connections}"] = partial(bench.load, rows, connections=connections)
        cases[f"list 20 c={connections}"] = partial(
            bench.load, [encode("GET", "/api/tickets")], connections=connections
        )
    return cases


def pages(bench: Bench, seeder: Seeder, bare: str, size: int) -> dict[str, Case]:
    """Every kind of page with `size` tickets on sale, at 4 connections."""
    seeder.fill(size)
    paths = {
        "first page": "/api/tickets",
        "deep page": f"/api/tickets?cursor={_middle(bench, '-createdAt')}",
        "deep page by price": f"/api/tickets?sort=price&cursor={_middle(bench, 'price')}",
        "by date": "/api/tickets?sort=startsAt",
        "price range": "/api/tickets?minPrice=5000&maxPrice=5002",
        "search one": f"/api/tickets?q={RARE.replace(' ', '%20')}",
        "search some": f"/api/tickets?q={SOME.replace(' ', '%20')}",
        "search half": f"/api/tickets?q={COMMON}",
        "search none": f"/api/tickets?q={NONE}",
        "search short": "/api/tickets?q=zz",
    }
    cases: dict[str, Case] = {
        f"bare @{size}": partial(bench.load, [encode("GET", "/")], connections=4, seconds=2, url=bare)
    }
    for name, path in paths.items():
        cases[f"{name} @{size}"] = partial(bench.load, [encode("GET", path)], connections=4, seconds=2)
    return cases


def _middle(bench: Bench, sort: str) -> str:
    """A cursor from the middle of that list."""
    key, direction = {"-createdAt": ("created_at", "DESC"), "price": ("price", "ASC")}[sort]
    [row] = bench.stage.sql(
        "tickets",
        f"SELECT ({key})::text AS key, id FROM tickets ORDER BY {key} {direction}, id {direction} "
        "OFFSET (SELECT count(*) / 2 FROM tickets) LIMIT 1",
    )
    return encode_cursor(sort, row["key"], row["id"])
