"""How private signing keys are kept: sealed to their row, so that a row which somebody wrote or exchanged is no key.

What is sealed opens only for the id and key id that it was sealed for. Locally key_encryption_secret seals; in AWS a
key of KMS that only identity's tasks may use (kms.py), and that nobody can copy.
"""

from typing import Protocol
from uuid import UUID

from gatehouse_identity.digests import SecretBox, Unsealable


class KeySealer(Protocol):
    """Asked when a key is made and when a task first reads it; never for a request."""

    async def seal(self, id: UUID, kid: str, pem: str) -> str:
        """What the table keeps. Raises Unavailable."""
        ...

    async def open(self, id: UUID, kid: str, sealed: str) -> str:
        """The PEM. Raises Unsealable when it wasn't sealed here for this row, and Unavailable for now."""
        ...


class SecretSealer:
    """Seals with key_encryption_secret."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    async def seal(self, id: UUID, kid: str, pem: str) -> str:
        return self._box.seal(f"{id} {kid}\n{pem}")

    async def open(self, id: UUID, kid: str, sealed: str) -> str:
        row, _, pem = self._box.open(sealed).partition("\n")
        if row != f"{id} {kid}":
            raise Unsealable("It was sealed for another row.")
        return pem
