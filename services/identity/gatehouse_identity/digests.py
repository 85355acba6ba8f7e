"""Random secrets and how they are kept: given out once, stored as a digest, compared in constant time.

They have 256 bits of randomness, so a plain SHA-256 is enough: there is nothing to guess that a slow hash would slow.
"""

import base64
import hashlib
import hmac
import secrets

from gatehouse_chassis.service.key_sealing import SealedBox, derived

SHORTEST_SECRET = 32


def new_secret() -> str:
    """43 characters, safe in addresses and headers."""
    return secrets.token_urlsafe(32)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def matches(text: str, kept: str | None) -> bool:
    """Whether `kept` is the digest of `text`."""
    return kept is not None and hmac.compare_digest(digest(text), kept)


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class SecretBox(SealedBox):
    """Encrypts what has to be read again, and derives what has to be the same again, with key_encryption_secret."""

    def __init__(self, setting: str) -> None:
        super().__init__(setting, b"gatehouse identity box")
        self._succession = derived(setting.split(maxsplit=1)[0], b"gatehouse identity refresh")

    def successor(self, token: str) -> str:
        """The refresh token that follows `token`: always the same one, and nobody else can know it."""
        made = hmac.digest(self._succession, token.encode(), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
