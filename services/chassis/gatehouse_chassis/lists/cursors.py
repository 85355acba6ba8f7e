"""Opaque cursors: where the next page of a list begins.

A cursor is the sort key and id of the last row shown, encrypted, and bound to the list, its filters and its sort. It is
part of addresses, which balancers and browsers log, and a sort key may be a name: nobody but the service reads it.
Nobody else makes one either: a mangled cursor, or one of another list, is a clear 400 instead of a page that is quietly
wrong. The same place has the same cursor (AES-SIV, RFC 5297), so that an answer stays the same.
"""

import base64
import binascii
import datetime
import decimal
import hashlib
import uuid
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gatehouse_chassis.lists.filters import storable

LONGEST = 2_000
MISTAKEN = (
    "this isn't a cursor of this list with these filters and this sort: give `next` of the page before, unchanged, "
    "and leave the other parameters as they were (or start again without a cursor)"
)


class BadCursor(ValueError):
    """The text isn't a cursor of the list, filters and sort that it came with."""


def write(secret: bytes, scope: Any, key: Any, identity: Any) -> str:
    """`scope`: whatever must be the same on the next page; anything msgspec can encode. `secret`: all tasks' own."""
    payload = msgspec.msgpack.encode((key, identity))
    sealed = _cipher(secret).encrypt(payload, [msgspec.msgpack.encode(scope)])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def read(secret: bytes, text: str, scope: Any, key_type: Any, identity_type: Any) -> tuple[Any, Any]:
    """The key and id; BadCursor for anything that `write` didn't make with this secret for this scope."""
    if not text or len(text) > LONGEST or not text.isascii():
        raise BadCursor(MISTAKEN)
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        payload = _cipher(secret).decrypt(sealed, [msgspec.msgpack.encode(scope)])
    except (binascii.Error, ValueError, InvalidTag):
        raise BadCursor(MISTAKEN) from None
    # Comparing the text too leaves one spelling of a cursor (base64's spare bits).
    if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() != text:
        raise BadCursor(MISTAKEN)
    try:
        key, identity = msgspec.msgpack.decode(payload, type=tuple[key_type | None, identity_type])
    except (msgspec.MsgspecError, ValueError):
        raise BadCursor(MISTAKEN) from None
    if not (_fits(key) and _fits(identity)):
        raise BadCursor(MISTAKEN)
    return key, identity


@lru_cache(maxsize=16)
def _cipher(secret: bytes) -> AESSIV:
    return AESSIV(hashlib.blake2b(secret, key=b"list cursors", digest_size=32).digest())


def _fits(value: Any) -> bool:
    """Whether PostgreSQL can compare with it; an earlier version may have had another type of key."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, (float, decimal.Decimal, datetime.date, uuid.UUID, bool))
