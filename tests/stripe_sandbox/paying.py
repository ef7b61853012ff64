"""Payments in whatever state a test begins with."""

from typing import TYPE_CHECKING
from uuid import uuid4

from stripe import PaymentIntent, StripeClient

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams

AMOUNT = 2000


async def opened(sdk: StripeClient, card: str = "", *, manual: bool = True) -> PaymentIntent:
    """A payment, confirmed with a card if one is given."""
    params: PaymentIntentCreateParams = {
        "amount": AMOUNT,
        "currency": "usd",
        "capture_method": "manual" if manual else "automatic",
        "metadata": {"orderId": str(uuid4())},
    }
    if card:
        params |= {"confirm": True, "payment_method": card}
    return await sdk.v1.payment_intents.create_async(params)


async def paid(sdk: StripeClient, card: str = "pm_card_visa") -> PaymentIntent:
    """A payment whose money was taken, authorisation first, as Tix does it."""
    intent = await opened(sdk, card)
    return await sdk.v1.payment_intents.capture_async(intent.id)
