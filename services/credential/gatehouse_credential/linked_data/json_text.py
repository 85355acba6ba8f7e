"""JSON in the one form that is signed: RFC 8785 (JCS)."""

import json
import math
from typing import Any

from gatehouse_credential.linked_data.errors import Unreadable


def canonical_json(value: Any) -> str:
    """Raises Unreadable for a number that isn't finite, or a text that isn't Unicode."""
    match value:
        case None | True | False:
            return json.dumps(value)
        case str():
            return _text(value)
        case int() | float():
            return _number(float(value))
        case list():
            return f"[{','.join(map(canonical_json, value))}]"
        case dict():
            keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
            return f"{{{','.join(f'{_text(key)}:{canonical_json(value[key])}' for key in keys)}}}"
    raise Unreadable("It holds something that is no JSON.")


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("It holds half a character.") from None
    return json.dumps(text, ensure_ascii=False)


def _number(number: float) -> str:
    """As ECMAScript writes it."""
    if not math.isfinite(number):
        raise Unreadable("It holds a number that isn't finite.")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    shown = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{shown}e{'+' if point > 0 else '-'}{abs(point - 1)}"
