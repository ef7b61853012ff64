"""Money between the API, which counts minor units, and people, who write 45.00 USD."""

import re
from collections.abc import Mapping

# https://docs.stripe.com/currencies; ISK and UGX have two there, though ISO 4217 gives them none.
DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(
        "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(),  # noqa: SIM905 - one per word
        0,
    ),
    **dict.fromkeys(("bhd", "iqd", "jod", "kwd", "lyd", "omr", "tnd"), 3),
}
"""Currencies that do not have two decimals."""

AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]+))?")


def exponent(currency: str) -> int:
    """How many decimals a currency has."""
    return DECIMALS.get(currency, 2)


def to_minor(text: str, currency: str) -> int:
    """Minor units of an amount as people write it: "45", "45.5" and "45.50" USD are 4500, 4550 and 4550.

    Raises ValueError with a sentence; nothing is ever rounded.
    """
    found, places = AMOUNT.fullmatch(text), exponent(currency)
    example = "45" + ("." + "0" * places if places else "")
    if found is None:
        raise ValueError(f"write it as {example}, without a sign, a currency or separators of thousands")
    whole, decimals = found[1], found[2] or ""
    if len(decimals) > places:
        raise ValueError(f"{currency.upper()} has {places or 'no'} decimals: write it as {example}")
    return int(whole + decimals.ljust(places, "0"))


def written(amount: int, currency: str) -> str:
    """As `to_minor` reads it: `1234.50`; not for negative amounts."""
    places = exponent(currency)
    whole, decimals = divmod(amount, 10**places)
    return f"{whole}.{decimals:0{places}d}" if places else str(whole)


def shown(amount: int, currency: str) -> str:
    """For people: `1,234.50 USD`."""
    places = exponent(currency)
    whole, decimals = divmod(abs(amount), 10**places)
    fraction = f".{decimals:0{places}d}" if places else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{fraction} {currency.upper()}"
