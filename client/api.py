"""The one client of Tix: a typed method for each call of the API."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from client.errors import Unavailable, Unreachable, unreachable
from client.http import new_key, read
from client.listings import Listings
from client.repeats import Repeat
from server.auth.schemas import CreatedToken, CurrentUser, NewToken, Session, TokenOut, TokenQuery, UserOut
from server.kit.schemas import Page
from server.orders.schemas import OrderOut, OrderQuery, OrderWithHistory
from server.payments.schemas import Mode, PaymentOut
from server.tickets.schemas import NewTicket, TicketEdit, TicketOut, TicketQuery

Id = UUID | str


class Tix(Listings):
    """A connection to one Tix, as one user: `async with Tix(api_url, token) as tix`."""

    # --- accounts -----------------------------------------------------------------------------------------

    async def sign_up(self, email: str, password: str) -> Session:
        """Make an account and go on as it. Raises Conflict `email_taken`, Invalid."""
        return await self._enter("signup", email, password, Repeat.SEEN)

    async def sign_in(self, email: str, password: str) -> Session:
        """Go on as this account. Raises Unauthenticated `invalid_credentials`, TooMany."""
        return await self._enter("signin", email, password, Repeat.HARMLESS)

    async def _enter(self, door: str, email: str, password: str, repeat: Repeat) -> Session:
        credentials = {"email": email, "password": password}
        answer = await self._call("POST", f"/api/users/{door}", body=credentials, repeat=repeat)
        session = read(Session, answer)
        self.token = session.token
        return session

    async def sign_out(self) -> None:
        """End the token everywhere and go on without one. Raises Unauthenticated."""
        await self._call("POST", "/api/users/signout")
        self.token = None

    async def identify(self) -> CurrentUser:
        """Who the token speaks for, what it may do and until when. Raises Unauthenticated."""
        return read(CurrentUser, await self._call("GET", "/api/users/currentuser"))

    async def current_user(self) -> UserOut | None:
        """Who the token speaks for; None without one. Raises Unauthenticated."""
        return (await self.identify()).current_user

    async def create_token(self, wanted: NewToken) -> CreatedToken:
        """Make a personal token, with a sign-in's. Raises Forbidden, Conflict `too_many_tokens`, Invalid."""
        answer = await self._call("POST", "/api/users/tokens", body=wanted, repeat=Repeat.SEEN)
        return read(CreatedToken, answer)

    async def list_tokens(self, query: TokenQuery | None = None) -> Page[TokenOut]:
        """One page of one's own personal tokens that work, newest first. Raises Forbidden."""
        return read(Page[TokenOut], await self._call("GET", "/api/users/tokens", query=query))

    async def revoke_token(self, token_id: Id) -> None:
        """End a personal token everywhere; again does nothing. Raises NotFound, Forbidden."""
        await self._call("DELETE", _path("/api/users/tokens", token_id))

    # --- tickets ------------------------------------------------------------------------------------------

    async def list_tickets(self, query: TicketQuery | None = None) -> Page[TicketOut]:
        """One page of tickets, newest first unless `query` says otherwise."""
        return read(Page[TicketOut], await self._call("GET", "/api/tickets", query=query))

    async def show_ticket(self, ticket_id: Id) -> TicketOut:
        """One ticket. Raises NotFound."""
        return read(TicketOut, await self._call("GET", _path("/api/tickets", ticket_id)))

    async def create_ticket(self, listing: NewTicket, *, key: str | None = None) -> TicketOut:
        """List a ticket. Raises Conflict `external_id_taken`, Invalid."""
        return read(TicketOut, await self._call("POST", "/api/tickets", body=listing, key=key or new_key()))

    async def update_ticket(self, ticket_id: Id, edit: TicketEdit) -> TicketOut:
        """Change the fields that are set in `edit`. Raises Conflict `version_conflict`, OutcomeUnknown, …."""
        path = _path("/api/tickets", ticket_id)
        return read(TicketOut, await self._call("PUT", path, body=edit, repeat=Repeat.SEEN))

    async def withdraw_ticket(self, ticket_id: Id) -> None:
        """Take a listing off sale; again does nothing. Raises Conflict `ticket_reserved`, `ticket_sold`."""
        await self._call("DELETE", _path("/api/tickets", ticket_id))

    # --- orders -------------------------------------------------------------------------------------------

    async def reserve_ticket(
        self, ticket_id: Id, *, max_price: int | None = None, key: str | None = None
    ) -> OrderOut:
        """Hold a ticket; `max_price` in minor units. Raises Conflict `ticket_reserved`, `ticket_sold`, …."""
        body = _given(ticketId=str(ticket_id), maxPrice=max_price)
        return read(OrderOut, await self._call("POST", "/api/orders", body=body, key=key or new_key()))

    async def list_orders(self, query: OrderQuery | None = None) -> Page[OrderOut]:
        """One page of one's own orders, newest first."""
        return read(Page[OrderOut], await self._call("GET", "/api/orders", query=query))

    async def show_order(self, order_id: Id) -> OrderWithHistory:
        """One order with every step it took. Raises NotFound."""
        return read(OrderWithHistory, await self._call("GET", _path("/api/orders", order_id)))

    async def cancel_order(self, order_id: Id) -> None:
        """Give a hold up; again does nothing. Raises Conflict `order_not_cancellable`."""
        await self._call("DELETE", _path("/api/orders", order_id))

    async def extend_order(self, order_id: Id, *, key: str | None = None) -> OrderOut:
        """Lengthen a hold, once. Raises Conflict `extension_used`, `order_not_extendable`."""
        return await self._change_order(order_id, "extend", key)

    async def refund_order(self, order_id: Id, *, key: str | None = None) -> OrderOut:
        """Take a sold ticket back and return its money. Raises Forbidden, Conflict `not_refundable`."""
        return await self._change_order(order_id, "refund", key)

    async def _change_order(self, order_id: Id, verb: str, key: str | None) -> OrderOut:
        path = f"{_path('/api/orders', order_id)}/{verb}"
        return read(OrderOut, await self._call("POST", path, key=key or new_key()))

    # --- payments -----------------------------------------------------------------------------------------

    async def pay_order(
        self,
        order_id: Id,
        *,
        payment_method: str | None = None,
        mode: Mode | None = None,
        key: str | None = None,
    ) -> PaymentOut:
        """Open the order's payment and, with a method of Stripe's, try it. Raises PaymentRefused, ….

        `mode` checkout: on a page of Stripe's, whose address is `checkout_url`.
        """
        body = _given(orderId=str(order_id), paymentMethod=payment_method, mode=mode)
        return read(PaymentOut, await self._call("POST", "/api/payments", body=body, key=key or new_key()))

    async def show_payment(self, payment_id: Id) -> PaymentOut:
        """One payment. Raises NotFound."""
        return read(PaymentOut, await self._call("GET", _path("/api/payments", payment_id)))

    async def list_payments(self, order_id: Id, *, cursor: str | None = None) -> Page[PaymentOut]:
        """The payments of an order, newest first. Raises NotFound."""
        query = _given(orderId=str(order_id), cursor=cursor)
        return read(Page[PaymentOut], await self._call("GET", "/api/payments", query=query))

    # --- the platform -------------------------------------------------------------------------------------

    async def is_ready(self) -> bool:
        """Whether every part of the platform answers; asked once."""
        try:
            await self._send(self._http.build_request("GET", "/readyz"))
        except (Unavailable, Unreachable):
            return False
        return True

    async def find_shop(self) -> str | None:
        """The address of the web shop, as the API's own names it; None where there is none."""
        request = self._http.build_request("GET", "/")
        try:
            answer = await self._http.send(request)
        except httpx.RequestError as error:
            raise unreachable(self.api_url, error) from error
        if answer.has_redirect_location:
            named: str = answer.headers["location"]
            return named if named.startswith(("http://", "https://")) else None
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        return self.api_url if answer.is_success and is_page else None


def _path(collection: str, id_: Id) -> str:
    return f"{collection}/{quote(str(id_), safe='')}"


def _given(**members: Any) -> dict[str, Any]:  # noqa: ANN401 - members of a JSON object
    return {name: value for name, value in members.items() if value is not None}
