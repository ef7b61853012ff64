"""One order in three places: at orders, at payments and at Stripe; and the messages about it on their way."""

from enum import StrEnum
from typing import NamedTuple

from server.orders import models as orders
from server.orders.models import OrderStatus
from server.payments import models as payments
from server.payments.models import PaymentStatus

HOLDS = {
    OrderStatus.CREATED: "reserved",
    OrderStatus.ACCEPTED: "reserved",
    OrderStatus.COMPLETE: "sold",
    OrderStatus.DISPUTED: "sold",
}
"""What a live order makes of its seat: the statuses of the index one_live_order_per_ticket."""


class Illegal(Exception):
    """A step that is not in the tables of the code."""


Step = tuple[OrderStatus, OrderStatus] | tuple[PaymentStatus, PaymentStatus]
TAKEN: set[Step] = set()
"""Every legal transition that any run took so far."""


class Intent(StrEnum):
    """A PaymentIntent as Stripe has it."""

    NONE = "none"
    UNPAID = "unpaid"
    ACTION = "requires_action"
    AUTHORIZED = "authorised"
    PAID = "paid"
    CANCELED = "canceled"


class Refund(StrEnum):
    """The newest attempt to give the money back, as Stripe has it."""

    NONE = "none"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class Dispute(StrEnum):
    """The one dispute of a payment."""

    NONE = "none"
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Cancel(StrEnum):
    """The call to cancel that is owed."""

    NONE = "none"
    UNPAID = "unpaid"
    """Only if a look shows that it is not authorised."""
    AIMED = "aimed"
    """The look showed that, some time ago."""
    ANY = "any"


class Payment(NamedTuple):
    """payments' row with the calls it owes, and Stripe's side of it."""

    status: PaymentStatus = PaymentStatus.OPEN
    version: int = 0
    made: bool = False
    """Whether the intent's id is recorded; until then its creation is owed."""
    cancel: Cancel = Cancel.NONE
    look: Intent | None = None
    """A look at Stripe that was not acted on yet."""
    review: bool = False
    attempt: int = 0
    is_owed: bool = False
    """Whether it was found before that the buyer gets the money back."""
    heard: Dispute = Dispute.NONE
    """What of the dispute is booked."""
    intent: Intent = Intent.NONE
    refund: Refund = Refund.NONE
    dispute: Dispute = Dispute.NONE
    taken_by_hand: bool = False
    returned_by_hand: bool = False
    """Not known to anybody: what somebody did in the dashboard."""


class Message(NamedTuple):
    """An event on its way to one consumer, with the absolute state it tells of."""

    name: str
    payment: int
    """-1: the event is not about one."""
    status: OrderStatus | PaymentStatus
    version: int


class World(NamedTuple):
    """Everything about one order. None is an order that is yet to be made."""

    order: OrderStatus | None = None
    version: int = 0
    extended: bool = False
    paid_by: int | None = None
    heard: tuple[int, PaymentStatus | None] = (0, None)
    """Version and status of that payment, as orders knows it."""
    given_up: bool = False
    """Not known to anybody: the buyer has cancelled."""
    copy: tuple[int, OrderStatus | None] = (0, None)
    """payments' replica: version and status."""
    payments: tuple[Payment, ...] = ()
    soup: frozenset[Message] = frozenset()

    def send(self, name: str, payment: int = -1) -> "World":
        """Put an event of the order on its way."""
        assert self.order is not None
        return self._replace(soup=self.soup | {Message(name, payment, self.order, self.version)})

    def tell(self, name: str, i: int) -> "World":
        """Put an event of payment `i` on its way. An authorisation is answered whatever its version."""
        version = 0 if name == "payment:authorized" else self.payments[i].version
        return self._replace(soup=self.soup | {Message(name, i, self.payments[i].status, version)})

    def move(self, to: OrderStatus, *, cancelled_is_final: bool = True) -> "World":
        """Take the order to `to`. Raises Illegal."""
        if self.order is not None:
            is_revived = self.order is OrderStatus.CANCELLED and not cancelled_is_final
            if to not in orders.LEGAL[self.order] and not is_revived:
                raise Illegal(f"order {self.order} → {to} is not in the table")
            if not is_revived:
                TAKEN.add((self.order, to))
        return self._replace(order=to, version=self.version + 1)

    def pay(self, i: int, to: PaymentStatus | None = None, **changes: object) -> "World":
        """Change payment `i`, and take it to `to`. Raises Illegal."""
        payment = self.payments[i]
        if to is not None:
            if to not in payments.LEGAL[payment.status]:
                raise Illegal(f"payment {payment.status} → {to} is not in the table")
            TAKEN.add((payment.status, to))
            # Nobody hears of an unpaid one, which may go back and forth without end.
            version = payment.version + (to not in payments.UNPAID)
            changes |= {"status": to, "version": version}
        changed = payment._replace(**changes)  # type: ignore[arg-type] # the fields of Payment
        return self._replace(payments=(*self.payments[:i], changed, *self.payments[i + 1 :]))
