"""Exchanging a caller's token for one that another service takes (RFC 8693, at identity).

A token is for one service. One that was stolen from a service, or kept by it, opens no other: only the service itself
can exchange it, because identity asks for a token that the service signs (events/service_token.py). The portal holds
its sessions' tokens, which are for identity; whoever holds one of those exchanges it without more.

What identity issued is remembered until shortly before it ends: one exchange for each token and service, and a
dictionary look-up for each call after that.
"""

import asyncio
import base64
import binascii
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import NamedTuple

import msgspec

from gatehouse_chassis.base.actor import EVERY_SERVICE

REMEMBERED = 4096
# Seconds before its end at which a token isn't used again: longer than a call takes.
UNUSED_BEFORE_END = 15.0


class ExchangedToken(msgspec.Struct, frozen=True):
    """What identity answers; `expires_in` in seconds."""

    access_token: str
    expires_in: int


class Remembered(NamedTuple):
    token: str
    until: float


class _Claims(msgspec.Struct):
    aud: str | list[str] = ""
    exp: float = 0.0


Ask = Callable[[str, str], Awaitable[ExchangedToken]]
"""(token, service) -> a token for the service, from identity. Raises RequestRefused and Unavailable."""


class TokenExchange:
    """One of a process. `ask` asks identity; `clock` gives seconds since 1970."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.time) -> None:
        self._ask = ask
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], Remembered] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def token_for(self, token: str, service: str) -> str:
        """A token of the same caller's that `service` takes; `token` itself where it does. Raises what `ask` does."""
        wanted = (token, service)
        known = self._known.get(wanted)
        if known is not None and known.until > self._clock():
            return known.token
        claims = _claims_of(token)
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if service in audiences or EVERY_SERVICE in audiences:
            self._remember(wanted, Remembered(token, claims.exp))
            return token
        asking = self._asking.get(wanted)
        if asking is None:
            # Of no request: the calls of one page wait for it together, and none of them ends it.
            asking = asyncio.create_task(self._exchanged(wanted), context=Context())
            self._asking[wanted] = asking
            asking.add_done_callback(lambda _: self._asking.pop(wanted, None))
        await asyncio.wait({asking})
        return asking.result()

    async def _exchanged(self, wanted: tuple[str, str]) -> str:
        answer = await self._ask(*wanted)
        self._remember(wanted, Remembered(answer.access_token, self._clock() + answer.expires_in - UNUSED_BEFORE_END))
        return answer.access_token

    def _remember(self, wanted: tuple[str, str], remembered: Remembered) -> None:
        self._known[wanted] = remembered
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _claims_of(token: str) -> _Claims:
    """Unchecked: whoever is shown the token checks it. Nothing where it can't be read, which they then say."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        return _Claims(aud=EVERY_SERVICE)
