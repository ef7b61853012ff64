"""News of a payment, overtaken or not: the order walks every step between where it is and what it hears."""

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from server import events
from server.kit.inbox import HeardOnce
from server.orders import verdict
from tests.payments.test_money_back import PRICE, Sale, sold
from tests.platform import Platform

GIVEN_BACK = frozenset({"refunded"})

# What is heard, in this order, by an order that is complete; and the steps it then has beyond `complete`.
HEARD: dict[str, tuple[tuple[events.PaymentStatus, ...], list[str]]] = {
    "refunded": (("refunded",), ["revoked", "refunded"]),
    "sent back": (("refunded", "refund_failed"), ["revoked", "refunded", "revoked"]),
    "sent back, heard alone": (("refund_failed",), ["revoked"]),
    "disputed and won": (("disputed", "captured"), ["disputed", "complete"]),
    "disputed and lost": (("disputed", "charged_back"), ["disputed", "charged_back"]),
    "lost, heard alone": (("charged_back",), ["disputed", "charged_back"]),
    "disputed, won, refunded": (("disputed", "refunded"), ["disputed", "complete", "revoked", "refunded"]),
    "sent back and disputed, the return unheard": (
        ("refunded", "disputed", "charged_back"),
        ["revoked", "refunded", "revoked", "charged_back"],
    ),
    "sent back and lost, all between unheard": (
        ("refunded", "charged_back"),
        ["revoked", "refunded", "revoked", "charged_back"],
    ),
    "sent back and tried again, the return unheard": (
        ("refunded", "refunding", "refunded"),
        ["revoked", "refunded", "revoked", "refunded"],
    ),
}


async def hear(sale: Sale, payment_id: UUID, status: events.PaymentStatus, version: int) -> None:
    """As if payments had said so."""
    state = events.PaymentState(
        id=payment_id,
        order_id=UUID(sale.order_id),
        status=status,
        version=version,
        amount=PRICE,
        amount_captured=PRICE,
        amount_refunded=PRICE if status in GIVEN_BACK else 0,
        currency="usd",
        needs_review=False,
    )
    await verdict.payment_changed(payment=state, once=HeardOnce(uuid7()))


@pytest.mark.parametrize(("heard", "steps"), HEARD.values(), ids=HEARD.keys())
async def test_every_step_between_is_walked(
    platform: Platform, heard: tuple[events.PaymentStatus, ...], steps: list[str]
) -> None:
    """Each news twice, and at the end all of it again: nothing more happens."""
    sale = await sold(platform)
    payment_id = UUID((await sale.payment())["id"])
    news = [(status, 100 + number) for number, status in enumerate(heard)]
    for status, version in [*(twice for one in news for twice in (one, one)), *news]:
        await hear(sale, payment_id, status, version)
    assert (await sale.steps())[3:] == steps
    free = steps[-1] not in {"complete", "disputed"}
    await platform.ticket_in(sale.ticket_id, "available" if free else "sold")
