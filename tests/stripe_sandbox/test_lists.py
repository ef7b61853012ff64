"""Lists, as a daily comparison of Stripe with the ledger walks them."""

import time

import pytest
from stripe import Charge, InvalidRequestError, StripeClient

from tests.stripe_sandbox.paying import paid
from tests.waiting import until


class TestLists:
    """A daily comparison walks them."""

    async def test_every_kind_in_pages(self, sdk: StripeClient) -> None:
        """Newest first, of one payment or of all, to the end and no further."""
        intent = await paid(sdk)
        made = [
            (await sdk.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1})).id
            for _ in range(5)
        ]
        page = await sdk.v1.refunds.list_async({"payment_intent": intent.id, "limit": 2})
        assert page.has_more
        walked = [refund.id async for refund in page.auto_paging_iter()]
        assert walked == made[::-1]
        of_charge = await sdk.v1.refunds.list_async({"charge": str(intent.latest_charge), "limit": 100})
        assert [refund.id for refund in of_charge.data] == made[::-1]
        assert of_charge.has_more is False

    async def test_by_the_time_of_creation(self, sdk: StripeClient) -> None:
        """Both bounds, as seconds; each of the three kinds."""
        earlier = await paid(sdk)
        await until(lambda: _a_second_after(earlier.created), "the next second begins")
        later = await paid(sdk, "pm_card_createDispute")
        refund = await sdk.v1.refunds.create_async({"payment_intent": earlier.id})
        intents = await sdk.v1.payment_intents.list_async({"created": {"gte": later.created}, "limit": 100})
        assert later.id in [it.id for it in intents.data]
        assert earlier.id not in [it.id for it in intents.data]
        before = await sdk.v1.payment_intents.list_async({"created": {"lt": later.created}, "limit": 1})
        assert before.data[0].id == earlier.id
        refunds = await sdk.v1.refunds.list_async({"created": {"gte": later.created}})
        assert refund.id in [it.id for it in refunds.data]
        disputes = await sdk.v1.disputes.list_async({"created": {"gt": later.created - 1}})
        assert later.id in [it.payment_intent for it in disputes.data]
        assert (await sdk.v1.disputes.list_async({"created": {"lte": 1}})).data == []

    async def test_expanded(self, sdk: StripeClient) -> None:
        """Each item."""
        intent = await paid(sdk)
        page = await sdk.v1.payment_intents.list_async({"limit": 1, "expand": ["data.latest_charge"]})
        charge = page.data[0].latest_charge
        assert isinstance(charge, Charge)
        assert charge.payment_intent == intent.id

    async def test_after_nothing(self, sdk: StripeClient) -> None:
        """A place that is not in the list is refused, or a walk would begin anew."""
        for lists in (sdk.v1.payment_intents, sdk.v1.refunds, sdk.v1.disputes, sdk.v1.charges):
            with pytest.raises(InvalidRequestError) as refused:
                await lists.list_async({"starting_after": "xx_none"})
            assert refused.value.param == "starting_after"


def _a_second_after(then: int) -> bool:
    return int(time.time()) > then
