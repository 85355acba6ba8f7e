"""Sealing: whoever has a person's public key can write what only their private key opens.

X25519, HKDF-SHA256 and AES-256-GCM, put together as ECIES does. A sealer keeps one ephemeral key for as long as it
lives, so that sealing is one AES-GCM: its nonces are random, 96 bits, which holds for 2**32 values of one key
(NIST SP 800-38D, 8.3).
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY = 32
NONCE = 12
PURPOSE = b"gatehouse history 1"


class NotOpened(ValueError):
    """The sealed bytes aren't of this key, of this context, or were changed."""


class Sealer:
    """Seals to one public key."""

    def __init__(self, public_key: bytes) -> None:
        own = X25519PrivateKey.generate()
        self._own = own.public_key().public_bytes_raw()
        shared = own.exchange(X25519PublicKey.from_public_bytes(public_key))
        self._cipher = _cipher(shared, self._own, public_key)

    def seal(self, content: bytes, context: bytes) -> bytes:
        """`context` isn't hidden, and must be the same when it is opened."""
        nonce = os.urandom(NONCE)
        return self._own + nonce + self._cipher.encrypt(nonce, content, context)


def new_pair() -> tuple[bytes, bytes]:
    """A private key and its public key."""
    key = X25519PrivateKey.generate()
    return key.private_bytes_raw(), key.public_key().public_bytes_raw()


def opened(private_key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Raises NotOpened."""
    key = X25519PrivateKey.from_private_bytes(private_key)
    theirs, nonce, content = sealed[:KEY], sealed[KEY : KEY + NONCE], sealed[KEY + NONCE :]
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(theirs))
        return _cipher(shared, theirs, key.public_key().public_bytes_raw()).decrypt(nonce, content, context)
    except (InvalidTag, ValueError):
        raise NotOpened from None


def _cipher(shared: bytes, ephemeral: bytes, recipient: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY, salt=ephemeral + recipient, info=PURPOSE).derive(shared))
