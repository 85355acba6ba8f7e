"""Opaque cursors: where the next page of a list begins.

A cursor is the sort key and id of the last row shown, bound to the list, its filters and its sort by a digest. The
digest isn't a secret: a cursor only ever says where to begin, and what a caller may see is decided by the query itself.
It makes a mangled cursor, or one of another list, a clear 400 instead of a page that is quietly wrong.
"""

import base64
import binascii
import datetime
import decimal
import hashlib
import uuid
from typing import Any

import msgspec

from gatehouse_chassis.lists.filters import storable

DIGEST_BYTES = 9
LONGEST = 2_000
MISTAKEN = (
    "this isn't a cursor of this list with these filters and this sort: give `next` of the page before, unchanged, "
    "and leave the other parameters as they were (or start again without a cursor)"
)


class BadCursor(ValueError):
    """The text isn't a cursor of the list, filters and sort that it came with."""


def write(scope: Any, key: Any, identity: Any) -> str:
    """`scope`: whatever must be the same on the next page; anything msgspec can encode."""
    payload = msgspec.msgpack.encode((key, identity))
    return base64.urlsafe_b64encode(_digest(scope, payload) + payload).rstrip(b"=").decode()


def read(text: str, scope: Any, key_type: Any, identity_type: Any) -> tuple[Any, Any]:
    """The key and id; BadCursor for anything that `write` didn't make for this scope."""
    if not text or len(text) > LONGEST or not text.isascii():
        raise BadCursor(MISTAKEN)
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadCursor(MISTAKEN) from None
    payload = data[DIGEST_BYTES:]
    # Comparing the text too leaves one spelling of a cursor (base64's spare bits).
    if data[:DIGEST_BYTES] != _digest(scope, payload) or base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise BadCursor(MISTAKEN)
    try:
        key, identity = msgspec.msgpack.decode(payload, type=tuple[key_type | None, identity_type])
    except (msgspec.MsgspecError, ValueError):
        raise BadCursor(MISTAKEN) from None
    if not (_fits(key) and _fits(identity)):
        raise BadCursor(MISTAKEN)
    return key, identity


def _digest(scope: Any, payload: bytes) -> bytes:
    return hashlib.blake2b(msgspec.msgpack.encode(scope) + payload, digest_size=DIGEST_BYTES).digest()


def _fits(value: Any) -> bool:
    """Whether PostgreSQL can compare with it; someone may have built a cursor by hand."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, (float, decimal.Decimal, datetime.date, uuid.UUID, bool))
