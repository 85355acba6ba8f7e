"""Sessions: a random cookie, and on our side its digest with identity's tokens, encrypted.

The cookie can't be made from the database, nor the tokens read from it. An access token that is about to expire is
refreshed here, once however many requests arrive together, because identity rotates refresh tokens and takes a second
use of one for theft.
"""

import base64
import datetime
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from gatehouse_catalog import CatalogError, errors
from gatehouse_chassis.base import context
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_portal.shell import session_queries
from gatehouse_portal.shell.session_queries import SessionRow
from gatehouse_portal.tables import DB

COOKIE = "gatehouse_session"
# Seconds before its end at which an access token is replaced: longer than the longest request.
REFRESH_BEFORE = 60
SHORTEST_SECRET = 32
# Milliseconds that a request whose token has ended waits for another one's refresh.
REFRESH_WAIT = 4_000

Refresh = Callable[[str], Awaitable["IssuedTokens | None"]]
"""New tokens for a refresh token; None when identity has ended the session. Raises Unavailable without an answer."""


class IssuedTokens(msgspec.Struct, frozen=True):
    """What identity issues; `expires_in` (seconds) is the access token's."""

    access_token: str
    refresh_token: str
    expires_in: int = 600


class PortalSession(msgspec.Struct, frozen=True):
    """Somebody who is signed in."""

    id: UUID
    cookie: str
    access_token: str
    refresh_token: str


class SessionStore:
    """All sessions. `secret` encrypts and signs; `refresh` asks identity for new tokens; `lifetime` in seconds."""

    def __init__(self, *, secret: str, lifetime: float, refresh: Refresh) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(_derived(secret, b"tokens")))
        self.form_key = _derived(secret, b"forms")
        self.lifetime = lifetime
        self._refresh = refresh

    async def begin(self, tokens: IssuedTokens, account: UUID) -> str:
        """A new session; returns its cookie."""
        cookie = secrets.token_urlsafe(32)
        now = _now()
        await session_queries.INSERT.execute(
            _digest(cookie),
            account,
            self._hidden(tokens.access_token),
            self._hidden(tokens.refresh_token),
            now + datetime.timedelta(seconds=tokens.expires_in),
            now + datetime.timedelta(seconds=self.lifetime),
            context.request_id(),
        )
        return cookie

    async def find(self, cookie: str | None) -> PortalSession | None:
        """The session, its access token good for another minute at least; None when there is none (any more).

        Raises Unavailable when the token has ended and identity doesn't answer.
        """
        if not cookie:
            return None
        row = await session_queries.FIND.one(_digest(cookie))
        if row is None:
            return None
        if _seconds_left(row) < REFRESH_BEFORE:
            row = await self._refreshed(row)
        return None if row is None else self._read(row, cookie)

    async def renewed(self, session: PortalSession) -> PortalSession | None:
        """The session with another access token than its present one, which services refuse: its account's roles have
        changed, or its key was withdrawn. None when the session itself has ended. Raises Unavailable.
        """
        async with DB.transaction(asks=True):
            row = await self._awaited(session.id)
            if row is not None and self._shown(row.access_token) == session.access_token:
                row = await self._replaced(row, always=True)
        return None if row is None else self._read(row, session.cookie)

    async def end(self, session: PortalSession) -> None:
        await session_queries.DELETE.execute(session.id)

    def hide(self, text: str) -> str:
        """Encrypts what a browser keeps for us in a cookie."""
        return self._hidden(text).decode()

    def reveal(self, text: str, *, seconds: int) -> str | None:
        """What `hide` was given at most `seconds` ago; None for anything else."""
        try:
            return self._fernet.decrypt(text.encode(), ttl=seconds).decode()
        except (InvalidToken, ValueError):
            return None

    async def _refreshed(self, row: SessionRow) -> SessionRow | None:
        if _seconds_left(row) > 0:
            async with DB.transaction(asks=True):
                if not await DB.try_advisory_lock(_lock_of(row.id)):  # somebody else is at it; our token still serves
                    return row
                latest = await session_queries.FIND_BY_ID.one(row.id)
                try:
                    return None if latest is None else await self._replaced(latest)
                except Unavailable:
                    return latest
        async with DB.transaction(asks=True):
            latest = await self._awaited(row.id)
            return None if latest is None else await self._replaced(latest)

    async def _awaited(self, session: UUID) -> SessionRow | None:
        """The session once nobody else replaces its tokens. The lock is no row's: that would keep every consumer from
        the events of the whole cluster while identity is asked."""
        await DB.lock_timeout(REFRESH_WAIT)
        await DB.advisory_lock(_lock_of(session))
        return await session_queries.FIND_BY_ID.one(session)

    async def _replaced(self, row: SessionRow, *, always: bool = False) -> SessionRow | None:
        """The row, whose lock is held, with new tokens; as it is when another request replaced them before."""
        if _seconds_left(row) >= REFRESH_BEFORE and not always:
            return row
        tokens = await self._refresh(self._shown(row.refresh_token))
        if tokens is None:
            await session_queries.DELETE.execute(row.id)
            return None
        ends = _now() + datetime.timedelta(seconds=tokens.expires_in)
        access, refresh = self._hidden(tokens.access_token), self._hidden(tokens.refresh_token)
        await session_queries.RENEW.execute(row.id, access, refresh, ends)
        return msgspec.structs.replace(row, access_token=access, refresh_token=refresh, access_expires_at=ends)

    def _read(self, row: SessionRow, cookie: str) -> PortalSession | None:
        try:
            return PortalSession(row.id, cookie, self._shown(row.access_token), self._shown(row.refresh_token))
        except InvalidToken:  # the secret is another one than it was
            return None

    def _hidden(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def _shown(self, data: bytes) -> str:
        return self._fernet.decrypt(data).decode()


def _lock_of(session: UUID) -> str:
    return f"portal.session {session}"


async def forget_sessions(run: JobRun) -> None:
    """The job that removes sessions whose person has to sign in again."""
    await session_queries.SESSIONS.before(run.now)


def checked_secret(secret: str) -> str:
    """The session secret. Raises CatalogError when it is missing or too short to protect anything."""
    if len(secret) >= SHORTEST_SECRET:
        return secret
    message = "is not set." if not secret else f"has {len(secret)} characters; {SHORTEST_SECRET} are the least."
    fix = "Set GATEHOUSE_SECRET_SESSION_SECRET to random text (`./local/up` does so by itself)."
    raise CatalogError([errors.Problem(file="environment", key="portal.session_secret", message=message, fix=fix)])


def _derived(secret: str, purpose: bytes) -> bytes:
    return hmac.new(secret.encode(), b"gatehouse portal " + purpose, hashlib.sha256).digest()


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _seconds_left(row: SessionRow) -> float:
    return (row.access_expires_at - _now()).total_seconds()
