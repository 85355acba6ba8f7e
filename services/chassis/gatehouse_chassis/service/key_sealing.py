"""How services keep the private keys that they make: sealed to their row, so that a row which somebody wrote or
exchanged is no key.

What is sealed opens only for the id and key id that it was sealed for. Locally a secret of the service seals; in AWS a
key of KMS that only that service's tasks may use (kms.py), and that nobody can copy.
"""

import base64
from typing import Protocol
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Unsealable(ValueError):
    """What was sealed can't be opened here, or was sealed for something else."""


class KeySealer(Protocol):
    """Asked when a key is made and when a task first reads it; never for a request."""

    async def seal(self, id: UUID, kid: str, pem: str) -> str:
        """What the table keeps. Raises Unavailable."""
        ...

    async def open(self, id: UUID, kid: str, sealed: str) -> str:
        """The PEM. Raises Unsealable when it wasn't sealed here for this row, and Unavailable for now."""
        ...


class SealedBox:
    """Encrypts with a secret of the service what has to be read again.

    The setting may name several secrets, separated by a space: the first encrypts, all decrypt. `purpose`: what else is
    made of the same secret has another one. `name`: the setting's, for messages.
    """

    def __init__(self, setting: str, purpose: bytes, name: str = "key_encryption_secret") -> None:
        self._name = name
        self._fernet = MultiFernet(
            [Fernet(base64.urlsafe_b64encode(derived(word, purpose))) for word in setting.split()]
        )

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unsealable(f"It was encrypted with another {self._name}.") from None


class SecretSealer:
    """Seals with a secret of the service."""

    def __init__(self, box: SealedBox) -> None:
        self._box = box

    async def seal(self, id: UUID, kid: str, pem: str) -> str:
        return self._box.seal(f"{id} {kid}\n{pem}")

    async def open(self, id: UUID, kid: str, sealed: str) -> str:
        row, _, pem = self._box.open(sealed).partition("\n")
        if row != f"{id} {kid}":
            raise Unsealable("It was sealed for another row.")
        return pem


def derived(secret: str, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
