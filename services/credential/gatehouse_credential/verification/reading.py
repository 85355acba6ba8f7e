"""Finds the certificate in what was sent: JSON, a JWT, or a PNG that holds one of them. Pure functions."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import msgspec

from gatehouse_credential.linked_data.errors import TooComplex, Unreadable
from gatehouse_credential.proof.baking import baked_in

DEEPEST = 60
MOST_VALUES = 20_000
DATA_URL = "data:image/png;base64,"


def found_in(sent: dict[str, Any] | str) -> dict[str, Any] | str:
    """The JSON object, or the JWT. Raises Unreadable, and TooComplex for what is too deep or too large."""
    if isinstance(sent, str):
        text = sent.strip()
        if text.startswith(DATA_URL):
            text = _in_picture(text.removeprefix(DATA_URL)).strip()
        if not text.startswith("{"):
            if text.count(".") == 2 and text.startswith("ey"):
                return text
            raise Unreadable("It is neither JSON nor a JWT nor a PNG picture.")
        sent = json_object(text.encode())
    refuse_large(sent)
    return sent


def json_object(content: bytes) -> dict[str, Any]:
    """Raises Unreadable."""
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise Unreadable("It is no JSON object.") from None


def refuse_large(document: Any) -> None:
    """Raises TooComplex. Without recursion, which is what it protects."""
    level, count = [document], 0
    for _ in range(DEEPEST):
        level = [child for one in level for child in _children(one)]
        count += len(level)
        if not level:
            return
        if count > MOST_VALUES:
            raise TooComplex(f"It holds more than {MOST_VALUES:,} values.")
    raise TooComplex(f"Its objects lie in each other more than {DEEPEST} deep.")


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _in_picture(text: str) -> str:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("The picture is no base64.") from None
    found = baked_in(content)
    if found is None:
        raise Unreadable("The picture holds no certificate.")
    return found
