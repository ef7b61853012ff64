"""The dashboard: what it shows, what its buttons do, and who may press them."""

import json
import re
import sqlite3

import httpx
import pytest
from stripe import CardError, StripeClient

from tests.stripe_sandbox.paying import opened, paid
from tests.stripe_sandbox.running import Receiver, Sandbox


async def box(stripe: httpx.AsyncClient, intent_id: str) -> str:
    """What the dashboard shows of one payment."""
    text = (await stripe.get("/", headers={"Authorization": ""})).text
    found = re.search(f'<section class="box" id="{intent_id}">.*?</section>', text, re.DOTALL)
    assert found is not None, f"{intent_id} is not on the page"
    return found[0]


def buttons(text: str) -> list[str]:
    """What can be pressed."""
    return re.findall(r"<button>(.*?)</button>", text)


async def press(stripe: httpx.AsyncClient, intent_id: str, button: str, **typed: str) -> httpx.Response:
    """Press a button as a browser does, with the fields of its form."""
    text = await box(stripe, intent_id)
    for form in re.findall(r"<form.*?</form>", text, re.DOTALL):
        if f"<button>{button}</button>" in form:
            action = re.search(r'action="(.*?)"', form)
            assert action is not None
            fields = dict(re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)">', form))
            if 'name="amount"' in form:
                fields["amount"] = typed.get("amount", "")
            return await stripe.post(action[1], data=fields)
    raise AssertionError(f"no button {button} among {buttons(text)}")


class TestPage:
    """What a person sees."""

    async def test_shows_payments_newest_first(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """With status, amount, order and card, and no secret."""
        older, newer = await opened(sdk), await paid(sdk, "pm_card_mastercard")
        text = (await stripe.get("/", headers={"Authorization": ""})).text
        assert text.index(newer.id) < text.index(older.id)
        shown = await box(stripe, newer.id)
        for part in ("20.00 USD", "succeeded", newer.metadata["orderId"], "mastercard ····4444"):
            assert part in shown
        assert "_secret_" not in text

    async def test_goes_on_to_older_ones(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Page by page."""
        first = await opened(sdk)
        for _ in range(30):
            await opened(sdk)
        text = (await stripe.get("/")).text
        assert first.id not in text
        older = re.search(r'href="(/\?after=pi_\w+)">Older', text)
        assert older is not None
        assert first.id in (await stripe.get(older[1])).text

    async def test_escapes_what_it_was_told(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Metadata may be anything."""
        intent = await sdk.v1.payment_intents.create_async(
            {"amount": 1, "currency": "jpy", "metadata": {"orderId": "<script>alert(1)</script>"}}
        )
        shown = await box(stripe, intent.id)
        assert "<script" not in shown
        assert "1 JPY" in shown

    async def test_knows_payments_of_an_older_sandbox(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, sandbox: Sandbox
    ) -> None:
        """Whose file had neither charges nor payment methods; such a payment can be finished."""
        intent = await opened(sdk)
        old = intent.to_dict() | {
            "status": "requires_capture",
            "amount_capturable": 2000,
            "latest_charge": "ch_of_old",
            "payment_method": "pm_card_visa",
        }
        for new in ("cancellation_reason", "confirmation_method", "customer", "description", "processing"):
            del old[new]
        file = sqlite3.connect(sandbox.data)
        with file:
            file.execute("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(old), intent.id))
        file.close()
        assert "requires capture" in await box(stripe, intent.id)
        assert (await sdk.v1.payment_intents.capture_async(intent.id)).amount_received == 2000
        assert buttons(await box(stripe, intent.id)) == []


class TestButtons:
    """Those that lead somewhere, and no others."""

    async def test_of_a_payment_nobody_paid(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """It can be declined or canceled."""
        intent = await opened(sdk)
        assert buttons(await box(stripe, intent.id)) == ["Decline", "Cancel"]
        pressed = await press(stripe, intent.id, "Decline")
        assert (pressed.status_code, pressed.headers["Location"]) == (303, f"/#{intent.id}")
        assert "The bank declined this card" in await box(stripe, intent.id)
        await press(stripe, intent.id, "Cancel")
        shown = await box(stripe, intent.id)
        assert (buttons(shown), "requested by customer" in shown) == ([], True)

    @pytest.mark.parametrize(
        ("button", "status"),
        [("Authenticate", "requires_capture"), ("Fail authentication", "requires_payment_method")],
    )
    async def test_of_one_that_waits_for_its_buyer(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, button: str, status: str
    ) -> None:
        """As at the bank's page."""
        intent = await opened(sdk, "pm_card_authenticationRequired")
        await press(stripe, intent.id, button)
        assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == status

    @pytest.mark.parametrize(
        ("button", "status"), [("Capture", "succeeded"), ("Let it lapse", "canceled"), ("Cancel", "canceled")]
    )
    async def test_of_an_authorisation(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, receiver: Receiver, button: str, status: str
    ) -> None:
        """Taken or let go of; Tix hears of it."""
        intent = await opened(sdk, "pm_card_visa")
        assert buttons(await box(stripe, intent.id)) == ["Capture", "Let it lapse", "Cancel"]
        await press(stripe, intent.id, button)
        (told,) = await receiver.told(intent.id, f"payment_intent.{status}")
        assert told["status"] == status

    async def test_of_money_that_was_taken(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Back in part, then whole; then there is nothing to send back."""
        intent = await paid(sdk)
        await press(stripe, intent.id, "Refund", amount="500")
        await press(stripe, intent.id, "Refund")
        shown = await box(stripe, intent.id)
        assert "refund of 5.00 USD" in shown
        assert "refund of 15.00 USD" in shown
        assert "Refund" not in buttons(shown)
        await press(stripe, intent.id, "Let the refund fail")
        assert "Refund" in buttons(await box(stripe, intent.id))

    @pytest.mark.parametrize(
        ("button", "tag"), [("Win the dispute", ">won<"), ("Lose the dispute", ">lost<")]
    )
    async def test_of_a_dispute(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, button: str, tag: str
    ) -> None:
        """Opened, and decided."""
        intent = await paid(sdk)
        await press(stripe, intent.id, "Dispute")
        shown = await box(stripe, intent.id)
        assert buttons(shown) == ["Win the dispute", "Lose the dispute"]
        await press(stripe, intent.id, button)
        assert tag in await box(stripe, intent.id)

    async def test_of_an_inquiry(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Closed, or answered with a refund."""
        intent = await paid(sdk)
        await press(stripe, intent.id, "Inquire")
        assert "Close the inquiry" in buttons(await box(stripe, intent.id))
        await press(stripe, intent.id, "Close the inquiry")
        assert "warning closed" in await box(stripe, intent.id)

    async def test_pressed_too_late(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Says why it did nothing."""
        intent = await paid(sdk)
        response = await stripe.post(f"/payments/{intent.id}/cancel")
        assert response.status_code == 400
        assert "can be canceled" in response.text

    async def test_a_capture_the_bank_refuses(self, sdk: StripeClient, stripe: httpx.AsyncClient) -> None:
        """Is refused to a person, too."""
        intent = await opened(sdk, "pm_sandbox_captureFails")
        assert (await press(stripe, intent.id, "Capture")).status_code == 402
        with pytest.raises(CardError):
            await sdk.v1.payment_intents.capture_async(intent.id)


class TestForeignPages:
    """Another site's page cannot press a button, nor read the list."""

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "http://127.0.0.1:3000"},
            {"Origin": "null"},
            {"Host": "evil.example:4242"},
        ],
    )
    async def test_press_nothing(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        """A browser tells where it comes from."""
        intent = await opened(sdk, "pm_card_visa")
        response = await stripe.post(f"/payments/{intent.id}/capture", headers=headers)
        assert response.status_code == 403
        assert (await sdk.v1.payment_intents.retrieve_async(intent.id)).status == "requires_capture"

    async def test_read_nothing(self, stripe: httpx.AsyncClient) -> None:
        """By a name of their own for this machine."""
        assert (await stripe.get("/", headers={"Host": "evil.example"})).status_code == 403

    async def test_the_page_itself_may(
        self, sdk: StripeClient, stripe: httpx.AsyncClient, sandbox: Sandbox
    ) -> None:
        """The negative of the above."""
        intent = await opened(sdk, "pm_card_visa")
        own = {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}
        response = await stripe.post(f"/payments/{intent.id}/capture", headers=own)
        assert response.status_code == 303
