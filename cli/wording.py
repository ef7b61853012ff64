"""What pydantic finds wrong with what was typed, as the CLI and the terminal app say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.errors import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "currency": "Tix does not take this one; name one that Stripe charges cards in, like usd, eur or jpy",
    "email": "this is not an e-mail address, like you@example.com",
}
"""What is wrong with a field, where the schema has a pattern or says it in its own words."""


def wording(problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails, which is imported late
    """What pydantic found, in words for a person."""
    limits = problem.get("ctx", {})
    if message := WORDS.get(str(problem["loc"][0])):
        return message
    match problem["type"]:
        case "string_too_long" | "too_long":
            return f"at most {limits['max_length']} characters"
        case "string_too_short" | "too_short":
            least = limits["min_length"]
            return "must not be empty" if least == 1 else f"at least {least} characters"
        case _:
            return plain(problem["msg"])
