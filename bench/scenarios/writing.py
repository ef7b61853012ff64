"""Writes: list a ticket, reserve one, a hot one, many at once; beside pgbench running the same statement."""

from functools import partial
from itertools import islice

from bench import pgbench
from bench.figures import Bench, Case, Sample
from bench.load import spread
from bench.seed import Seeder
from bench.wire import encode

HOLDS = 10
"""MAX_LIVE_HOLDS: what one buyer reserves."""
AT_A_TIME = 300
"""Buyers who reserve in turn: more than there are connections, so that none waits for himself."""
FASTEST = 5000
"""Reservations a second for which there must be tickets enough."""


def create(bench: Bench) -> dict[str, Case]:
    """List tickets at 1, 16 and 64 connections."""
    sellers = bench.stage.people(100)
    requests = [
        encode(
            "POST",
            "/api/tickets",
            token=seller.token,
            body={"title": f"Recital, row {n}", "price": 4500, "venue": "Opera", "seat": f"A {n}"},
        )
        for n, seller in enumerate(sellers)
    ]
    return {
        f"create c={connections}": partial(bench.load, requests, connections=connections, settle=True)
        for connections in (1, 16, 64)
    }


def reserve(bench: Bench, seeder: Seeder) -> dict[str, Case]:
    """Reserve distinct tickets at 1 to 256 connections, one hot ticket at 16, and the statement alone."""
    cases: dict[str, Case] = {
        f"reserve c={connections}": partial(_distinct, bench, seeder, connections)
        for connections in (1, 16, 64, 256)
    }
    cases["hot ticket c=16"] = partial(_hot, bench, seeder)
    cases["pgbench c=16"] = partial(pgbench.reserve, bench, seeder, 16)
    return cases


def _distinct(bench: Bench, seeder: Seeder, connections: int) -> Sample:
    count = int(FASTEST * bench.seconds(3) * min(1, (connections + 3) / 16))
    buyers = bench.stage.people(count // HOLDS + 1)
    tickets = iter(seeder.take(count))
    requests = []
    for first in range(0, len(buyers), AT_A_TIME):
        requests += spread(
            [
                [
                    encode("POST", "/api/orders", token=buyer.token, body={"ticketId": ticket})
                    for ticket in islice(tickets, HOLDS)
                ]
                for buyer in buyers[first : first + AT_A_TIME]
            ]
        )
    return bench.load(requests, connections=connections, once=True, settle=True)


def _hot(bench: Bench, seeder: Seeder) -> Sample:
    [ticket] = seeder.take(1)
    requests = [
        encode("POST", "/api/orders", token=buyer.token, body={"ticketId": ticket})
        for buyer in bench.stage.people(200)
    ]
    return bench.load(requests, connections=16, settle=True)


def batch(bench: Bench) -> dict[str, Case]:
    """A thousand listings at once: new ones, and the same again with nothing to change."""
    [seller] = bench.stage.people(1)
    number = 0

    def run(*, again: bool) -> Sample:
        nonlocal number
        bodies = []
        for _ in range(bench.count(10)):
            number += 0 if again else 1
            bodies.append(_thousand(seller.token, number))
        return bench.load(bodies, connections=1, seconds=60, once=True, settle=True)

    return {
        "batch of 1,000 new": partial(run, again=False),
        "batch of 1,000 unchanged": partial(run, again=True),
    }


def _thousand(token: str, number: int) -> bytes:
    items = [
        {
            "externalId": f"{number}-{n}",
            "title": f"Import {number}, seat {n}",
            "price": 4500,
            "seat": f"B {n}",
        }
        for n in range(1000)
    ]
    return encode("POST", "/api/tickets/batch", token=token, body={"items": items})


def sign_in(bench: Bench) -> dict[str, Case]:
    """Sign in at 2 connections: bcrypt is meant to take its time."""
    body = {"email": "bench@example.com", "password": "correct horse battery"}
    secret = bench.stage.settings.forwarded_secret
    bench.loader.run(
        bench.stage.url, [encode("POST", "/api/users/signup", body=body)], connections=1, seconds=9, once=True
    )
    requests = [
        encode("POST", "/api/users/signin", body=body, Forwarded=f"for=10.0.0.{n};secret={secret}")
        for n in range(3)
    ]
    return {"sign-in c=2": partial(bench.load, requests, connections=2, seconds=60, once=True)}
