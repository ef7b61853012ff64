"""`python -m server doctor`: examines; with `--repair` mends what can be mended safely, and examines again.

Nothing is deleted and no status is set by hand: the services' own use-cases do once more what they do anyway.
Messages are heard again under new ids, since who hears a state that he knows does nothing.
"""

import argparse
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from uuid_utils.compat import uuid7

from server.app import gateway_of
from server.deadletters import LISTENERS
from server.doctor import AskStripe, Report, Rows, examine
from server.kit import db
from server.kit.db import rows, transaction
from server.kit.events import Envelope
from server.orders import service as orders
from server.payments import audit
from server.payments import service as payments
from server.payments.owed import PaymentOp
from server.run import databases
from server.settings import SERVICES, Settings

BROKEN = 6
UNASKED = 9

SAID = "SELECT * FROM outbox WHERE data #>> $1::text[] = ANY($2::text[]) ORDER BY id"
UNSENT = (
    "SELECT 1 FROM outbox WHERE published_at IS NULL AND occurred_at < now() - interval '1 second' LIMIT 1"
)
UNTAKEN = "SELECT 1 FROM payment_ops WHERE done_at IS NULL AND due_at < now() - interval '1 second' LIMIT 1"

Remedy = Callable[[Rows], Awaitable[str]]
"""Acts on the rows of findings and says what it did."""


async def doctor(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Exit 0; 6, a promise does not hold; 9, those looked at hold, but Stripe could not be asked."""
    settings = Settings.load(environ)
    urls = databases(settings, SERVICES)
    async with AsyncExitStack() as stack:
        await db.connect(urls)
        stack.push_async_callback(db.disconnect)
        ask, unasked = None, None
        if not options.no_stripe:
            ask, unasked = _stripe(stack, settings, fresh=options.fresh, restored=options.restored)
        look = partial(examine, urls, patience=options.patience, ask_stripe=ask, unasked=unasked)
        report = await look()
        done: list[str] = []
        if options.repair and (done := await repair(report)):
            report = await look()
            if not report.is_clean and await _is_waiting():
                done.append("nobody picked this up: start Tix, so that it is done (make run)")
    if options.json:
        print(report.as_json(repaired=done))
    else:
        print(*(f"repaired: {what}" for what in done), report.as_text(), sep="\n")
    if not report.is_clean:
        return BROKEN
    return UNASKED if ask is not None and report.unasked else 0


def _stripe(
    stack: AsyncExitStack, settings: Settings, *, fresh: bool, restored: bool
) -> tuple[AskStripe | None, str | None]:
    """How to ask Stripe, or why not."""
    if settings.stripe_key is None:
        return None, "STRIPE_KEY is not set."
    gateway = gateway_of(settings)
    stack.push_async_callback(gateway.close)
    settling = timedelta(0) if fresh else audit.SETTLING

    async def ask() -> Rows:
        found = await audit.differences(gateway, settling=settling, restored=restored)
        return [vars(difference) for difference in found]

    return ask, None


async def repair(report: Report) -> list[str]:
    """Do what can be done about these findings; says what that was."""
    broken = {finding.name: finding.rows for finding in report.findings}
    remedies = dict.fromkeys(remedy for name in broken for remedy in REMEDIES.get(name, ()))
    return [
        await remedy(
            [row for name, found in broken.items() if remedy in REMEDIES.get(name, ()) for row in found]
        )
        for remedy in remedies
    ]


async def _release(_: Rows) -> str:
    return f"{await orders.expire_holds()} holds that were over are released"


async def _look_again(found: Rows) -> str:
    ids = _ids(found, "payment_id")
    await payments.look_again(payment_ids=ids)
    return f"Stripe is to be asked, and orders told again, about payment {_listed(ids)}"


async def _look_into(found: Rows) -> str:
    found = [row for row in found if row["payment_id"] is not None]
    async with transaction("payments"):
        await audit.look_into(audit.Difference(**row) for row in found)
    return f"Stripe is to be asked about intent {_listed(row['intent_id'] for row in found)}"


async def _hurry(found: Rows) -> str:
    ids = _ids(found, "op_id")
    async with transaction("payments"):
        await PaymentOp.hurry(ids)
    return f"due now is the call to Stripe {_listed(ids)}"


@dataclass(frozen=True)
class _Tell:
    """Let a service hear again what another said of something, from the outbox, which keeps 7 days."""

    service: str
    source: str
    about: tuple[str, str]
    """Where an event's data names it."""
    column: str

    async def __call__(self, found: Rows) -> str:
        ids = _ids(found, self.column)
        told, failed = 0, ""
        said = await rows(self.source, SAID, list(self.about), [str(id_) for id_ in ids])
        for row in said:
            listener = LISTENERS.get(f"{self.service}-{row['type'].replace(':', '-')}")
            if listener is None:
                continue
            event = Envelope(
                id=uuid7(), type=row["type"], occurred_at=row["occurred_at"], data=json.loads(row["data"])
            )
            try:
                await listener.hear({"X-Request-Id": row["request_id"]}, event.model_dump_json(by_alias=True))
                told += 1
            except Exception as error:  # noqa: BLE001 - the others are told all the same
                failed = f"; {row['type']} {row['id']} failed: {error!r}"
        what = self.column.removesuffix("_id")
        return f"{self.service} heard again of {what} {_listed(ids)} (events: {told}){failed}"


def _ids(found: Rows, column: str) -> list[UUID]:
    return list(dict.fromkeys(row[column] for row in found if row[column] is not None))


def _listed(ids: Iterable[object]) -> str:
    return ", ".join(map(str, ids)) or "(none that a payment has)"


ORDER_TO_PAYMENTS = _Tell("payments", "orders", ("order", "id"), "order_id")
REMEDIES: Mapping[str, tuple[Remedy, ...]] = {
    "no_overdue_hold": (_release,),
    "nothing_stuck_in_accepted": (_look_again,),
    "ticket_means_money": (_look_again,),
    "money_means_ticket": (_look_again,),
    "money_goes_back": (ORDER_TO_PAYMENTS, _look_again),
    "returns_have_a_reason": (_look_again,),
    "every_authorisation_answered": (_look_again,),
    "nothing_open_for_an_ended_order": (ORDER_TO_PAYMENTS, _look_again),
    "stripe_is_called": (_hurry,),
    "ledger_is_stripes": (_look_into,),
    "seats_agree": (_Tell("tickets", "orders", ("seat", "ticketId"), "ticket_id"),),
    "listings_agree": (_Tell("orders", "tickets", ("ticket", "id"), "ticket_id"),),
    "orders_agree": (ORDER_TO_PAYMENTS,),
}
"""What helps each promise: those whose first `repair:` in `invariants.sql` is `doctor --repair`."""


async def _is_waiting() -> bool:
    """Whether there is work that no running service takes up: they poll several times a second."""
    for service in ("tickets", "orders", "payments"):
        if await rows(service, UNSENT):
            return True
    return bool(await rows("payments", UNTAKEN))
