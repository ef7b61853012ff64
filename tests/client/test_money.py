"""Money as people write it, and as the API counts it."""

import pytest

from client.money import shown, to_minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("45", "usd", 4500),
        ("45.5", "usd", 4550),
        ("45.50", "eur", 4550),
        ("0.01", "usd", 1),
        ("999999.99", "usd", 99_999_999),
        ("4800", "jpy", 4800),
        ("1.234", "kwd", 1234),
        ("5", "isk", 500),
    ],
)
def test_an_amount_becomes_minor_units(text: str, currency: str, minor: int) -> None:
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("45.001", "usd"),
        ("48.00", "jpy"),
        ("-1", "usd"),
        ("1e3", "usd"),
        ("45,00", "usd"),
        ("", "usd"),
        ("٤٥", "usd"),
    ],
)
def test_what_would_have_to_be_guessed_or_rounded_is_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="write it as 45"):
        to_minor(text, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (4500, "usd", "45.00 USD"),
        (123_456_789, "eur", "1,234,567.89 EUR"),
        (4800, "jpy", "4,800 JPY"),
        (5, "kwd", "0.005 KWD"),
        (-150, "usd", "-1.50 USD"),
    ],
)
def test_people_see_it_with_its_decimals(amount: int, currency: str, text: str) -> None:
    assert shown(amount, currency) == text
