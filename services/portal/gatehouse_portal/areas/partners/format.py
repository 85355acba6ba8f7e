"""Amounts of money, as people read them."""

from collections.abc import Callable
from typing import Any

from gatehouse_portal.areas.partners.structs import Money

# Currencies whose minor unit isn't a hundredth (ISO 4217), as far as partners may use them.
DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3}


def money(value: Money | None) -> str:
    """`EUR 12,000`, `EUR 4,800.50`; nothing for none."""
    if value is None:
        return ""
    digits = DIGITS.get(value.currency, 2)
    whole, rest = divmod(value.amount, 10**digits)
    return f"{value.currency} {whole:,}" + (f".{rest:0{digits}}" if rest else "")


FILTERS: dict[str, Callable[..., Any]] = {"money": money}
