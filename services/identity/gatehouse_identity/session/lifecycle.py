"""Sessions: where someone is signed in, kept alive by a refresh token that changes with every use.

A refresh token is `<family>.<token>`: the family stays, so that any token the session ever had is recognised. The
current one is replaced by its successor. A replaced token that comes again has been copied by someone, and ends the
session. Two tabs that refresh at the same time, or a lost answer, aren't that: for `grace` seconds the same old token
gets the same new one (the successor is derived from it with our secret, so it needn't be stored).

After a restore, whoever was restored too holds the token of the backup, all others the newest: both go on, once.
"""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
import structlog
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Unauthenticated
from gatehouse_identity.account.queries import ACCOUNT_SIGNED_IN, BEARER
from gatehouse_identity.account.structs import AccountActor
from gatehouse_identity.audit_entry.queries import record
from gatehouse_identity.digests import SecretBox, digest, matches, new_secret
from gatehouse_identity.enumerators import SignInMethod
from gatehouse_identity.session import queries
from gatehouse_identity.session.structs import SessionState, SessionTokens
from gatehouse_identity.signing_key.key_ring import KeyRing
from gatehouse_identity.tables import DB
from gatehouse_identity.tokens import OURS, SETTLING, TOKEN_SECONDS, person_claims

ENDED = "This session has ended; sign in again."

log = structlog.get_logger()


class Lifetimes(msgspec.Struct, frozen=True):
    """The settings session_idle, session_longest and refresh_grace."""

    idle: timedelta
    longest: timedelta
    grace: timedelta


class Sessions:
    def __init__(self, keys: KeyRing, box: SecretBox, lifetimes: Lifetimes) -> None:
        self._keys = keys
        self._box = box
        self._lifetimes = lifetimes

    async def start(
        self, account_id: UUID, method: SignInMethod, proven_at: datetime | None = None, audience: str = OURS
    ) -> SessionTokens:
        """Signs in: a new session of the account. Raises Unauthenticated when it is archived.

        `proven_at`: when the provider authenticated the person; now, where it doesn't say. `audience`: whom the access
        token is for.
        """
        id, family, token = uuid7(), new_secret(), new_secret()
        async with DB.transaction():
            signed_in = await ACCOUNT_SIGNED_IN.execute(account_id)
            if not signed_in:
                raise Unauthenticated("This account is archived.")
            longest = self._lifetimes.longest
            await queries.SESSION_ADD.execute(
                id,
                account_id,
                method,
                digest(family),
                digest(token),
                min(self._lifetimes.idle, longest),
                longest,
                request_id()[:200],
                proven_at,
            )
            await record("signed_in", by=AccountActor(account_id), subject=account_id, method=method, session=str(id))
            self._log_token(id, account_id, family, token, method=method)
            return await self._tokens(id, account_id, proven_at, family, token, audience)

    async def refresh(self, refresh_token: str) -> SessionTokens:
        """New tokens, with the roles that the account has now. Raises Unauthenticated when the session has ended."""
        family, _, token = refresh_token.partition(".")
        async with DB.transaction():
            session = await queries.SESSION_FOR_REFRESH.one(digest(family))
            if session is None:
                raise Unauthenticated("No session has this refresh token; sign in again.")
            if session.ended:
                raise Unauthenticated(ENDED)
            following = self._box.successor(refresh_token)
            if matches(token, session.token_hash) or matches(token, session.backup_hash):
                idle = self._lifetimes.idle
                await queries.SESSION_REFRESHED.execute(session.id, digest(following), idle, digest(token))
                self._log_token(session.id, session.account_id, family, following)
                return await self._tokens(session.id, session.account_id, session.proven_at, family, following)
            if self._is_repeat(session, token, following):
                return await self._tokens(session.id, session.account_id, session.proven_at, family, following)
            # Raising here would undo it: what ends the session has to be committed.
            await queries.SESSION_END.execute(session.id, "reused")
            await record("session_reused", by=None, subject=session.account_id, session=str(session.id))
        raise Unauthenticated("This refresh token had been replaced, so the session was ended; sign in again.")

    async def end(self, session: UUID, actor: Actor) -> bool:
        """Signs out of one session of the caller's. Returns whether there was one."""
        async with DB.transaction():
            ended = await queries.SESSION_END_MINE.execute(session, actor.account)
            if ended:
                await record("signed_out", by=actor, subject=actor.account, session=str(session))
        return bool(ended)

    def _is_repeat(self, session: SessionState, token: str, following: str) -> bool:
        return (
            matches(token, session.previous_hash)
            and session.since_refresh <= self._lifetimes.grace
            and matches(following, session.token_hash)
        )

    def _log_token(self, id: UUID, account: UUID, family: str, token: str, **more: str) -> None:
        """Once it is committed: what a restore needs (recovery/) so that this session goes on with its newest token."""
        line = {
            "session": str(id),
            "account": str(account),
            "family_hash": digest(family),
            "token_hash": digest(token),
            "idle": self._lifetimes.idle.total_seconds(),
            "longest": self._lifetimes.longest.total_seconds(),
            **more,
        }
        DB.after_commit(partial(log.info, "session token", **line))

    async def _tokens(
        self,
        id: UUID,
        account_id: UUID,
        proven_at: datetime | None,
        family: str,
        token: str,
        audience: str = OURS,
    ) -> SessionTokens:
        account = await BEARER.one(account_id, SETTLING)
        assert account is not None
        claims = person_claims(
            account_id,
            account.person_id,
            account.name,
            account.roles,
            id,
            signed_in_at=min(proven_at or account.issued_at, account.issued_at),
            issued_at=account.issued_at,
            audience=audience,
        )
        return SessionTokens(
            access_token=await self._keys.sign(claims),
            refresh_token=f"{family}.{token}",
            expires_in=TOKEN_SECONDS,
            session_id=id,
        )
