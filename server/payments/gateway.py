"""The border to Stripe: what payments asks of it, and what it may be told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from server.kit.errors import BadRequest, Conflict, PaymentRequired, Unavailable

IntentStatus = Literal[
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "canceled",
    "succeeded",
]

RefundStatus = Literal["pending", "requires_action", "succeeded", "failed", "canceled"]


class CardDeclined(PaymentRequired):
    """The bank refused this card; another attempt needs another idempotency key. `declineCode` says why."""

    code = "card_declined"


class GatewayUnavailable(Unavailable):
    """Stripe did not answer, or not now: the outcome is unknown, so look at the intent before going on."""

    code = "payments_unavailable"


class IntentStateConflict(Conflict):
    """The intent has moved to a state in which this call means nothing; get it and act on what it is."""

    code = "payment_intent_unexpected_state"


class BadSignature(BadRequest):
    """The event was not signed with our secret, or not just now."""

    code = "bad_signature"
    title = "The signature is not valid"


class GatewayRefused(Exception):
    """Stripe found fault with our request: a bug or a wrong key, not the buyer's doing, so no DomainError."""


class IntentMissing(GatewayRefused):
    """Stripe knows no such intent: it belongs to another account or mode."""


@dataclass(frozen=True)
class Refund:
    """Money given back, wholly or in part; `attempt` is ours, None for one made in Stripe's dashboard."""

    id: str
    amount: int
    status: RefundStatus
    failure_reason: str | None
    attempt: int | None

    @property
    def has_failed(self) -> bool:
        """Whether the money is with us again, or never left."""
        return self.status in {"failed", "canceled"}


@dataclass(frozen=True)
class Dispute:
    """The buyer's bank wants the money back: while `open` and once `lost` it has it; `warning` only asks."""

    id: str
    amount: int
    status: Literal["warning", "open", "won", "lost"]


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent as Stripe has it now; amounts in minor units."""

    id: str
    client_secret: str = field(repr=False)
    status: IntentStatus
    amount: int
    amount_received: int
    currency: str
    livemode: bool
    metadata: dict[str, str]
    next_action_url: str | None
    """Where the buyer authenticates, while the status is `requires_action`."""
    decline_code: str | None
    refunds: tuple[Refund, ...] = ()
    """Like `disputes` looked up by `get_intent` and `list_intents` only, once money was taken."""
    disputes: tuple[Dispute, ...] = ()
    changed_at: datetime = field(compare=False, kw_only=True)
    """When the newest was made of what was looked up: the intent, its charge, its refunds and disputes."""

    @property
    def is_disputed(self) -> bool:
        """Whether the bank has the money, for now or for good."""
        return self.disputed > 0

    @property
    def disputed(self) -> int:
        """Minor units that the bank has, for now or for good."""
        return sum(dispute.amount for dispute in self.disputes if dispute.status in {"open", "lost"})

    @property
    def left_to_refund(self) -> int:
        """Minor units that were neither given back nor are on their way."""
        return self.amount_received - sum(r.amount for r in self.refunds if not r.has_failed)

    @property
    def given_back(self) -> int:
        """Minor units that are with the buyer again, by refunds."""
        return sum(refund.amount for refund in self.refunds if refund.status == "succeeded")

    def refund_of(self, attempt: int) -> Refund | None:
        """What became of our own attempt."""
        return next((refund for refund in self.refunds if refund.attempt == attempt), None)


@dataclass(frozen=True)
class Checkout:
    """A hosted page (a Checkout Session) as Stripe has it now; `url` while it is open.

    It has an intent once its buyer has tried to pay: at Stripe itself from its completion on.
    """

    id: str
    status: Literal["open", "complete", "expired"]
    url: str | None = field(repr=False)
    intent_id: str | None
    livemode: bool


@dataclass(frozen=True)
class StripeEvent:
    """That something happened at Stripe, and to what: a doorbell, so get the intent and act on that."""

    id: str
    type: str
    intent_id: str | None
    livemode: bool
    account: str | None
    """Set only for events of a connected account, which is not ours."""
    payment_id: str | None
    order_id: str | None
    """Like `payment_id` from the object's metadata, where another system may have written anything."""
    checkout_id: str | None = None
    """The hosted page that it is about; `intent_id` is then its intent, if there is one."""
    told: str | None = None
    """What it says its intent is; None where it says nothing of that, and only a look can tell."""


class Gateway(Protocol):
    """What payments needs of Stripe.

    Every call may raise `GatewayUnavailable`. `key` is the idempotency key: the same one gets the same
    answer, a decline included.
    """

    async def create_intent(
        self, *, key: str, amount: int, currency: str, order_id: UUID, payment_id: UUID
    ) -> Intent:
        """Open a card payment that is authorised first and captured later; `amount` in minor units."""

    async def confirm_intent(
        self, intent_id: str, *, key: str, payment_method: str, return_url: str
    ) -> Intent:
        """Try a card: `CardDeclined`, `Invalid` for an unknown payment method, `IntentStateConflict`."""

    async def get_intent(self, intent_id: str) -> Intent:
        """The intent as it is now, with its refunds and disputes; `IntentMissing`."""

    async def create_checkout(  # noqa: PLR0913 - what a page is made of
        self,
        *,
        key: str,
        amount: int,
        currency: str,
        order_id: UUID,
        payment_id: UUID,
        return_url: str,
        expires_at: datetime,
    ) -> Checkout:
        """Open a hosted page whose payment is authorised first; `expires_at`: 30 min to 24 h from now.

        The buyer comes back to `return_url`, having paid or not.
        """

    async def get_checkout(self, checkout_id: str) -> Checkout:
        """The page as it is now; `IntentMissing`."""

    async def expire_checkout(self, checkout_id: str, *, key: str) -> Checkout:
        """Close an open page, which cancels what was begun on it; one that is over is returned as it is."""

    def list_intents(self, since: datetime) -> AsyncIterator[Intent]:
        """Every intent that was made, given back or disputed since then, once, with refunds and disputes.

        It takes several calls: of what changes meanwhile only a part may be seen.
        """

    async def capture_intent(self, intent_id: str, *, key: str) -> Intent:
        """Take the whole authorised amount; `IntentStateConflict` if it was taken or let go of."""

    async def cancel_intent(self, intent_id: str, *, key: str) -> Intent:
        """Let go of an uncaptured payment; `IntentStateConflict` if there is nothing to let go of."""

    async def refund_intent(self, intent_id: str, *, key: str, payment_id: UUID, attempt: int) -> None:
        """Give back whatever is left of what was taken; `IntentStateConflict` if nothing can be given now."""

    def read_event(self, body: bytes, signature: str) -> StripeEvent:
        """Verify a webhook's raw body against its `Stripe-Signature`; `BadSignature`."""

    async def close(self) -> None:
        """Let go of the connections."""
