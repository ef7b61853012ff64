"""The money ledger: double entries, written in the transaction that moves the payment.

| entry         | rows                                                             | reference   |
|---------------|------------------------------------------------------------------|-------------|
| authorise     | `authorised` + amount, `card_holders` − amount                   |             |
| void          | the authorisation reversed                                       |             |
| capture       | the authorisation reversed; `cash` + taken, `sellers` − taken    |             |
| refund        | `sellers` + amount, `cash` − amount                              | the refund  |
| refund_failed | that refund reversed: the bank sent it back                      | the refund  |
| dispute       | `disputed` + amount, `cash` − amount                             | the dispute |
| dispute_won   | that reversed                                                    | the dispute |
| dispute_lost  | `sellers` + amount, `disputed` − amount                          | the dispute |

A reference is Stripe's id; an entry happens once per payment, kind and reference (a constraint).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from server.kit.db import rows
from server.payments.models import PAID, LedgerRow, Payment

Entry = Literal[
    "authorise", "void", "capture", "refund", "refund_failed", "dispute", "dispute_won", "dispute_lost"
]

LINES: Mapping[Entry, Mapping[str, int]] = {
    "authorise": {"authorised": +1, "card_holders": -1},
    "void": {"authorised": -1, "card_holders": +1},
    "capture": {"cash": +1, "sellers": -1},
    "refund": {"cash": -1, "sellers": +1},
    "refund_failed": {"cash": +1, "sellers": -1},
    "dispute": {"cash": -1, "disputed": +1},
    "dispute_won": {"cash": +1, "disputed": -1},
    "dispute_lost": {"disputed": -1, "sellers": +1},
}


@dataclass(frozen=True)
class Totals:
    """What was taken and what was given back by refunds, minor units."""

    captured: int
    refunded: int


async def enter(payment: Payment, kind: Entry, amount: int | None = None, *, reference: str = "") -> None:
    """Write an entry of `amount` minor units (default: the payment's)."""
    whole = payment.amount
    lines = {account: sign * (whole if amount is None else amount) for account, sign in LINES[kind].items()}
    if kind == "capture":  # whatever was taken, nothing stays reserved
        lines |= {account: sign * whole for account, sign in LINES["void"].items()}
    entry_id = uuid7()
    await LedgerRow.bulk_create(
        LedgerRow(
            entry_id=entry_id,
            payment_id=payment.id,
            kind=kind,
            reference=reference,
            account=account,
            amount=change,
            currency=payment.currency,
        )
        for account, change in lines.items()
    )


async def entries(payment_id: UUID) -> set[tuple[str, str]]:
    """The (kind, reference) of every entry of this payment."""
    sql = "SELECT DISTINCT kind, reference FROM ledger WHERE payment_id = $1"
    return {(row["kind"], row["reference"]) for row in await rows("payments", sql, payment_id)}


async def totals(payment: Payment) -> Totals:
    """The amounts that the API and the events tell; nothing, as long as nothing was taken."""
    if payment.status not in PAID:
        return Totals(0, 0)
    [found] = await rows(
        "payments",
        """
        SELECT coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0)::bigint AS captured,
               -coalesce(sum(amount) FILTER (WHERE kind LIKE 'refund%'), 0)::bigint AS refunded
        FROM ledger WHERE payment_id = $1 AND account = 'cash'
        """,
        payment.id,
    )
    return Totals(int(found["captured"]), int(found["refunded"]))
