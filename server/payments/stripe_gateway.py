"""Stripe behind the gateway: its calls, by its SDK."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from uuid import UUID

from aiohttp import ClientError, ClientTimeout
from pydantic import ValidationError

from server.kit.errors import BadRequest
from server.payments.gateway import (
    BadSignature,
    Checkout,
    GatewayRefused,
    Intent,
    StripeEvent,
)
from server.payments.pace import Pace
from server.payments.stripe_errors import in_our_words, retry_after
from server.payments.stripe_objects import Event, is_signed, read_checkout, read_intent
from server.payments.stripe_sdk import stripe

T = TypeVar("T")
L = TypeVar("L", stripe.PaymentIntent, stripe.Refund, stripe.Dispute)

API_VERSION = "2026-10-28.endive"
"""Pinned, so that an upgrade of the SDK cannot change what Stripe sends; webhooks have the same version."""

SERVER_ERRORS = 500
PAGE = 100
"""Stripe's largest; of one payment no more refunds, and no more disputes, are looked at."""


class _Client(stripe.AIOHTTPClient):
    """That of the SDK, but no redirect is followed: Stripe sends none, and who does would get our form."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: object
    ) -> tuple[Any, dict[str, Any]]:
        args, more = super()._get_request_args_kwargs(method, url, headers, post_data)
        return args, {**more, "allow_redirects": False}

    async def close_async(self) -> None:
        """If there is anything to close: it would be made for that."""
        if self._cached_session is not None:
            await super().close_async()


class StripeGateway:
    """Stripe itself, or the sandbox, which speaks the same."""

    def __init__(  # noqa: PLR0913 - what must be set, and what tests set
        self,
        *,
        key: str,
        webhook_secret: str,
        previous_webhook_secret: str | None = None,
        base: str = "https://api.stripe.com",
        timeout: float = 10.0,
        rate: float = 0,
    ) -> None:
        """`base` is the API's address; `timeout` in seconds, for connecting and for each wait for an answer.

        `rate`: calls a second to each endpoint; 0: as many as come.
        """
        self._webhook_secrets = [one for one in (webhook_secret, previous_webhook_secret) if one is not None]
        self._pace = Pace(rate)
        # A quarter of what a call by httpx takes, which is 1.7 ms of CPU, three times a booking.
        # `connect` is for all of it: names, each address in turn, a proxy's CONNECT, TLS.
        limits = ClientTimeout(total=None, connect=timeout, sock_read=timeout)
        self._http = _Client(timeout=limits, proxy=_proxy(base))
        # No retries inside: the caller retries by its own clock, with the same idempotency key.
        self._stripe = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            base_addresses={"api": base},
            http_client=self._http,
            max_network_retries=0,
        ).v1
        self._intents = self._stripe.payment_intents
        self._checkouts = self._stripe.checkout.sessions

    async def create_intent(
        self, *, key: str, amount: int, currency: str, order_id: UUID, payment_id: UUID
    ) -> Intent:
        """See `Gateway`."""
        return read_intent(
            await self._ask(
                "create",
                self._intents.create_async(
                    {
                        "amount": amount,
                        "currency": currency,
                        "capture_method": "manual",
                        # Cards and wallets: little else can be authorised now and captured later.
                        "allowed_payment_method_types": ["card"],
                        "metadata": _named(order_id, payment_id),
                    },
                    {"idempotency_key": key},
                ),
            )
        )

    async def confirm_intent(
        self, intent_id: str, *, key: str, payment_method: str, return_url: str
    ) -> Intent:
        """See `Gateway`."""
        return read_intent(
            await self._ask(
                "confirm",
                self._intents.confirm_async(
                    intent_id,
                    {"payment_method": payment_method, "return_url": return_url},
                    {"idempotency_key": key},
                ),
            )
        )

    async def get_intent(self, intent_id: str) -> Intent:
        """See `Gateway`."""
        intent = await self._ask(
            "get", self._intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
        )
        if intent.status != "succeeded":
            return read_intent(intent)
        refunds = await self._ask(
            "refunds", self._stripe.refunds.list_async({"payment_intent": intent_id, "limit": PAGE})
        )
        # Stays true once it was disputed, so that a closed one is found too.
        disputes: list[stripe.Dispute] = []
        if isinstance(intent.latest_charge, stripe.Charge) and intent.latest_charge.disputed:
            found = await self._ask(
                "disputes",
                self._stripe.disputes.list_async({"payment_intent": intent_id, "limit": PAGE}),
            )
            disputes = found.data
        return read_intent(intent, refunds.data, disputes)

    async def create_checkout(  # noqa: PLR0913 - see `Gateway`
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
        """See `Gateway`."""
        call = self._checkouts.create_async(
            {
                "mode": "payment",
                "line_items": [
                    {
                        "price_data": {
                            "currency": currency,
                            "unit_amount": amount,
                            # The order's id, since payments knows no titles.
                            "product_data": {"name": f"Ticket, order {order_id}"},
                        },
                        "quantity": 1,
                    }
                ],
                "payment_intent_data": {
                    "capture_method": "manual",
                    "metadata": _named(order_id, payment_id),
                },
                "allowed_payment_method_types": ["card"],
                "metadata": _named(order_id, payment_id),
                "expires_at": int(expires_at.timestamp()),
                # Its word may come after its buyer, whom the shop then does not ask to pay once more.
                "success_url": f"{return_url}?came=paid",
                "cancel_url": return_url,
            },
            {"idempotency_key": key},
        )
        return read_checkout(await self._ask("create checkout", call))

    async def get_checkout(self, checkout_id: str) -> Checkout:
        """See `Gateway`."""
        return read_checkout(await self._ask("get checkout", self._checkouts.retrieve_async(checkout_id)))

    async def expire_checkout(self, checkout_id: str, *, key: str) -> Checkout:
        """See `Gateway`."""
        call = self._checkouts.expire_async(checkout_id, None, {"idempotency_key": key})
        try:
            return read_checkout(await self._ask("expire checkout", call))
        except GatewayRefused:  # Stripe has no code for a page that is over: look
            checkout = await self.get_checkout(checkout_id)
            if checkout.status == "open":
                raise
            return checkout

    async def list_intents(self, since: datetime) -> AsyncIterator[Intent]:
        """See `Gateway`."""
        window = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        refunds: defaultdict[str, list[stripe.Refund]] = defaultdict(list)
        disputes: defaultdict[str, list[stripe.Dispute]] = defaultdict(list)
        async for refund in self._walk("list refunds", self._stripe.refunds.list_async, window):
            refunds[_intent_id(refund)].append(refund)
        async for dispute in self._walk("list disputes", self._stripe.disputes.list_async, window):
            disputes[_intent_id(dispute)].append(dispute)
        with_charges = {**window, "expand": ["data.latest_charge"]}
        async for intent in self._walk("list", self._intents.list_async, with_charges):
            yield read_intent(intent, refunds.pop(intent.id, []), disputes.pop(intent.id, []))
        for older in (refunds.keys() | disputes.keys()) - {""}:
            yield await self.get_intent(older)

    async def _walk(
        self,
        endpoint: str,
        ask: Callable[[Any], Coroutine[Any, Any, stripe.ListObject[L]]],
        window: Mapping[str, object],
    ) -> AsyncIterator[L]:
        """All of a list, page by page, newest first."""
        page = await self._ask(endpoint, ask(window))
        while page.data:
            for item in page.data:
                yield item
            if not page.has_more:
                return
            page = await self._ask(endpoint, ask({**window, "starting_after": page.data[-1].id}))

    async def capture_intent(self, intent_id: str, *, key: str) -> Intent:
        """See `Gateway`."""
        call = self._intents.capture_async(intent_id, None, {"idempotency_key": key})
        return read_intent(await self._ask("capture", call))

    async def cancel_intent(self, intent_id: str, *, key: str) -> Intent:
        """See `Gateway`."""
        return read_intent(
            await self._ask("cancel", self._intents.cancel_async(intent_id, None, {"idempotency_key": key}))
        )

    async def refund_intent(self, intent_id: str, *, key: str, payment_id: UUID, attempt: int) -> None:
        """See `Gateway`."""
        await self._ask(
            "refund",
            self._stripe.refunds.create_async(
                {
                    # Without an amount: the rest, and the same parameters whenever the key is used again.
                    "payment_intent": intent_id,
                    "metadata": {"paymentId": str(payment_id), "attempt": str(attempt)},
                },
                {"idempotency_key": key},
            ),
        )

    def read_event(self, body: bytes, signature: str) -> StripeEvent:
        """See `Gateway`."""
        if not any(is_signed(body, signature, secret) for secret in self._webhook_secrets):
            raise BadSignature("The event was not signed with our secret in the last few minutes.")
        try:
            return Event.model_validate_json(body).essence()
        except ValidationError:
            raise BadRequest("The signed body is not a Stripe event.") from None

    async def _ask(self, endpoint: str, call: Coroutine[Any, Any, T]) -> T:
        """Stripe's answer in its turn, or its error in our words."""
        try:
            await self._pace.turn(endpoint)
        except BaseException:
            call.close()
            raise
        try:
            answer = await _whole(call)
        except stripe.StripeError as error:
            self._mind(endpoint, error)
            translated = in_our_words(error)
            # Seen in the log's traceback, never by a client.
            kind = type(error.__cause__ or error).__name__
            translated.add_note(f"Stripe: {kind}, status {error.http_status}, request {error.request_id}")
        else:
            self._pace.answered()
            return answer
        # Raised out here to carry no __context__: the SDK's errors hold whole bodies, even client secrets.
        raise translated

    def _mind(self, endpoint: str, error: stripe.StripeError) -> None:
        """Learn from a failure how soon to call again."""
        if isinstance(error, stripe.RateLimitError):
            self._pace.hold_back(endpoint, retry_after(error))
        elif error.http_status is None or error.http_status >= SERVER_ERRORS:
            self._pace.unanswered()
        else:
            self._pace.answered()

    async def close(self) -> None:
        """See `Gateway`."""
        await self._http.close_async()


async def _whole(call: Coroutine[Any, Any, T]) -> T:
    try:
        return await call
    except (ClientError, TimeoutError) as error:  # in the middle of the answer, which the SDK does not expect
        raise stripe.APIConnectionError(type(error).__name__) from error  # type: ignore[no-untyped-call]


def _proxy(base: str) -> str | None:
    """What the environment says is between us and Stripe: HTTPS_PROXY or ALL_PROXY, but for NO_PROXY."""
    parts, found = urlsplit(base), getproxies()
    proxy = found.get(parts.scheme) or found.get("all")
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _named(order_id: UUID, payment_id: UUID) -> dict[str, str]:
    """The metadata by which what we made at Stripe is known to be ours."""
    return {"orderId": str(order_id), "paymentId": str(payment_id)}


def _intent_id(of: stripe.Refund | stripe.Dispute) -> str:
    intent = of.payment_intent
    return intent if isinstance(intent, str) else ""
