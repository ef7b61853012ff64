"""Whole bookings, from the hold to the paid ticket; and an on-sale that everybody comes to at once."""

import random
from functools import partial

from bench.figures import Bench, Case, Sample
from bench.flows import Booked, book
from bench.processes import memory
from bench.seed import Seeder
from bench.wire import encode

AT_ONCE = 16
PACE = 0.5
"""Of the rate that was sustained: at which the time a booking takes is looked at."""
BUYERS, TICKETS = 10_000, 1_000
CROWD = 256
SAGA = """
SELECT percentile_cont({share}) WITHIN GROUP
  (ORDER BY extract(epoch FROM d.at - c.at) * 1000)
FROM order_history c JOIN order_history d USING (order_id)
WHERE c.cause = 'reserved' AND d.status = 'complete' AND c.ticket_id = ANY($1::uuid[])
"""


def bookings(bench: Bench, seeder: Seeder) -> dict[str, Case]:
    """As many as it bears, until the last is complete; then at half of that."""
    rate = 0.0

    def flat_out() -> Sample:
        nonlocal rate
        seen = _book(bench, seeder, bench.count(1000))
        rate = seen.rate
        return seen

    return {
        "booking": flat_out,
        "booking at half the rate": lambda: _book(bench, seeder, bench.count(500), pace=rate * PACE),
    }


def _book(bench: Bench, seeder: Seeder, count: int, *, pace: float = 0) -> Sample:
    """CPU and rate count until everything is settled; the time of a booking is from its history."""
    tickets, buyers = seeder.take(count), bench.stage.people(count)
    since = bench.meter.start()
    booked: Booked = book(bench.stage.url, buyers, tickets, at_once=AT_ONCE, pace=pace)
    bench.stage.settle()
    used = bench.meter.used(since)
    complete = bench.stage.number(
        "orders",
        "SELECT count(*) FROM orders WHERE status = 'complete' AND ticket_id = ANY($1::uuid[])",
        tickets,
    )
    [(seconds,)] = bench.stage.sql(
        "orders",
        "SELECT extract(epoch FROM max(updated_at) - min(created_at)) FROM orders "
        "WHERE ticket_id = ANY($1::uuid[])",
        tickets,
    )
    events = sum(
        bench.stage.number(
            service,
            "SELECT count(*) FROM outbox WHERE occurred_at > now() - make_interval(secs => $1)",
            booked.seconds,
        )
        for service in ("orders", "payments")
    )
    return Sample(
        rate=complete / float(seconds),
        p50=bench.stage.number("orders", SAGA.format(share=0.5), tickets),
        p99=bench.stage.number("orders", SAGA.format(share=0.99), tickets),
        cpu={part: seconds / count * 1e6 for part, seconds in used.items() if seconds},
        statuses=dict(booked.statuses),
        more={"complete": complete, "events": events},
    )


def on_sale(bench: Bench, seeder: Seeder) -> dict[str, Case]:
    """10,000 buyers, 1,000 tickets."""
    return {"on-sale": partial(_on_sale, bench, seeder)}


def _on_sale(bench: Bench, seeder: Seeder) -> Sample:
    tickets = seeder.take(bench.count(TICKETS))
    buyers = bench.stage.people(bench.count(BUYERS))
    requests = [
        encode("POST", "/api/orders", token=buyer.token, body={"ticketId": tickets[n % len(tickets)]})
        for n, buyer in enumerate(buyers)
    ]
    random.shuffle(requests)
    before = memory()
    since = bench.meter.start()
    outcome = bench.loader.run(bench.stage.url, requests, connections=CROWD, seconds=120, once=True)
    after = memory()
    bench.stage.settle()
    used = bench.meter.used(since)
    sold = bench.stage.number(
        "orders",
        "SELECT count(*) FROM orders WHERE status = 'created' AND ticket_id = ANY($1::uuid[])",
        tickets,
    )
    return Sample(
        rate=outcome.rate,
        p50=outcome.percentile(0.5),
        p99=outcome.percentile(0.99),
        cpu={part: seconds / len(requests) * 1e6 for part, seconds in used.items() if seconds},
        statuses={str(status): count for status, count in outcome.statuses.items()},
        more={
            "tickets": len(tickets),
            "sold": sold,
            "5xx": sum(count for status, count in outcome.statuses.items() if status >= 500),  # noqa: PLR2004
            "last after s": outcome.last.get(201, 0),
            "MB before": before["api"] + before["worker"],
            "MB after": after["api"] + after["worker"],
        },
    )
