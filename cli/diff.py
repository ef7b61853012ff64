"""What a dry run shows: each field that would change, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.output import harmless

if TYPE_CHECKING:
    from cli.run import Run
    from server.tickets.schemas import TicketOut

NAMES = ("title", "price", "currency", "venue", "startsAt", "seat", "externalId", "status")


def changes(before: TicketOut | None, after: TicketOut) -> dict[str, tuple[Any, Any]]:
    """Field → what it was and what it would be, as in JSON; of a new listing, what it would have."""
    was = before.model_dump(mode="json", by_alias=True) if before else {"status": after.status}
    will = after.model_dump(mode="json", by_alias=True)
    return {name: (was.get(name), will[name]) for name in NAMES if was.get(name) != will[name]}


def sentence(before: TicketOut | None, after: TicketOut) -> str:
    """The changes for people, in one line."""
    told = changes(before, after)
    if before is None:
        del told["currency"]  # it stands with the price
        return ", ".join(f"{name} {in_words(name, new, after)}" for name, (_, new) in told.items())
    return "; ".join(
        f"{name} {in_words(name, old, before)} → {in_words(name, new, after)}"
        for name, (old, new) in told.items()
    )


def lines(before: TicketOut | None, after: TicketOut) -> list[list[object]]:
    """The changes for pipes: field, before, after."""
    return [[name, *both] for name, both in changes(before, after).items()]


def show(run: Run, before: TicketOut | None, preview: TicketOut) -> None:
    """The result of a dry run of one ticket."""
    told = lines(before, preview)
    if run.out.as_json:
        run.out.document(preview.model_dump(mode="json", by_alias=True))
    elif run.out.is_terminal and told:
        run.out.write(harmless(sentence(before, preview)))
    else:
        for line in told:
            run.out.tell(*line)
    run.out.say(f"This was a dry run: nothing was {'done' if told else 'done, and nothing would change'}.")


def in_words(name: str, value: Any, ticket: TicketOut) -> str:  # noqa: ANN401 - any JSON
    """A field as people write it; the ticket is the one it is of."""
    from client.money import shown  # noqa: PLC0415 - the package brings httpx

    if value is None:
        return "nothing"
    return shown(value, ticket.currency) if name == "price" else f"“{value}”"
