"""Forms in: fields as they were typed, and what is wrong with them in words, beside what was typed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

from pydantic import BaseModel, ValidationError
from sanic import Request

from client import Invalid
from client.money import shown, to_minor, written
from server.tickets.schemas import DEAREST

B = TypeVar("B", bound=BaseModel)
URLENCODED = "application/x-www-form-urlencoded"
SENTENCES: Mapping[str, str] = {
    "email": "Enter an e-mail address, like name@example.com.",
    "status": "Choose a status from the list.",
    "sort": "Choose an order from the list.",
    "currency": "Choose a currency from the list.",
    "role": "Choose the orders of what you bought, or of what you sold.",
    "cursor": "There is no such page of this list. Press Show to begin with the first.",
}
"""Field → what to do, whatever is wrong with it."""
OF_ADDRESSES = frozenset({"role", "cursor"})
"""What no form has a field for."""
KEY = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True)
class Form:
    """What was typed, for a page that shows it again; never a password."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Field → what to do about it. A field "" means the whole form."""

    def value(self, name: str) -> str:
        """What stands in a field."""
        return self.values.get(name, "")

    def error(self, name: str) -> str | None:
        """What is wrong with it."""
        return self.errors.get(name)

    def has_field(self, name: str) -> bool:
        """Whether a summary can lead to it."""
        return name != "" and name not in OF_ADDRESSES


class Wrong(Exception):
    """A form that cannot be accepted as it is; field → sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """As a page tells them."""
        super().__init__("; ".join(errors.values()))
        self.errors = errors

    @classmethod
    def of(cls, error: ValidationError | Invalid, names: Mapping[str, str]) -> "Wrong":
        """What a schema, here or in the service, says of these fields; field → what a sentence calls it."""
        if isinstance(error, Invalid):
            wrong: list[tuple[str, Any]] = [(one["field"], {"msg": one["message"]}) for one in error.errors]
        else:
            wrong = [(str(one["loc"][0]), one) for one in error.errors() if one["loc"]]
        known = {name: _sentence(name, names[name], one) for name, one in wrong if name in names}
        return cls(known or {"": str(error.detail) if isinstance(error, Invalid) else "Check the form."})


def _sentence(field: str, name: str, wrong: Mapping[str, Any]) -> str:
    """What to do: whole, since it stands in the summary too."""
    if field in SENTENCES:
        return SENTENCES[field]
    limits = wrong.get("ctx", {})
    shortest, longest = limits.get("min_length"), limits.get("max_length")
    fill = f"Fill in the {name}."
    kinds = {
        "missing": fill,
        "too_short": fill if shortest == 1 else f"Make the {name} at least {shortest} characters long.",
        "too_long": f"Make the {name} at most {longest} characters long.",
    }
    why = str(wrong["msg"]).removeprefix("Value error, ")
    return kinds.get(wrong.get("type", "").removeprefix("string_"), f"Check the {name}: {why}.")


def fields(request: Request) -> dict[str, str]:
    """The fields of a form that was sent; of one sent twice, the first."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != URLENCODED:
        return {}
    sent = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0].replace("\r\n", "\n") for name, values in sent.items()}


def key_of(given: Mapping[str, str]) -> str | None:
    """The idempotency key of a form; what no form of ours has counts as none."""
    key = given.get("key", "")
    return key if KEY.fullmatch(key) else None


def read(model: type[B], given: Mapping[str, Any], names: Mapping[str, str]) -> B:
    """The fields as a schema wants them; an empty one was left out. Raises Wrong."""
    filled = {name: value for name, value in given.items() if value not in {"", None}}
    try:
        return model.model_validate(filled, by_alias=True, by_name=False)
    except ValidationError as error:
        raise Wrong.of(error, names) from error


def read_price(text: str, currency: str, *, lowest: int, name: str = "price") -> int:
    """Minor units of a price as people write it. Raises ValueError with a sentence that calls it `name`."""
    try:
        price = to_minor(text, currency)
    except ValueError as error:
        why = str(error).replace("write it", f"write the {name}")
        raise ValueError(f"{why[0].upper()}{why[1:]}.") from error
    if not lowest <= price <= DEAREST:
        bounds = f"{written(lowest, currency)} and {shown(DEAREST, currency)}"
        raise ValueError(f"Choose a {name} between {bounds}.")
    return price


def paged(path: str, form: Form, next_cursor: str | None) -> dict[str, str | None]:
    """Where the first page of a list is, unless this is it, and where the next; the rest stays."""
    kept = {name: value for name, value in form.values.items() if value and name != "cursor"}
    following = {**kept, "cursor": next_cursor}
    return {
        "first": _at(path, kept) if form.value("cursor") else None,
        "following": _at(path, following) if next_cursor else None,
    }


def _at(path: str, query: Mapping[str, str | None]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def inside(address: str | None, otherwise: str) -> str:
    """An address on this site: whoever sends `next` must not send people elsewhere."""
    if address and re.fullmatch(r"/(?![/\\])[\x21-\x7e]*", address) and "\\" not in address:
        return address
    return otherwise
