"""What a signing key is at a moment: next, active, retired; published or not. Pure functions: no database, no clock."""

from collections.abc import Sequence
from datetime import datetime

from gatehouse_identity.signing_key.structs import KeyRow


def state_of(key: KeyRow, keys: Sequence[KeyRow], now: datetime) -> str:
    """`next`, `active` or `retired`, of one key among all."""
    if key.signs_from is None or key.signs_from > now:
        return "next"
    return "active" if key is active_of(keys, now) else "retired"


def active_of(keys: Sequence[KeyRow], now: datetime) -> KeyRow | None:
    """The key that signs now: of those whose time has come, the last."""
    begun = [key for key in keys if key.signs_from is not None and key.signs_from <= now]
    return max(begun, key=lambda key: (key.signs_from, key.created_at), default=None)


def published(keys: Sequence[KeyRow], now: datetime) -> list[KeyRow]:
    """The keys that the JWKS holds."""
    return [key for key in keys if key.published_until is None or key.published_until > now]


def has_signed(key: KeyRow, now: datetime) -> bool:
    """Whether tokens of it may be there."""
    return key.signs_from is not None and key.signs_from <= now
