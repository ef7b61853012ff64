"""The sandbox's HTTP API where the gateway does not look: shapes of errors, idempotency, forms, pages."""

import asyncio
import re
import sqlite3
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.stripe_sandbox.running import WEBHOOK_SECRET, Receiver, Sandbox
from tests.waiting import until

INTENTS = "/v1/payment_intents"
NEW = {"amount": "2000", "currency": "usd", "capture_method": "manual", "metadata[orderId]": "o1"}


async def opened(stripe: httpx.AsyncClient, **more: str) -> str:
    """The id of a new intent."""
    response = await stripe.post(INTENTS, data={**NEW, **more})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


class TestErrors:
    """Errors have Stripe's shape and Stripe's status codes."""

    @pytest.mark.parametrize(
        "authorization", ["", "Bearer", "Bearer sk_live_x", "Bearer pk_live_x", "Basic eDo="]
    )
    async def test_a_call_without_a_test_key(self, stripe: httpx.AsyncClient, authorization: str) -> None:
        """Is not answered, and the key is not repeated."""
        response = await stripe.get(f"{INTENTS}/pi_x", headers={"Authorization": authorization})
        assert response.status_code == 401
        assert response.json()["error"]["type"] == "invalid_request_error"
        assert "sk_live_x" not in response.text

    @pytest.mark.parametrize(
        ("form", "code", "param"),
        [
            ({"currency": "usd"}, "parameter_missing", "amount"),
            ({"amount": "0", "currency": "usd"}, None, "amount"),
            ({"amount": "1.5", "currency": "usd"}, None, "amount"),
            ({"amount": "2000", "currency": "dollars"}, None, "currency"),
            ({**NEW, "colour": "red"}, "parameter_unknown", "colour"),
            ({**NEW, "payment_method_types[0]": "card"}, "parameter_unknown", "payment_method_types"),
            ({**NEW, "allowed_payment_method_types[0]": "ideal"}, None, "allowed_payment_method_types[0]"),
            ({**NEW, "metadata[a][b]": "1"}, None, "metadata[a]"),
            ({**NEW, "metadata": "1"}, None, None),
            ({**NEW, "a" + "[a]" * 1000: "1"}, None, None),
            ({**NEW, "payment_method": "pm_none", "confirm": "true"}, "resource_missing", "payment_method"),
        ],
    )
    async def test_bad_parameters(
        self, stripe: httpx.AsyncClient, form: dict[str, str], code: str | None, param: str | None
    ) -> None:
        """Are named; nothing is made, and the key may be used for the right ones."""
        key = str(uuid4())
        response = await stripe.post(INTENTS, data=form, headers={"Idempotency-Key": key})
        error = response.json()["error"]
        assert (response.status_code, error["type"]) == (400, "invalid_request_error")
        assert (error.get("code"), error.get("param")) == (code, param)
        response = await stripe.post(INTENTS, data=NEW, headers={"Idempotency-Key": key})
        assert response.status_code == 200

    async def test_confirm_without_a_payment_method_makes_nothing(self, stripe: httpx.AsyncClient) -> None:
        """Create and confirm are one: refused together."""
        before = (await stripe.get(INTENTS)).json()["data"][:1]
        response = await stripe.post(INTENTS, data={**NEW, "confirm": "true"})
        assert response.json()["error"]["code"] == "payment_intent_unexpected_state"
        assert (await stripe.get(INTENTS)).json()["data"][:1] == before

    @pytest.mark.parametrize(
        "path", [f"{INTENTS}/pi_none", "/v1/payouts", "/v1/payment_intents/pi_none/refund"]
    )
    async def test_what_is_not_there(self, stripe: httpx.AsyncClient, path: str) -> None:
        """Object or route: 404."""
        response = await stripe.get(path)
        assert (response.status_code, response.json()["error"]["type"]) == (404, "invalid_request_error")

    async def test_a_decline_shows_the_intent(self, stripe: httpx.AsyncClient) -> None:
        """As Stripe does, with the reason in both places."""
        form = {**NEW, "confirm": "true", "payment_method": "pm_card_chargeDeclined"}
        response = await stripe.post(INTENTS, data=form)
        error = response.json()["error"]
        assert (response.status_code, error["type"], error["code"]) == (402, "card_error", "card_declined")
        assert error["decline_code"] == error["payment_intent"]["last_payment_error"]["decline_code"]
        assert error["payment_intent"]["status"] == "requires_payment_method"

    async def test_every_answer_has_a_request_id(self, stripe: httpx.AsyncClient) -> None:
        """Errors, too."""
        ids = {(await stripe.get(path)).headers["Request-Id"] for path in (INTENTS, "/v1/nothing")}
        assert all(request_id.startswith("req_") for request_id in ids)
        assert len(ids) == 2


class TestIntents:
    """What the gateway does not ask for."""

    async def test_automatic_capture_succeeds_at_once(self, stripe: httpx.AsyncClient) -> None:
        """With `capture_method` left out."""
        form = {"amount": "2000", "currency": "USD", "confirm": "true", "payment_method": "pm_card_visa"}
        intent = (await stripe.post(INTENTS, data=form)).json()
        assert (intent["status"], intent["amount_received"], intent["currency"]) == ("succeeded", 2000, "usd")

    async def test_a_card_given_at_creation_waits_for_confirm(self, stripe: httpx.AsyncClient) -> None:
        """And confirm need not name it again."""
        intent_id = await opened(stripe, payment_method="pm_card_visa")
        assert (await stripe.get(f"{INTENTS}/{intent_id}")).json()["status"] == "requires_confirmation"
        intent = (await stripe.post(f"{INTENTS}/{intent_id}/confirm")).json()
        assert (intent["status"], intent["amount_capturable"]) == ("requires_capture", 2000)

    async def test_list_is_newest_first_in_pages(self, stripe: httpx.AsyncClient) -> None:
        """Each page begins after the last one's end."""
        ids = [await opened(stripe) for _ in range(3)]
        first = (await stripe.get(INTENTS, params={"limit": "2"})).json()
        second = (await stripe.get(INTENTS, params={"limit": "1", "starting_after": ids[1]})).json()
        assert [intent["id"] for intent in first["data"] + second["data"]] == ids[::-1]
        assert first["has_more"] is True


class TestIdempotency:
    """One key is one request."""

    async def test_a_decline_is_replayed(self, stripe: httpx.AsyncClient) -> None:
        """With the same body and a header that says so, though the intent has moved on."""
        intent_id = await opened(stripe)
        call = {
            "data": {"payment_method": "pm_card_chargeDeclined"},
            "headers": {"Idempotency-Key": str(uuid4())},
        }
        first = await stripe.post(f"{INTENTS}/{intent_id}/confirm", **call)  # type: ignore[arg-type]
        await stripe.post(f"{INTENTS}/{intent_id}/confirm", data={"payment_method": "pm_card_visa"})
        second = await stripe.post(f"{INTENTS}/{intent_id}/confirm", **call)  # type: ignore[arg-type]
        assert (second.status_code, second.text) == (402, first.text)
        assert "Idempotent-Replayed" not in first.headers
        assert second.headers["Idempotent-Replayed"] == "true"
        assert (await stripe.get(f"{INTENTS}/{intent_id}")).json()["status"] == "requires_capture"

    async def test_another_path_is_another_request(self, stripe: httpx.AsyncClient) -> None:
        """Parameters are not all that must be the same."""
        intent_id, headers = await opened(stripe), {"Idempotency-Key": str(uuid4())}
        await stripe.post(f"{INTENTS}/{intent_id}/cancel", headers=headers)
        response = await stripe.post(f"{INTENTS}/{intent_id}/capture", headers=headers)
        assert (response.status_code, response.json()["error"]["type"]) == (400, "idempotency_error")

    async def test_while_the_first_is_running(self, stripe: httpx.AsyncClient, sandbox: Sandbox) -> None:
        """The second is told so, and the first is not disturbed."""
        headers = {"Idempotency-Key": str(uuid4())}
        # Whoever holds the file's write lock stops the sandbox in the middle of a request.
        other = sqlite3.connect(sandbox.data, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        twins = [asyncio.create_task(stripe.post(INTENTS, data=NEW, headers=headers)) for _ in range(2)]
        done, pending = await asyncio.wait(twins, return_when=asyncio.FIRST_COMPLETED)
        other.execute("ROLLBACK")
        other.close()
        early, late = done.pop().result(), await pending.pop()
        assert (early.status_code, early.json()["error"]["code"]) == (409, "idempotency_key_in_use")
        assert late.status_code == 200

    async def test_callers_that_hang_up(self, sandbox: Sandbox, stripe: httpx.AsyncClient) -> None:
        """Leave each request done whole or not at all: asked again, each key has exactly one intent."""
        keys = [f"hang-up:{uuid4()}" for _ in range(40)]

        async def ask(client: httpx.AsyncClient, key: str) -> httpx.Response:
            form = {**NEW, "metadata[key]": key, "confirm": "true", "payment_method": "pm_card_visa"}
            return await client.post(INTENTS, data=form, headers={"Idempotency-Key": key})

        async with sandbox.client() as hasty:
            calls = [asyncio.create_task(ask(hasty, key)) for key in keys]
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        answers: list[int] = []

        async def is_answered(key: str) -> bool:
            answers.append((await ask(stripe, key)).status_code)
            return answers[-1] != 409  # as Stripe says while the abandoned one is still under way

        for key in keys:
            await until(lambda key=key: is_answered(key), f"{key} is answered")  # type: ignore[misc]
        assert set(answers) <= {200, 409}
        made = (await stripe.get(INTENTS, params={"limit": "100"})).json()["data"]
        counted = [intent["metadata"].get("key") for intent in made if intent["metadata"].get("key") in keys]
        assert sorted(counted) == sorted(keys)
        db = sqlite3.connect(sandbox.data)
        events = db.execute("SELECT count(*) FROM events WHERE body LIKE '%hang-up:%'").fetchone()[0]
        db.close()
        assert events == 2 * len(keys)


class TestAuthenticationPage:
    """Where the buyer proves to the bank who they are."""

    async def ask(self, stripe: httpx.AsyncClient, return_url: str | None) -> tuple[str, str]:
        """An intent that waits for its buyer, and the page's address."""
        intent_id = await opened(stripe)
        form = {"payment_method": "pm_card_authenticationRequired"}
        more = {} if return_url is None else {"return_url": return_url}
        response = await stripe.post(f"{INTENTS}/{intent_id}/confirm", data={**form, **more})
        assert response.json()["status"] == "requires_action"
        return intent_id, str(response.json()["next_action"]["redirect_to_url"]["url"])

    @pytest.mark.parametrize(
        ("outcome", "redirect_status", "status", "code"),
        [
            ("complete", "succeeded", "requires_capture", None),
            ("fail", "failed", "requires_payment_method", "payment_intent_authentication_failure"),
        ],
    )
    async def test_two_buttons(
        self, stripe: httpx.AsyncClient, outcome: str, redirect_status: str, status: str, code: str | None
    ) -> None:
        """Each leads back to the shop, and the intent has changed by then."""
        intent_id, url = await self.ask(stripe, "http://127.0.0.1:3000/orders/1?tab=2")
        page = await stripe.get(url)
        assert re.findall('name="outcome" value="(.*?)"', page.text) == ["complete", "fail"]
        response = await stripe.post(url, data={"outcome": outcome})
        assert response.status_code == 303
        back = urlsplit(response.headers["Location"])
        assert (back.netloc, back.path) == ("127.0.0.1:3000", "/orders/1")
        query = parse_qs(back.query)
        assert (query["tab"], query["redirect_status"]) == (["2"], [redirect_status])
        assert query["payment_intent"] == [intent_id]
        intent = (await stripe.get(f"{INTENTS}/{intent_id}")).json()
        assert (intent["status"], (intent["last_payment_error"] or {}).get("code")) == (status, code)

    async def test_needs_no_return_url(self, stripe: httpx.AsyncClient) -> None:
        """A buyer from the terminal just closes the page."""
        _, url = await self.ask(stripe, None)
        assert (await stripe.post(url, data={"outcome": "complete"})).status_code == 200

    async def test_works_once(self, stripe: httpx.AsyncClient) -> None:
        """The second click finds nothing to do, and does nothing."""
        intent_id, url = await self.ask(stripe, None)
        await stripe.post(url, data={"outcome": "complete"})
        assert (await stripe.post(url, data={"outcome": "fail"})).status_code == 404
        assert (await stripe.get(f"{INTENTS}/{intent_id}")).json()["status"] == "requires_capture"

    async def test_cannot_be_guessed(self, stripe: httpx.AsyncClient) -> None:
        """Knowing the intent's id is not enough."""
        intent_id, url = await self.ask(stripe, None)
        guessed = f"{url.rsplit('/', 1)[0]}/guess"
        assert (await stripe.post(guessed, data={"outcome": "complete"})).status_code == 404
        assert (await stripe.get(f"{INTENTS}/{intent_id}")).json()["status"] == "requires_action"

    async def test_neither_button(self, stripe: httpx.AsyncClient) -> None:
        """Changes nothing."""
        intent_id, url = await self.ask(stripe, None)
        assert (await stripe.post(url, data={})).status_code == 400
        assert (await stripe.get(f"{INTENTS}/{intent_id}")).json()["status"] == "requires_action"


class TestProcess:
    """The sandbox as a program."""

    async def test_listens_on_one_address_only(self, sandbox: Sandbox) -> None:
        """127.0.0.2 is this machine as well, and would be served by a socket bound to all addresses."""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", sandbox.port)

    def test_keeps_its_secrets(self, sandbox: Sandbox) -> None:
        """The file is its owner's, and neither the arguments nor the log have a secret in them."""
        assert stat.S_IMODE(sandbox.data.stat().st_mode) == 0o600
        assert sandbox.process is not None
        proc = Path(f"/proc/{sandbox.process.pid}")
        arguments = (proc / "cmdline").read_text() if proc.exists() else ""
        for text in (arguments, sandbox.log.read_text()):
            assert WEBHOOK_SECRET not in text
            assert "_secret_" not in text

    @pytest.mark.slow
    async def test_acknowledged_work_survives_kill_9(self, tmp_path: Path) -> None:
        """Killed amid many requests, it still knows all that it answered, and answers it again."""
        answered: dict[str, str] = {}

        async def keep_asking(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
            while True:
                key = str(uuid4())
                response = await client.post(INTENTS, data=NEW, headers={"Idempotency-Key": key})
                answered[key] = response.text
                if len(answered) == 50:
                    await sandbox.kill()

        async with (
            Receiver() as receiver,
            Sandbox(tmp_path / "stripe.db", webhook_url=receiver.url) as sandbox,
            sandbox.client() as client,
        ):
            buyers = [asyncio.create_task(keep_asking(client, sandbox)) for _ in range(4)]
            await asyncio.gather(*buyers, return_exceptions=True)
            await sandbox.start()
            for key, text in answered.items():
                again = await client.post(INTENTS, data=NEW, headers={"Idempotency-Key": key})
                assert again.text == text

    async def test_stops_when_told(self, tmp_path: Path) -> None:
        """SIGTERM ends it cleanly."""
        async with Sandbox(tmp_path / "stripe.db", webhook_url="http://127.0.0.1:9") as sandbox:
            assert await sandbox.terminate() == 0
        assert "Traceback" not in sandbox.log.read_text()
