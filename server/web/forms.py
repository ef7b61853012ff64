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


class Wrong(Exception):
    """A form that cannot be accepted as it is; field → sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """As a page tells them."""
        super().__init__("; ".join(errors.values()))
        self.errors = errors

    @classmethod
    def of(cls, error: ValidationError | Invalid, labels: Mapping[str, str]) -> "Wrong":
        """What a schema, here or in the service, says of the fields that `labels` names."""
        if isinstance(error, Invalid):
            told = {one["field"]: one["message"] for one in error.errors}
        else:
            told = {str(one["loc"][0]) if one["loc"] else "": _friendly(one) for one in error.errors()}
        known = {name: f"{labels[name]}: {text}." for name, text in told.items() if name in labels}
        return cls(known or {"": str(error.detail) if isinstance(error, Invalid) else "Check the form."})


def _friendly(error: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    limits = error.get("ctx", {})
    kinds = {
        "missing": "fill this in",
        "string_too_short": f"at least {limits.get('min_length')} character(s)",
        "string_too_long": f"at most {limits.get('max_length')} characters",
        "too_long": f"at most {limits.get('max_length')} characters",
        "string_pattern_mismatch": "this does not look right",
        "greater_than_equal": f"at least {limits.get('ge')}",
        "less_than_equal": f"at most {limits.get('le')}",
    }
    return kinds.get(error["type"], str(error["msg"]).removeprefix("Value error, "))


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


def read(model: type[B], given: Mapping[str, Any], labels: Mapping[str, str]) -> B:
    """The fields as a schema wants them; an empty one was left out. Raises Wrong."""
    filled = {name: value for name, value in given.items() if value not in {"", None}}
    try:
        return model.model_validate(filled, by_alias=True, by_name=False)
    except ValidationError as error:
        raise Wrong.of(error, labels) from error


def read_price(text: str, currency: str, *, lowest: int) -> int:
    """Minor units of a price as people write it. Raises ValueError with a sentence."""
    price = to_minor(text, currency)
    if not lowest <= price <= DEAREST:
        raise ValueError(f"between {written(lowest, currency)} and {shown(DEAREST, currency)}")
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
