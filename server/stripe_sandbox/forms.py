"""Stripe's form encoding: `metadata[orderId]=…&payment_method_types[0]=card` is a nested object."""

import re
from typing import TypeAlias, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from server.stripe_sandbox.errors import BadParameter

Nested: TypeAlias = "str | dict[str, Nested]"
Model = TypeVar("Model", bound=BaseModel)

NAME = re.compile(r"(?P<head>[^\[\]]+)(?P<rest>(\[[^\[\]]*\]){0,4})")


def read_pairs(body: bytes) -> list[tuple[str, str]]:
    """The form's names and values in the order sent."""
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), errors="strict")
    except ValueError as error:
        raise BadParameter("The request body is not a form.") from error


def nest(pairs: list[tuple[str, str]]) -> dict[str, Nested]:
    """Turn bracketed names into objects; a list is an object whose names are its indexes."""
    root: dict[str, Nested] = {}
    for name, value in pairs:
        match = NAME.fullmatch(name)
        if match is None:
            raise _unreadable(name)
        *path, last = [match["head"], *re.findall(r"\[([^\[\]]*)\]", match["rest"])]
        place = root
        for part in path:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                raise _unreadable(name)
            place = inner
        # `names[]=a&names[]=b` numbers its items by itself; any other name that comes twice is a mistake.
        last = last or str(len(place))
        if last in place:
            raise _unreadable(name)
        place[last] = value
    return root


def read_params(model: type[Model], pairs: list[tuple[str, str]]) -> Model:
    """The call's parameters; `BadParameter` names the first that is wrong."""
    try:
        return model.model_validate(nest(pairs))
    except ValidationError as error:
        raise _invalid(error) from None


def read_json(model: type[Model], body: bytes) -> Model:
    """The same of a JSON body; none is an empty object."""
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> BadParameter:
    first = error.errors(include_url=False, include_input=False)[0]
    param = "".join(f"[{part}]" if depth else str(part) for depth, part in enumerate(first["loc"]))
    code = {"missing": "parameter_missing", "extra_forbidden": "parameter_unknown"}.get(first["type"])
    return BadParameter(f"Invalid parameter {param}: {first['msg']}", param=param, code=code)


def _unreadable(name: str) -> BadParameter:
    return BadParameter(f"Invalid form encoding at {name[:100]}.")
