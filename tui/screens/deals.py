"""What can be done about an order, in every view that shows one."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from uuid import UUID

from textual import work

from client import TixError
from client.story import OVER, is_buyer, price, why_not_cancellable
from client.watch import OVER as SILENT
from server.orders.schemas import OrderOut
from tui.actions import guarded, key
from tui.holds import UNDER_WAY
from tui.screens.dialogs import Confirm
from tui.screens.view import ON_ITS_WAY, View
from tui.words import ORDER, mark, sentence

EXTEND = key("e", "extend", "Extend", "5 minutes more to pay, once.")
CANCEL = key("x", "cancel", "Give up", "Give the hold up: nothing is taken, the ticket is free again.")
AGAIN = key("b", "hold", "Hold again", "Hold the same ticket once more, after its order has ended.")
ENDED = "The hold has ended; once that is known, {hold} holds the ticket again."
REFUND = key("R", "refund", "Refund", "As its seller: take the ticket back and return the money.")
BUYERS = frozenset({"pay", "method", "extend", "cancel", "hold"})
"""What only its buyer does with an order."""


class Deals(View):
    """A view in which one order is meant: by the cursor, or since it is all that is shown."""

    ALSO = ("show_order", "watch_order", "orders")

    @property
    def meant(self) -> OrderOut | None:
        """The order that actions are about, as it was last heard of."""
        raise NotImplementedError

    @work(exclusive=True, group="look")
    async def look(self) -> None:
        """Read it with its history; follow it, too, once it is not under way and the app does not."""
        order = self.meant
        if order is None:
            return
        try:
            fresh = await self.session.tix.show_order(order.id)
            self.tui.hear_order(fresh)
            is_followed = is_buyer(fresh) and fresh.status in UNDER_WAY
            if fresh.status not in SILENT and not is_followed:
                await self.holds.follow(order.id, self.tui.hear_order, whole=True)
        except TixError as error:
            self.look_failed()
            if self.session.is_online:  # else the banner says it
                self.tui.failed("Reading the order", error)

    def look_failed(self) -> None:
        """It was not read."""

    def why_not(self, action: str) -> str | None:
        """By whose the order is, and how it stands."""
        if action not in {"extend", "cancel", "hold", "refund"}:
            return super().why_not(action)
        order = self.meant
        if order is None:
            return super().why_not(action) or "There is no order here."
        if self.tui.is_sending(order.ticket.id if action == "hold" else order.id):
            return ON_ITS_WAY
        if action == "refund":
            why = _why_not_refund(order)
        elif not is_buyer(order):
            why = "Only its buyer can do that."
        else:
            why = self._why_not_buyers(action, order)
        return why or super().why_not(action)

    def _why_not_buyers(self, action: str, order: OrderOut) -> str | None:
        state = mark(ORDER, order.status).word
        if action == "hold":
            return None if order.status in OVER else f"It is {state}; there is nothing to hold again."
        if action == "cancel":
            return None if order.status == "created" else why_not_cancellable(order)
        if order.status != "created":
            return f"It is {state}: only a running, unpaid hold can be extended."
        held = self.holds.get(order.id)
        if held is not None and held.left <= 0:
            return self.keyed(ENDED)
        if not order.extendable:
            return "It was extended already: once is all, since other buyers wait."
        return None

    def what_next(self, order: OrderOut) -> str:
        """What can be pressed now."""
        if not is_buyer(order):
            gives = "{refund} gives the money back and takes the ticket."
            return "" if self.why_not("refund") else self.keyed(gives)
        if order.status == "created":
            more = "" if self.why_not("extend") else "\n{extend} takes 5 minutes more."
            return self.keyed(f"{{pay}} to pay it.\n{{cancel}} gives it up.{more}")
        return self.keyed("{hold} holds it again, if it is free.") if order.status in OVER else ""

    @property
    def about(self) -> UUID | None:
        """The ticket of the order that is meant."""
        return self.meant.ticket.id if self.meant else None

    def change(self, order: OrderOut, what: str, ask: Callable[[], Awaitable[None]]) -> None:
        """Send a change of it, and read what it is then; `what` as for `Talk.send`."""

        async def work() -> None:
            try:
                await ask()
            finally:
                if self.is_running:
                    self.look()

        self.tui.send(order.id, what, work)

    @guarded
    def action_extend(self) -> None:
        """More time, once."""
        if (order := self.meant) is not None:
            self.change(order, f"Extending “{order.ticket.title}”", partial(self._extend, order))

    async def _extend(self, order: OrderOut) -> None:
        longer = await self.session.tix.extend_order(order.id)
        self.tui.take_hold(longer)
        until = f"{longer.expires_at.astimezone():%H:%M:%S}"
        self.tui.report(f"“{order.ticket.title}” is held for you until {until} now.")

    @guarded
    @work(exclusive=True, group="ask")
    async def action_cancel(self) -> None:
        """Give it up, after a question."""
        if (order := self.meant) is None:
            return
        title = order.ticket.title
        question = f"Give “{title}” ({price(order)}) up? Nothing was taken; it is free for others then."
        if await self.app.push_screen_wait(Confirm(question, yes="Give up")):
            cancel = partial(self.session.tix.cancel_order, order.id)
            self.change(order, f"Giving “{title}” up", cancel)

    @guarded
    def action_hold(self) -> None:
        """The same ticket again, for what it cost at most."""
        if (order := self.meant) is not None:
            self.tui.hold(order.ticket.id, order.ticket.title, at_most=order.price, asker=self)

    @guarded
    @work(exclusive=True, group="ask")
    async def action_refund(self) -> None:
        """Take a sold ticket back, after a question."""
        if (order := self.meant) is None:
            return
        title = order.ticket.title
        question = (
            f"Take “{title}” back and give its buyer {price(order)}? "
            "The ticket is void at once and can be sold again."
        )
        if await self.app.push_screen_wait(Confirm(question, yes="Refund")):
            self.change(order, f"Refunding “{title}”", partial(self._refund, order))

    async def _refund(self, order: OrderOut) -> None:
        await self.session.tix.refund_order(order.id)
        self.tui.report(f"“{order.ticket.title}” is yours again; {price(order)} is on its way back.")

    def copyable(self) -> dict[str, str]:
        """Of the order that is meant, and what needs none."""
        order, commands = self.meant, self.commands()
        if order is None:
            return commands
        found = {"id": str(order.id)}
        if self.session.shop:
            found["address"] = f"{self.session.shop.rstrip('/')}/orders/{order.id}"
        return {**found, **commands, "JSON": order.model_dump_json(by_alias=True)}  # long, so last

    def done_to(self) -> Mapping[str, str]:
        """The order that is meant, and its ticket."""
        order = self.meant
        return {"order": str(order.id), "ticket": str(order.ticket.id)} if order else {}

    def twins(self) -> Iterable[str]:
        """Whoever bought it gives no money back, and whoever sold it does nothing else."""
        others = {"refund"} if self.meant is None or is_buyer(self.meant) else BUYERS
        return (name for name in super().twins() if name not in others)


def _why_not_refund(order: OrderOut) -> str | None:
    if is_buyer(order):
        return "Only its seller can give the money back."
    if order.status == "complete" or (order.status == "revoked" and order.needs_review):
        return None
    return sentence(f"it is {mark(ORDER, order.status).word}: only what is paid can be refunded")
