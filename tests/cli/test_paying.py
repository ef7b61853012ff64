"""`tix pay` on a hosted page: the link, the QR code, and an end by itself."""

import asyncio
import json

import pytest
import segno

from tests.cli import test_commands
from tests.cli.running import ID, Run, Stub, order, payment
from tests.cli.terminal import CTRL_C, in_terminal
from tests.cli.test_commands import Do, listed
from tests.dashboard import DECLINED_CARD, dashboard
from tests.platform import Platform
from tests.waiting import until

do = test_commands.do
URL = "http://stripe.test/c/pay/cs_test_1"


@pytest.fixture
def page(signed_in: Stub) -> Stub:
    """An order whose payment is a hosted page nobody has paid on."""
    signed_in.answer("POST /api/payments", 201, on_page())
    return signed_in


def on_page(**more: object) -> dict[str, object]:
    """A payment in mode `checkout`."""
    return payment(mode="checkout", checkoutUrl=URL, clientSecret=None, stripeId=None, **more)


class TestPage:
    """Without --method."""

    def test_c25_tells_the_link_and_ends_when_it_is_paid(self, tix: Run, page: Stub) -> None:
        page.answer(f"GET /api/orders/{ID}", 200, order())
        page.answer(f"GET /api/orders/{ID}", 200, order(status="complete"))
        page.answer(f"GET /api/payments/{ID}", 200, on_page())
        page.answer(f"GET /api/payments/{ID}", 200, payment(mode="checkout", status="captured"))
        outcome = tix("pay", ID)
        assert outcome.code == 0
        assert outcome.err.splitlines()[0] == f"To pay, open: {URL}"
        assert "Paid 45.00 USD" in outcome.err
        assert json.loads(page.asked[0][2]) == {"orderId": ID, "mode": "checkout"}

    def test_is_a_line_for_scripts(self, tix: Run, page: Stub) -> None:
        page.answer(f"GET /api/orders/{ID}", 200, order(status="complete"))
        page.answer(f"GET /api/payments/{ID}", 200, payment(mode="checkout", status="captured"))
        outcome = tix("pay", ID, "--json")
        assert json.loads(outcome.err) == {"orderId": ID, "paymentId": ID, "checkoutUrl": URL}
        assert outcome.document["status"] == "captured"

    def test_does_not_end_at_a_decline_which_the_page_takes_another_card_for(
        self, tix: Run, page: Stub
    ) -> None:
        declined = on_page(declineCode="insufficient_funds")
        for answer in (declined, declined, payment(mode="checkout", status="captured")):
            page.answer(f"GET /api/payments/{ID}", 200, answer)
        for status in ("created", "created", "complete"):
            page.answer(f"GET /api/orders/{ID}", 200, order(status=status))
        outcome = tix("pay", ID)
        assert outcome.code == 0
        assert outcome.err.count("A card was declined (insufficient_funds)") == 1

    def test_is_not_waited_for_with_no_wait(self, tix: Run, page: Stub) -> None:
        outcome = tix("pay", ID, "--no-wait", "--json")
        assert (outcome.code, outcome.err, outcome.document["checkoutUrl"]) == (0, "", URL)
        assert len(page.asked) == 1

    def test_8_at_the_timeout_names_the_link_again(self, tix: Run, page: Stub) -> None:
        page.answer(f"GET /api/orders/{ID}", 200, order())
        page.answer(f"GET /api/payments/{ID}", 200, on_page())
        outcome = tix("pay", ID, "--timeout", "1.5")
        assert outcome.code == 8
        assert outcome.err.count(URL) == 2
        assert outcome.out == ""

    @pytest.mark.parametrize(("status", "exit_code"), [("expired", 6), ("cancelled", 6), ("rejected", 7)])
    def test_ends_with_its_order(self, tix: Run, page: Stub, status: str, exit_code: int) -> None:
        page.answer(f"GET /api/orders/{ID}", 200, order(status=status))
        page.answer(f"GET /api/payments/{ID}", 200, payment(mode="checkout", status="voided"))
        assert tix("pay", ID).code == exit_code

    def test_6_when_another_window_closed_it(self, tix: Run, page: Stub) -> None:
        page.answer(f"GET /api/orders/{ID}", 200, order())
        page.answer(f"GET /api/payments/{ID}", 200, payment(mode="checkout", status="voided"))
        outcome = tix("pay", ID)
        assert outcome.code == 6
        assert f"hint: tix pay {ID}" in outcome.err

    def test_what_another_window_paid_is_the_payment(self, tix: Run, page: Stub) -> None:
        page.answer(f"GET /api/orders/{ID}", 200, order(status="accepted"))
        page.answer(f"GET /api/orders/{ID}", 200, order(status="complete"))
        page.answer(f"GET /api/payments/{ID}", 200, payment(mode="checkout", status="voided"))
        page.answer("GET /api/payments", 200, {"items": [payment(status="captured")], "nextCursor": None})
        outcome = tix("pay", ID, "--json")
        assert (outcome.code, outcome.document["status"]) == (0, "captured")

    def test_c25_in_a_terminal_there_is_a_qr_code_if_it_fits(self, page: Stub) -> None:
        page.answer(f"GET /api/orders/{ID}", 200, order(status="complete"))
        page.answer(f"GET /api/payments/{ID}", 200, payment(mode="checkout", status="captured"))
        shown = in_terminal("pay", ID).shown
        size = int(segno.make(URL, error="l").symbol_size(border=2)[0])
        lines = [line for line in shown.splitlines() if line and set(line) <= set("█▀▄ ")]
        assert [len(line) for line in lines] == [size] * ((size + 1) // 2)
        page.answers["POST /api/payments"] = [(201, {**on_page(), "checkoutUrl": URL + "#" + "x" * 400})]
        assert "▀" not in in_terminal("pay", ID).shown

    def test_ctrl_c_says_that_it_goes_on_without(self, page: Stub) -> None:
        page.answer(f"GET /api/orders/{ID}", 200, order())
        page.answer(f"GET /api/payments/{ID}", 200, on_page())
        screen = in_terminal("pay", ID, typed=[("To pay, open", CTRL_C)])
        assert screen.code == 130
        assert f"tix orders show {ID}" in screen.shown.replace("\r\n", " ")


async def test_c25_pays_and_ends_by_itself(platform: Platform, do: Do) -> None:
    """Against a running platform: a decline on the page, then a good card."""
    held = (await do("buyer", "reserve", await listed(do))).document["id"]
    url = (await do("buyer", "pay", held, "--no-wait")).document["checkoutUrl"]
    keys = "SELECT count(*) FROM idempotency_keys"
    before = await platform.count("payments", keys)
    waiting = asyncio.ensure_future(do("buyer", "pay", held, "--timeout", "60"))

    async def asked() -> bool:
        return await platform.count("payments", keys) > before

    await until(asked, "`tix pay` has asked for the page", 30)
    async with dashboard(platform.settings) as stripe:
        assert (await stripe.pay_page(url, DECLINED_CARD)).status_code == 402
        declined = "SELECT count(*) FROM payments WHERE decline_code IS NOT NULL"
        await until(lambda: platform.count("payments", declined), "the decline is known")
        assert not waiting.done()
        assert (await stripe.pay_page(url)).status_code == 303
    paid = await waiting
    assert (paid.code, paid.document["status"]) == (0, "captured"), paid.err
    assert json.loads(paid.err)["checkoutUrl"] == url
