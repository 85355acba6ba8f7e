"""Random secrets and how they are kept: given out once, stored as a digest, compared in constant time.

They have 256 bits of randomness, so a plain SHA-256 is enough: there is nothing to guess that a slow hash would slow.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SHORTEST_SECRET = 32


class Unsealable(ValueError):
    """What was encrypted can't be read with this key_encryption_secret."""


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


class SecretBox:
    """Encrypts what has to be read again, and derives what has to be the same again, with key_encryption_secret.

    The setting may name several secrets, separated by a space: the first encrypts, all decrypt.
    """

    def __init__(self, setting: str) -> None:
        words = setting.split()
        self._fernet = MultiFernet(
            [Fernet(base64.urlsafe_b64encode(_derived(word, b"gatehouse identity box"))) for word in words]
        )
        self._succession = _derived(words[0], b"gatehouse identity refresh")

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            message = "It was encrypted with another key_encryption_secret."
            raise Unsealable(message) from None

    def successor(self, token: str) -> str:
        """The refresh token that follows `token`: always the same one, and nobody else can know it."""
        made = hmac.digest(self._succession, token.encode(), "sha256")
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
