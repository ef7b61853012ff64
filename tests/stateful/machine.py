"""Random people at the real platform's HTTP API; each answer and each state compared with the model's."""

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, precondition, rule

from tests.concurrency.races import expire_now
from tests.stateful.comparison import BUYERS, PEOPLE, SELLERS, Comparison, same, same_list
from tests.stateful.model import DISPUTES, GOOD, ODD_CARDS, Order, Payment, Ticket
from tests.stateful.stage import Stage, in_loop

T = TypeVar("T")

MOSTLY_BUYERS = (*["buyer"] * 4, "seller", "stranger")
MOSTLY_SELLERS = (*["seller"] * 4, "stranger")
PRICES = st.sampled_from((4500, 4600, 4700))
WHICH = st.integers(0, 9)
"""The newest, the one before it, …"""
MOST_TICKETS = 3
"""On sale in one example: the fewer there are, the more happens to each."""
CHARGED = {"captured", "disputed", "voided"}
ON_THE_WAY = {"authorized", "capturing", "captured"}
"""What a payment that is charged may still be when its request is answered."""


class Marketplace(Comparison):
    """What people may do; who they are is drawn by their part in the matter."""

    orders: Bundle[Order] = Bundle("orders")

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.pages: list[tuple[Order, str]] = []

    # --- selling --------------------------------------------------------------------------------------------

    @initialize(target=orders, who=st.sampled_from(BUYERS))
    @in_loop
    async def begin(self, who: str) -> Any:
        """Two listings, and one of them held: every example has something to go on."""
        for seller, price in zip(SELLERS, (4500, 4700), strict=True):
            await self._list(seller, price)
        return await self._reserve(self.market.tickets[-1], who, None)

    @precondition(lambda self: len(self.market.tickets) < MOST_TICKETS)
    @rule(who=st.sampled_from(SELLERS), price=PRICES)
    @in_loop
    async def list_ticket(self, who: str, price: int) -> None:
        await self._list(who, price)

    async def _list(self, who: str, price: int) -> None:
        ticket = Ticket(who, price)
        body = {"title": "Front row", "price": price}
        answer = await self._post(who, "/api/tickets", "201", body, other={**body, "price": price + 1})
        ticket.id = answer["id"]
        self.market.tickets.append(ticket)
        same("the listing", answer, self._shown(ticket))
        await self._agree(ticket)

    @rule(
        which=WHICH,
        by=st.sampled_from(MOSTLY_SELLERS),
        ahead=st.sampled_from((0, 0, 1, -1)),
        change=st.fixed_dictionaries({"price": PRICES}) | st.fixed_dictionaries({"withdrawn": st.booleans()}),
    )
    @in_loop
    async def edit(self, which: int, by: str, ahead: int, change: dict[str, Any]) -> None:
        ticket = newest(self.market.tickets, which)
        who, version = self._one(by, ticket), max(0, ticket.version + ahead)
        expected = ticket.edit(who, version=version, **change)
        answer = await self._ask(
            "PUT", who, f"/api/tickets/{ticket.id}", expected, json={"version": version, **change}
        )
        if expected == "200":
            same("the edited listing", answer, self._shown(ticket))
        elif expected == "409 version_conflict":
            same("the conflict", answer, {"currentVersion": ticket.version})
        await self._agree(ticket)

    @rule(which=WHICH, by=st.sampled_from(MOSTLY_SELLERS))
    @in_loop
    async def withdraw(self, which: int, by: str) -> None:
        ticket = newest(self.market.tickets, which)
        who = self._one(by, ticket)
        await self._ask("DELETE", who, f"/api/tickets/{ticket.id}", ticket.withdraw(who))
        await self._agree(ticket)

    # --- holding --------------------------------------------------------------------------------------------

    @rule(target=orders, which=WHICH, who=st.sampled_from(PEOPLE), max_price=st.none() | PRICES)
    @in_loop
    async def reserve(self, which: int, who: str, max_price: int | None) -> Any:
        return await self._reserve(newest(self.market.tickets, which), who, max_price)

    async def _reserve(self, ticket: Ticket, who: str, max_price: int | None) -> Any:
        expected = self.market.reserve(who, ticket, max_price)
        body = {"ticketId": ticket.id, **({} if max_price is None else {"maxPrice": max_price})}
        answer = await self._post(who, "/api/orders", expected, body, other={**body, "maxPrice": 1})
        if expected != "201":
            await self._agree(ticket)
            return multiple()
        order = self.market.orders[-1]
        order.id = answer["id"]
        same("the new order", answer, self._seen(order, who))
        await self._agree(ticket)
        return order

    @rule(order=orders, by=st.sampled_from(MOSTLY_BUYERS))
    @in_loop
    async def cancel(self, order: Order, by: str) -> None:
        who = self._one(by, order.ticket, order)
        await self._ask("DELETE", who, f"/api/orders/{order.id}", order.cancel(who))
        await self._agree(order.ticket, order)

    @rule(order=orders, by=st.sampled_from(MOSTLY_BUYERS))
    @in_loop
    async def extend(self, order: Order, by: str) -> None:
        who = self._one(by, order.ticket, order)
        expected = order.extend(who)
        answer = await self._post(who, f"/api/orders/{order.id}/extend", expected, {})
        if expected == "200":
            same("the longer hold", answer, self._seen(order, who))
        await self._agree(order.ticket, order)

    @rule(order=orders)
    @in_loop
    async def time_passes(self, order: Order) -> None:
        """A hold ends by the database's clock; the hint comes for any order and changes no other."""
        order.time_passes()
        await expire_now(self.stage.platform, order.id)
        await self._agree(order.ticket, order)

    # --- paying ---------------------------------------------------------------------------------------------

    @rule(order=orders, by=st.sampled_from(MOSTLY_BUYERS), card=st.sampled_from((GOOD, DISPUTES, None)))
    @in_loop
    async def pay(self, order: Order, by: str, card: str | None) -> None:
        await self._pay(order, by, card)

    @rule(order=orders, card=st.sampled_from(ODD_CARDS))
    @in_loop
    async def try_card(self, order: Order, card: str) -> None:
        """A rule of its own, so that odd cards are not rare."""
        await self._pay(order, "buyer", card)

    async def _pay(self, order: Order, by: str, card: str | None) -> None:
        who, before = self._one(by, order.ticket, order), order.payment
        attempts = before.attempt if before else 0
        expected = order.pay(who, card)
        payment = order.payment or Payment()
        is_new, attempt = payment is not before, payment.attempt

        def repeated() -> tuple[str, dict[str, Any]]:
            """What became of it: a decline, if a card was tried and declined, else the payment."""
            if card and payment.attempt == attempt and payment.status == "open" and payment.decline_code:
                return "402 card_declined", {"declineCode": payment.decline_code}
            return "201" if is_new else "200", self._paid(order, payment)

        body = {"orderId": order.id, **({"paymentMethod": card} if card else {})}
        other = {**body, "paymentMethod": "pm_card_mastercard"}
        answer = await self._post(who, "/api/payments", expected, body, other=other, repeated=repeated)
        if expected == "402 card_declined":
            same("the decline", answer, {"declineCode": payment.decline_code})
            payment.id = (await self._items(who, "/api/payments", orderId=order.id))[0]["id"]
        elif expected in {"200", "201"}:
            payment.id = payment.id or answer["id"]
            on_the_way = attempt > attempts and payment.status in CHARGED and answer["status"] in ON_THE_WAY
            told = {"id": payment.id, "orderId": order.id, "amount": order.price, "status": payment.status}
            same("the payment", answer, told if not on_the_way else {**told, "status": answer["status"]})
            if answer["nextAction"]:
                self.pages.append((order, answer["nextAction"]["url"]))
        await self._agree(order.ticket, order)

    @precondition(lambda self: self.pages)
    @rule(which=WHICH, passed=st.booleans())
    @in_loop
    async def authenticate(self, which: int, passed: bool) -> None:  # noqa: FBT001 - drawn by name
        """The buyer at the bank's page, which works once and only while it is the payment's last."""
        order, url = newest(self.pages, which)
        is_last = url == [page for of, page in self.pages if of is order][-1]
        expected = order.authenticate(passed=passed) if is_last else "404"
        answer = await self.stage.stripe.http.post(url, data={"outcome": "complete" if passed else "fail"})
        assert str(answer.status_code) == expected, f"the page answers {answer.status_code}, not {expected}"
        await self._agree(order.ticket, order)

    # --- money back -----------------------------------------------------------------------------------------

    @rule(order=orders, by=st.sampled_from((*["seller"] * 4, "buyer", "stranger")))
    @in_loop
    async def refund(self, order: Order, by: str) -> None:
        who = self._one(by, order.ticket, order)
        expected = order.refund(who)
        answer = await self._post(who, f"/api/orders/{order.id}/refund", expected, {})
        if expected == "202":
            same("the revoked order", answer, {"status": "revoked", "userId": None})
        await self._agree(order.ticket, order)

    @precondition(lambda self: self.market.disputed)
    @rule()
    @in_loop
    async def win_dispute(self) -> None:
        """The oldest; like `lose_dispute` a rule of its own, since few examples come so far."""
        await self._decide(won=True)

    @precondition(lambda self: self.market.disputed)
    @rule()
    @in_loop
    async def lose_dispute(self) -> None:
        await self._decide(won=False)

    async def _decide(self, *, won: bool) -> None:
        order = self.market.disputed[0]
        [*_, payment] = await self._items(order.buyer, "/api/payments", orderId=order.id)
        await self.stage.stripe.decide(payment["stripeId"], won=won)
        order.decide(won=won)
        await self._agree(order.ticket, order)

    # --- again ----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.kept)
    @rule(which=WHICH, other=st.booleans())
    @in_loop
    async def repeat(self, which: int, other: bool) -> None:  # noqa: FBT001 - drawn by name
        """An earlier key again: with its body the same answer and no second effect, with another 422."""
        kept = newest(self.kept, which)
        expected, fields = ("422 idempotency_key_reused", {}) if other else kept.repeated()
        answer = await self.people[kept.who].post(
            kept.path, kept.other if other else kept.body, headers={"Idempotency-Key": kept.key}
        )
        self._is(answer, expected)
        same("the repeated answer", answer.json(), fields)
        assert ("Idempotency-Replayed" in answer.headers) is answer.is_success
        for ticket in self.market.tickets:
            await self._agree(ticket)

    # --- looking --------------------------------------------------------------------------------------------

    @rule(order=orders, by=st.sampled_from(("buyer", "seller", "stranger")))
    @in_loop
    async def look(self, order: Order, by: str) -> None:
        """An order and its payments: its buyer sees both, its seller the order, a stranger neither."""
        who = self._one(by, order.ticket, order)
        seen = "404 order_not_found" if by == "stranger" else "200"
        told = await self._ask("GET", who, f"/api/orders/{order.id}", seen)
        if by != "stranger":
            same("the order", told, self._seen(order, who))
        await self._ask(
            "GET",
            who,
            f"/api/payments?orderId={order.id}",
            "200" if by == "buyer" else "404 order_not_found",
        )
        for payment in order.payments:
            told = await self._ask(
                "GET",
                who,
                f"/api/payments/{payment.id}",
                "200" if by == "buyer" else "404 payment_not_found",
            )
            if by == "buyer":
                same("the payment", told, self._paid(order, payment))

    @rule(who=st.sampled_from(PEOPLE), status=st.sampled_from(("available", "reserved", "sold", "withdrawn")))
    @in_loop
    async def look_at_listings(self, who: str, status: str) -> None:
        """Of one status, the cheapest first."""
        query = {"userId": self.people[who].id, "status": status, "sort": "price"}
        wanted = [it for it in self.market.tickets if (it.seller, it.status) == (who, status)]
        wanted.sort(key=lambda ticket: (ticket.price, ticket.id))
        found = await self._items(who, "/api/tickets", **query)
        same_list(f"{status} listings", found, [self._shown(ticket) for ticket in wanted])

    async def _look_at_all(self, who: str) -> None:
        """All that is theirs, newest first; and nothing else."""
        listed = [it for it in self.market.tickets if it.seller == who and it.status != "withdrawn"]
        found = await self._items(who, "/api/tickets", userId=self.people[who].id)
        same_list("listings", found, [self._shown(ticket) for ticket in reversed(listed)])
        for role in ("buyer", "seller"):
            theirs = [
                it
                for it in self.market.orders
                if who == {"buyer": it.buyer, "seller": it.ticket.seller}[role]
            ]
            found = await self._items(who, "/api/orders", role=role)
            same_list(f"orders as {role}", found, [self._seen(order, who) for order in reversed(theirs)])

    def teardown(self) -> None:
        """After a run that went well, what is open is decided, all of it read once more, and doctor asked."""
        if not self.has_failed:
            self.stage.run(self._close())

    async def _close(self) -> None:
        while self.market.disputed:  # by the rules alone few examples come so far
            await self._decide(won=False)
        for ticket in self.market.tickets:
            await self._agree(ticket, *(order for order in self.market.orders if order.ticket is ticket))
        for who in PEOPLE:
            await self._look_at_all(who)
        await self.stage.platform.doctor()
        self.stage.met.update(*(order.history for order in self.market.orders))


def newest(items: Sequence[T], which: int) -> T:
    """Counted from the end, and round again."""
    return items[-1 - which % len(items)]
