"""`tix buy` and `tix resume`: hold, pay and wait in one go, which a crash at any point only interrupts."""

import os
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import CONFLICT, PENDING, USAGE, Refused, sentence
from cli.orders import MaxPrice, hold, most_of
from cli.output import Column, facts, local_time
from cli.payments import OUTCOME_SECONDS, Method, Watch, begin
from cli.run import Run
from cli.story import price, told
from cli.tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from cli.journal import Journal, Purchase
    from cli.schemas import PurchaseOut
    from client import Tix
    from server.orders.schemas import OrderWithHistory
    from server.payments.schemas import PaymentOut

BUY_EXAMPLES = (
    "tix buy TICKET\ntix buy TICKET --max-price 50.00 --method pm_card_visa\n"
    "tix buy TICKET --method pm_card_visa --json"
)
RESUME_EXAMPLES = "tix resume\ntix resume --list\ntix resume --release"
NOT_HELD = frozenset(
    {
        *("ticket_not_found", "ticket_reserved", "ticket_sold", "ticket_withdrawn", "price_changed"),
        *("own_ticket", "too_many_holds", "invalid", "idempotency_key_reused"),
    }
)
"""Refusals after which there surely is no hold; after any other one there may be."""
NOT_PAID = frozenset({"card_declined", "order_not_payable", "invalid", "idempotency_key_reused"})
"""Refusals after which nothing is being paid; the hold remains as it is."""
NONE = "There is no unfinished purchase."
AGAIN_SECONDS = 2.0
KEYS_LIVE = timedelta(hours=12)
"""Half as long as the server keeps its answers: later a key would no longer mean the same hold."""


def buy(ctx: typer.Context, ticket: Ticket, *, max_price: MaxPrice = None, method: Method = None) -> None:
    """Hold a ticket, pay it and wait: by --method, or on a page of Stripe's whose link is told on stderr.

    If it is interrupted, even by kill -9 or a power cut, `tix resume` finishes it or gives it up: there is
    never a second hold or payment.
    """
    run = Run(ctx, ticket=ticket)

    async def go(tix: "Tix", at: "list[Journal]") -> None:
        most = await most_of(tix, ticket, max_price)
        with await _begin(run, tix, ticket, most, method) as journal:
            at.append(journal)
            await _finish(run, tix, journal)

    _ask(run, go)


def resume(
    ctx: typer.Context,
    *,
    release: Annotated[bool, typer.Option("--release", help="Give up what is not paid.")] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Only show what is unfinished.")] = False,
) -> None:
    """Finish every purchase that `tix buy` could not, or give it up; says what came of each.

    Piped, a line of --list is: ticketId, orderId (once it is held), method (empty: on a page), startedAt;
    tab-separated.
    """
    if release and only_list:
        raise Refused("--list changes nothing: leave one of the two out.", code="usage", exit_code=USAGE)
    run = Run(ctx, prints="--list" if only_list else "--release" if release else "")

    async def go(tix: "Tix", at: "list[Journal]") -> None:
        from cli.journal import unfinished  # noqa: PLC0415 - like all that only a purchase needs

        found = unfinished(_home(), api_url=run.target.api_url, user_id=await _user_id(run, tix))
        if only_list:
            _list(run, found)
            return
        if not found:
            run.out.say(NONE)
        failures: list[tuple[Exception, dict[str, str]]] = []
        for purchase in found:
            run.subject.pop("hint", None)
            if failure := await _end(run, tix, purchase, at, release=release):
                failures.append((failure, dict(run.subject)))
        for failure, _ in failures[1:]:
            run.out.say(f"Also: {sentence(str(failure))}")
        if failures:
            failure, about = failures[0]
            run.subject.update(about)
            raise failure

    _ask(run, go)


def _ask(run: Run, go: "Callable[[Tix, list[Journal]], Awaitable[None]]") -> None:
    """Talk to the API; at Ctrl-C say what is unfinished, and what to type."""
    at: list[Journal] = []
    try:
        run.ask(lambda tix: go(tix, at))
    except KeyboardInterrupt:
        for journal in at:
            if not journal.is_closed:
                held = journal.purchase.order_id
                what = f"order {held} is held and may be being paid" if held else "it may be held for you"
                finish, give_up = f"tix resume{run.flags}", f"tix resume --release{run.flags}"
                run.out.say(f"Interrupted; {what}. To finish: {finish}. To give it up: {give_up}")
        raise


async def _end(
    run: Run, tix: "Tix", purchase: "Purchase", at: "list[Journal]", *, release: bool
) -> Exception | None:
    """Finish a purchase or give it up; the failure, which must not keep the others."""
    from cli.journal import Journal  # noqa: PLC0415 - like all that only a purchase needs

    try:
        journal = Journal.take_up(_home(), purchase)
        if journal is not None:
            with journal:
                at.append(journal)
                await (_release if release else _finish)(run, tix, journal)
    except Exception as error:  # noqa: BLE001 - it is raised once all have had their turn
        return error
    return None


def _home() -> "Path":
    from cli.journal import home_of  # noqa: PLC0415 - like all that only a purchase needs

    return home_of(os.environ)


async def _user_id(run: Run, tix: "Tix") -> str:
    """Whose purchases they are: another sign-in must not go on with them."""
    user = await tix.current_user()
    if user is None:
        raise run.signed_out()
    return str(user.id)


async def _begin(run: Run, tix: "Tix", ticket: str, most: int | None, method: str | None) -> "Journal":
    """The journal of this purchase: a new one, or that of the same one which was interrupted."""
    from uuid import UUID, uuid4  # noqa: PLC0415 - like all that only a purchase needs

    from cli.journal import Journal, Purchase  # noqa: PLC0415 - likewise

    key = run.options.idempotency_key
    wanted = Purchase(
        api_url=run.target.api_url,
        user_id=await _user_id(run, tix),
        ticket_id=str(UUID(ticket)),
        max_price=most,
        method=method,
        reserve_key=key or str(uuid4()),
        pay_key=key or str(uuid4()),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    journal = Journal.begin(_home(), wanted)
    if journal.purchase is wanted:
        return journal
    if journal.purchase.way != wanted.way:
        with journal:
            raise Refused(
                "A purchase of this ticket, with another price limit or method, is unfinished.",
                code="purchase_unfinished",
                exit_code=CONFLICT,
                hint=f"tix resume{run.flags}",
            )
    run.out.say(f"This purchase was begun at {journal.purchase.started_at}; going on with it.")
    return journal


async def _finish(run: Run, tix: "Tix", journal: "Journal") -> None:
    """Take the steps that are left, and tell the end."""
    purchase = journal.purchase
    run.subject["ticket"] = purchase.ticket_id
    order_id = purchase.order_id or await _hold(run, tix, journal)
    run.subject["order"] = order_id
    with _ends_at(run, journal, NOT_PAID):
        watch = Watch(run, tix, await _payment(run, tix, order_id, purchase))
        await watch.known()
    watch.tell()
    journal.close()


async def _payment(run: Run, tix: "Tix", order_id: str, purchase: "Purchase") -> "PaymentOut":
    """The purchase's payment: begun now, or before by the same key.

    Whoever was killed may have left a call to Stripe at work: the server takes it up after 20 s.
    """
    import asyncio  # noqa: PLC0415 - 30 ms, which --help can do without
    from time import monotonic  # noqa: PLC0415 - likewise

    from client import Conflict  # noqa: PLC0415 - httpx, likewise

    until = monotonic() + (run.options.timeout or OUTCOME_SECONDS)
    while True:
        try:
            return await begin(tix, order_id, purchase.method, purchase.pay_key)
        except Conflict as error:
            if error.code != "idempotency_in_flight":
                raise
            if monotonic() > until:
                raise Refused(error.detail, code="still_pending", exit_code=PENDING) from error
        run.out.say("The payment that was begun is still being worked on; waiting for it.")
        await asyncio.sleep(AGAIN_SECONDS)


async def _hold(run: Run, tix: "Tix", journal: "Journal") -> str:
    """The id of the purchase's hold: made now, or made before by the same key."""
    purchase = journal.purchase
    with _ends_at(run, journal, NOT_HELD):
        if datetime.now(UTC) - datetime.fromisoformat(purchase.started_at) > KEYS_LIVE:
            raise Refused(
                f"This was begun at {purchase.started_at} and never paid; a hold would be long over.",
                code="purchase_too_old",
                exit_code=CONFLICT,
                hint=f"tix buy {purchase.ticket_id}{run.flags}",
            )
        key = purchase.reserve_key
        order = await hold(run, tix, purchase.ticket_id, max_price=purchase.max_price, key=key)
    journal.held(str(order.id))
    run.out.say(f"“{order.ticket.title}” is held for you as order {order.id}.")
    return str(order.id)


@contextmanager
def _ends_at(run: Run, journal: "Journal", over: frozenset[str]) -> "Iterator[None]":
    """Forget the purchase at a refusal that is its end; after any other failure `tix resume` goes on."""
    try:
        yield
    except Exception as error:
        known = isinstance(error, Refused) and error.exit_code != PENDING
        if known or getattr(error, "code", None) in over:
            journal.close()
        else:
            run.subject["hint"] = f"tix resume{run.flags}"
            if isinstance(error, Refused):
                error.hint = run.subject["hint"]
        raise


async def _release(run: Run, tix: "Tix", journal: "Journal") -> None:
    """Give the hold up, unless it is paid; where there may be one, the same key finds it."""
    from client import Conflict, TixError  # noqa: PLC0415 - httpx, which --help can do without

    order_id = journal.purchase.order_id
    if order_id is None:
        try:
            order_id = await _hold(run, tix, journal)
        except (TixError, Refused):  # told already; closed where it is certain that nothing is held
            if not journal.is_closed:
                raise
            run.out.say(f"Ticket {journal.purchase.ticket_id} was not held; nothing was taken.")
            return
    with _ends_at(run, journal, frozenset()):
        with suppress(Conflict):  # it is over, or paid: the order says
            await tix.cancel_order(order_id)
        order = await tix.show_order(order_id)
        end = told(order.history[-1], order)
        if order.status in {"created", "accepted"}:
            raise Refused(f"{end} It is not over yet.", code="still_pending", exit_code=PENDING)
    run.out.say(end)
    run.out.one(order, lambda: _facts(order))
    journal.close()
    if order.status in {"complete", "disputed"}:
        hint = f"tix orders show {order.id}{run.flags}"
        raise Refused("It is paid already.", code="order_not_cancellable", exit_code=CONFLICT, hint=hint)


def _facts(order: "OrderWithHistory") -> str:
    return facts(
        ("order", str(order.id)),
        ("ticket", order.ticket.title),
        ("price", price(order)),
        ("status", order.status),
    )


def _list(run: Run, found: "Sequence[Purchase]") -> None:
    from cli.schemas import PurchaseOut  # noqa: PLC0415 - pydantic models cost 60 ms
    from server.kit.schemas import Page  # noqa: PLC0415 - likewise

    page = Page[PurchaseOut](items=[PurchaseOut.model_validate(one) for one in found], next_cursor=None)
    run.out.page(page, _columns(), none=NONE, more="")


def _columns() -> "Sequence[Column[PurchaseOut]]":
    return [
        Column("ticketId", lambda p: p.ticket_id, lambda p: p.ticket_id),
        Column("orderId", lambda p: p.order_id, None),
        Column("method", lambda p: p.method, lambda p: p.method or "page", shrinks=True),
        Column(
            "startedAt", lambda p: p.model_dump(mode="json")["started_at"], lambda p: local_time(p.started_at)
        ),
    ]
