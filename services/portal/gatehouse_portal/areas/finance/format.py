"""Amounts and months, as people read them."""

from collections.abc import Callable
from datetime import date
from typing import Any

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}
# Currencies whose minor unit isn't a hundredth (ISO 4217), as far as the books may meet them.
DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3}


def amount(value: int | None, currency: str = "USD") -> str:
    """`$1,234.50`, `−$3.00`, `12.00 CHF`; nothing for none."""
    if value is None:
        return ""
    digits = DIGITS.get(currency, 2)
    whole, rest = divmod(abs(value), 10**digits)
    number = f"{whole:,}" + (f".{rest:0{digits}}" if digits else "")
    sign, minus = SIGNS.get(currency), "−" if value < 0 else ""
    return f"{minus}{sign}{number}" if sign else f"{minus}{number} {currency}"


def month(value: date) -> str:
    """`October 2026`."""
    return value.strftime("%B %Y")


def figure(value: int | None, unit: str) -> str:
    """A figure of the board's in its unit: `$1,234.50`, `4.5`, `81 %`; words where it isn't shown."""
    if value is None:
        return "Not shown"
    match unit:
        case "money":
            return amount(value)
        case "months_in_tenths" | "number_in_tenths":
            return f"{'−' if value < 0 else ''}{abs(value) // 10}.{abs(value) % 10}"
        case "percent":
            return f"{value} %"
        case _:
            return f"{value:,}"


FILTERS: dict[str, Callable[..., Any]] = {"amount": amount, "figure": figure, "month": month}
