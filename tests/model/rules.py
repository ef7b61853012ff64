"""What can be changed about a run: the rules of the protocol, what happens besides, and the bus."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Rules:
    """The protocol; each switch takes one rule away.

    The last five are in none of the rules of docs/ARCHITECTURE.md: the model found them (docs/MODEL.md).
    """

    one_authority: bool = True
    """Rule 1. Without: a hold is made without asking whether the seat is free."""
    seat_version: bool = True
    """Rule 2. Without: tickets orders the news of a seat by the version of the order that it is about."""
    absolute_holder: bool = True
    """Rule 2. Without: news says "taken by" and "given back by", instead of who holds the seat."""
    authorise_first: bool = True
    """Rules 3 and 5. Without: the card is charged at once, and the money of a payment that came too late is
    asked back without a decision that the order remembers."""
    answers_every_authorisation: bool = True
    """Rule 3. Without: orders answers only the authorisation that changes the order."""
    cancel_waits_for_create: bool = True
    """Rule 4. Without: the end of an order cancels nothing at Stripe that is not known to be there."""
    rereads_after_create: bool = True
    """Rule 4. Without: what was just opened is not compared with what was heard meanwhile."""
    cancelled_is_final: bool = True
    """Rule 5. Without: a late payment revives a cancelled order as it does an expired one."""
    answers_settled: bool = True
    """Rule 5. Without: an acceptance of a payment that is settled by now is not answered."""
    tickets_hear_rejected: bool = True
    """Every event that moves a seat is heard by tickets. Without: all but `order:rejected`."""
    lets_go_of_the_rest: bool = True
    """Rule 4. Without: `order:rejected` lets go of the payment it names, and not of another unpaid one."""
    answers_returned: bool = True
    """Rule 5. Without: only a payment that is voided or captured answers a late acceptance, but not one whose
    money went back or is disputed by then."""
    revokes_whatever_version: bool = True
    """Without: payments acts on `order:revoked` only if it is newer than its copy of the order."""
    walks_back_from_refunded: bool = True
    """Without: an order that is refunded does not move by news that implies that the refund failed since."""
    stays_owed: bool = True
    """Without: after a dispute that is won the money goes back only if payments knows the order as revoked,
    and not if it was on its way back before the dispute."""


PROTOCOL = Rules()


class Feature(StrEnum):
    """What may happen beside hold, pay, expire and cancel."""

    ACTION = "action"
    """The bank asks the buyer (3-D Secure)."""
    SECOND = "second"
    """Another payment of the same order, after the first was voided."""
    EXTEND = "extend"
    WITHDRAW = "withdraw"
    """The seller takes the ticket off sale, and puts it back; orders hears it whenever."""
    LAPSE = "lapse"
    """The bank lets an authorisation go."""
    DEADLINE = "deadline"
    """The capture fails until its deadline, and is given up."""
    STALE = "stale"
    """A look at Stripe is acted on when it is no longer true."""
    REFUND = "refund"
    """By the seller; pending, failed, tried again, sent back by the bank."""
    DISPUTE = "dispute"
    CAPTURED_BY_HAND = "captured by hand"
    """In Stripe's dashboard."""
    REFUNDED_BY_HAND = "refunded by hand"
    """In Stripe's dashboard."""


class Bus(StrEnum):
    """What becomes of a message that was delivered."""

    AGAIN = "again"
    """It may be delivered again, any number of times: consumers must be idempotent by their state."""
    ONCE = "once"
    """The inbox absorbs it: what a consumer did not use then, it never hears again."""
    EITHER = "either"
    """One or the other, each time: an equal one, with another id, may be on its way."""
