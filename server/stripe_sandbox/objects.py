"""What Stripe's objects have in common: how they are kept, announced, listed and expanded."""

import json
import secrets
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from server.stripe_sandbox.errors import BadParameter, NoSuchObject, NoSuchParameterObject
from server.stripe_sandbox.faults import deliveries_of
from server.stripe_sandbox.state import FOREVER, Books

API_VERSION = "2026-10-28.endive"
"""The version of Stripe's API that is imitated; a test holds it equal to the one the gateway pins."""

T = TypeVar("T")


def _items(value: object) -> object:
    # A form's list arrives as {"0": …, "1": …}.
    return tuple(value.values()) if isinstance(value, dict) else value


Items = Annotated[tuple[T, ...], BeforeValidator(_items)]
"""A list in a form."""

Metadata = Annotated[dict[str, str], BeforeValidator(lambda value: {} if value == "" else value)]
"""Stripe's own word for none is the empty string."""


class Params(BaseModel):
    """A call's parameters; Stripe refuses unknown ones, so a typo does not pass here and fail there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    expand: Items[str] = ()


class Created(BaseModel):
    """Bounds of the time of creation, in seconds since the epoch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gt: int = -1
    gte: int = 0
    lt: int = FOREVER
    lte: int = FOREVER


class ListParams(Params):
    """Parameters of every list; a subclass adds members that the objects must have."""

    limit: Annotated[int, Field(ge=1, le=100)] = 10
    starting_after: str | None = None
    created: Created = Created()


class OfIntent(ListParams):
    """Parameters of lists of what belongs to a payment."""

    payment_intent: str | None = None
    charge: str | None = None


class StripeObject(BaseModel):
    """An object of the API; immutable, each step makes the next state. Amounts are in minor units."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    KIND: ClassVar[str]
    PREFIX: ClassVar[str]
    """How ids of this kind begin."""

    id: str
    created: int

    def shown(self) -> dict[str, Any]:
        """As the API answers it."""
        return self.model_dump(mode="json")

    @classmethod
    def new_id(cls) -> str:
        """An id nobody had before."""
        return f"{cls.PREFIX}_{secrets.token_hex(12)}"


S = TypeVar("S", bound=StripeObject)


def read(books: Books, kind: type[S], object_id: str, *, param: str | None = None) -> S:
    """The object as it is now; `param` is the parameter that names it, None if the path does."""
    body = books.read(kind.KIND, object_id)
    if body is not None:
        return kind.model_validate_json(body)
    sentence = f"No such {kind.KIND.replace('.', ' ')}: '{object_id}'"
    if param is None:
        raise NoSuchObject(sentence, param="intent" if kind.KIND.endswith("_intent") else "id")
    raise NoSuchParameterObject(sentence, param=param)


def of_intent(books: Books, kind: type[S], intent_id: str) -> list[S]:
    """All objects of a kind that belong to a payment, newest first."""
    return [kind.model_validate_json(body) for body in books.of_intent(kind.KIND, intent_id)]


def keep(books: Books, subject: S, *event_types: str) -> S:
    """Keep a state of an object and announce it: both, or neither."""
    books.write(subject.KIND, subject.id, subject.model_dump_json())
    for event_type in event_types:
        announce(books, event_type, subject.shown())
    return subject


def announce(books: Books, event_type: str, subject: dict[str, Any], **more: object) -> str:
    """Send an event about an object as it is now; the event's id."""
    event_id = f"evt_{secrets.token_hex(12)}"
    event: dict[str, object] = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(books.now),
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": None,
        "type": event_type,
        **more,
    }
    books.announce(event_id, event, delays=deliveries_of(books, event_type))
    return event_id


def list_page(books: Books, kind: type[StripeObject], params: ListParams, *, url: str) -> dict[str, Any]:
    """A page of a list, newest first."""
    where = params.model_dump(exclude=set(ListParams.model_fields), exclude_none=True)
    if params.starting_after is not None and books.read(kind.KIND, params.starting_after) is None:
        raise NoSuchParameterObject(f"No such object: '{params.starting_after}'", param="starting_after")
    bodies = books.newest(
        kind.KIND,
        limit=params.limit + 1,
        after=params.starting_after,
        since=max(params.created.gte, params.created.gt + 1),
        until=min(params.created.lt, params.created.lte + 1),
        where=where,
    )
    data = [kind.model_validate_json(body).shown() for body in bodies[: params.limit]]
    page = {"object": "list", "url": url, "has_more": len(bodies) > params.limit, "data": data}
    return expanded(books, page, params.expand)


def expanded(books: Books, body: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The body with the objects themselves in place of their ids, at paths such as `latest_charge`."""
    for path in paths:
        _expand(books, body, path.split("."), path)
    return body


def _expand(books: Books, place: dict[str, Any] | list[Any], names: list[str], path: str) -> None:
    if isinstance(place, list):
        for item in place:
            _expand(books, item, names, path)
        return
    name, *rest = names
    if name not in place:
        raise BadParameter(f"This property cannot be expanded ({path}).")
    if isinstance(place[name], int | str):
        body = books.find(str(place[name]))
        if body is None:
            raise BadParameter(f"This property cannot be expanded ({path}).")
        place[name] = json.loads(body)
    if rest and place[name] is not None:
        _expand(books, place[name], rest, path)
