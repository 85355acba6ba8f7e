"""Tickets: what a browser opens a WebSocket with. It can't set headers there, and holds no token.

A page asks for one through the portal, and offers it as a second subprotocol (never echoed, and not in the address,
which is logged). It is the caller's token, encrypted for one path and good for a minute; every task of the service can
open it. Whoever copies it can for that minute open the same socket, and nothing else.
"""

import base64
import binascii
import hashlib
import os
import time
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TICKET_SECONDS = 60
NONCE = 12  # bytes, as AES-GCM wants them
LONGEST = 4096  # characters


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """How to open a socket: offer the protocols `gatehouse.v1` and `ticket` at `path`, within `seconds`."""

    path: str
    ticket: str
    seconds: int = TICKET_SECONDS


class Tickets:
    """`secret`: the same in all tasks of the service."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"live tickets\x00" + secret.encode()).digest())
        self._clock = clock

    def issue(self, token: str, path: str) -> Ticket:
        """For who has this access token, to open a socket at `path`."""
        nonce = os.urandom(NONCE)
        content = f"{self._clock() + TICKET_SECONDS:.0f} {token}".encode()
        sealed = nonce + self._cipher.encrypt(nonce, content, path.encode())
        return Ticket(path=path, ticket=base64.urlsafe_b64encode(sealed).decode().rstrip("="))

    def token(self, ticket: str, path: str) -> str | None:
        """The token that it was issued for; None if it is for another path, too old, or none of ours."""
        if len(ticket) > LONGEST:
            return None
        try:
            sealed = base64.urlsafe_b64decode(ticket + "=" * (-len(ticket) % 4))
            content = self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], path.encode())
        except (binascii.Error, InvalidTag, ValueError):
            return None
        until, _, token = content.decode().partition(" ")
        return token if self._clock() <= int(until) else None

    def seal(self, said: bytes, topic: str) -> str:
        """What one task says to the others of a topic, on a channel that every role may read and write."""
        nonce = os.urandom(NONCE)
        return base64.b85encode(nonce + self._cipher.encrypt(nonce, said, f"said {topic}".encode())).decode()

    def unseal(self, sealed: str, topic: str) -> bytes | None:
        """None for what no task of this service said of the topic."""
        try:
            content = base64.b85decode(sealed)
            return self._cipher.decrypt(content[:NONCE], content[NONCE:], f"said {topic}".encode())
        except (InvalidTag, ValueError):
            return None
