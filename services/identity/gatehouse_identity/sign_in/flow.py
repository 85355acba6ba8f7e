"""Signing in with a provider, from the sign-in page and back to it with a one-time code.

Two PKCE exchanges in one: identity proves itself to the provider with a verifier of its own, and whoever sent the
browser here proves itself to identity when it redeems the one-time code. That binds the outcome to the browser's own
portal session: a callback address that someone else prepared is worth nothing to it (login CSRF).
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import structlog
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.fields import EMAIL
from gatehouse_chassis.base.problems import ApiProblem, Conflict, Invalid, NotFound, Unavailable
from gatehouse_chassis.lists.filters import storable
from gatehouse_chassis.service.key_sealing import Unsealable
from gatehouse_identity.account.queries import ACCOUNT, ACCOUNT_BY_EMAIL, ACCOUNT_BY_SUBJECT, ACCOUNT_LINK
from gatehouse_identity.account.structs import AccountActor
from gatehouse_identity.audit_entry.queries import record
from gatehouse_identity.digests import SecretBox, challenge_of, digest, matches, new_secret
from gatehouse_identity.events import OUTBOX, PersonIds
from gatehouse_identity.invitation.queries import LOCKED_BY_TOKEN, OPEN_OF_ACCOUNT, mark_used
from gatehouse_identity.invitation.rules import state_of
from gatehouse_identity.provider import Identity, NotProven, SignInProvider
from gatehouse_identity.session.lifecycle import Sessions
from gatehouse_identity.session.structs import SessionTokens
from gatehouse_identity.sign_in import queries
from gatehouse_identity.sign_in.structs import PendingSignIn, Way
from gatehouse_identity.tables import DB

UNDER_WAY = timedelta(minutes=10)
CODE_GOOD_FOR = timedelta(seconds=60)
LONGEST_ADDRESS = 2000
LONGEST_NAME = 200
LONGEST_EMAIL = 254
# OpenID Connect Core 1.0, section 2: sub.
LONGEST_SUBJECT = 255

Outcome = Literal[
    "access_denied",
    "provider_unavailable",
    "not_proven",
    "email_not_verified",
    "email_taken",
    "archived",
    "invitation_over",
    "other_account",
]

log = structlog.get_logger()


class SignInRefused(Exception):
    """The sign-in ends without a code; `outcome` goes back to the sign-in page."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def is_ours(address: str, public_url: str) -> bool:
    """Whether an address is the platform's public one or below it, however a browser may read it."""
    if len(address) > LONGEST_ADDRESS or not address.isascii() or not address.isprintable():
        return False
    if any(character in address for character in '\\ <>"^`{|}'):
        return False
    try:
        parts, ours = urlsplit(address), urlsplit(public_url)
    except ValueError:
        return False
    if (parts.scheme, parts.netloc) != (ours.scheme, ours.netloc) or not address.startswith(public_url):
        return False
    path = parts.path
    for _ in range(3):
        path = unquote(path)
    below = ours.path.rstrip("/")
    return ".." not in path.split("/") and (parts.path == below or parts.path.startswith(below + "/"))


def with_parameters(address: str, **parameters: str) -> str:
    """The address with query parameters added; those of the same name are replaced."""
    parts = urlsplit(address)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in parameters]
    return urlunsplit(parts._replace(query=urlencode([*kept, *parameters.items()])))


class SignIns:
    """`providers`: by the way that people choose. The state of a sign-in begins with its way."""

    def __init__(
        self, providers: Mapping[Way, SignInProvider], sessions: Sessions, box: SecretBox, public_url: str
    ) -> None:
        self._providers = providers
        self._sessions = sessions
        self._box = box
        self._public_url = public_url

    async def begin(
        self,
        return_to: str,
        code_challenge: str,
        invitation: str | None = None,
        *,
        way: Way = "oidc",
        again: bool = False,
    ) -> str:
        """The provider's address to send the browser to; `again` asks it to authenticate the person anew.

        `invitation`: the token of the one-time link that the person came by. It is looked at when they come back.
        Raises Invalid for a return_to that isn't ours.
        """
        if not is_ours(return_to, self._public_url):
            raise Invalid({"return_to": f"must be an address below {self._public_url}"})
        state, nonce, verifier = f"{way}.{new_secret()}", new_secret(), new_secret()
        try:
            challenge = challenge_of(verifier)
            address = await self._providers[way].authorization(
                state=state, nonce=nonce, challenge=challenge, again=again
            )
        except NotProven:
            raise Unavailable("The sign-in provider can't be discovered; check the setting oidc_issuer.") from None
        await queries.SIGN_IN_ADD.execute(
            uuid7(),
            digest(state),
            digest(nonce),
            self._box.seal(verifier),
            return_to,
            code_challenge,
            UNDER_WAY,
            request_id()[:200],
            None if invitation is None else digest(invitation),
        )
        return address

    async def answer(self, way: Way, state: str, provider_code: str | None, issuer: str | None) -> str:
        """Where the browser goes after the provider of this way: back, with `code` or with `error`.

        Raises Invalid for a state that is unknown, answered already or too old: then there is no address that
        can be trusted.
        """
        ours = state.startswith(f"{way}.")  # else it is another provider's, whose code must not come to this one
        pending = await queries.SIGN_IN_ANSWERED.one(digest(state)) if ours else None
        if pending is None:
            raise Invalid({"state": "no sign-in with this state is under way; begin again"})
        try:
            code = await self._finish(self._providers[way], pending, provider_code, issuer)
        except SignInRefused as refused:
            log.info("sign-in refused", outcome=refused.outcome)
            return with_parameters(pending.return_to, error=refused.outcome)
        return with_parameters(pending.return_to, code=code)

    async def redeem(self, code: str, verifier: str) -> SessionTokens:
        """The session of a one-time code. It is used up even when the verifier is wrong. Raises Invalid."""
        redeemed = await queries.SIGN_IN_REDEEMED.one(digest(code))
        if redeemed is None:
            raise Invalid({"code": "is unknown, too old or used already; sign in again"})
        if not matches(challenge_of(verifier), digest(redeemed.code_challenge)):
            raise Invalid(
                {"code_verifier": "isn't the one of the challenge that the sign-in began with; sign in again"}
            )
        account = await ACCOUNT.get(redeemed.account_id)
        method = "github" if account.provider == self._providers["github"].issuer else "oidc"
        return await self._sessions.start(redeemed.account_id, method, redeemed.proven_at)

    async def _finish(
        self, provider: SignInProvider, pending: PendingSignIn, code: str | None, issuer: str | None
    ) -> str:
        if code is None:
            raise SignInRefused("access_denied")
        try:
            identity = await provider.redeem(
                code=code,
                verifier=self._box.open(pending.code_verifier),
                nonce_hash=pending.nonce_hash,
                issuer=issuer,
            )
        except (NotProven, Unsealable) as error:
            log.warning("sign-in not proven", reason=str(error))
            raise SignInRefused("not_proven") from None
        except ApiProblem as error:
            log.warning("sign-in provider unavailable", reason=error.detail)
            raise SignInRefused("provider_unavailable") from None
        if not 1 <= len(identity.subject) <= LONGEST_SUBJECT or not storable(identity.subject):
            raise SignInRefused("not_proven")
        try:
            return await _one_time_code(pending, identity)
        except (asyncpg.UniqueViolationError, Conflict):
            # The same person, new here, finished another sign-in at the same moment: now the account is there.
            return await _one_time_code(pending, identity)

    async def by_invitation_alone(self, token: str) -> SessionTokens:
        """Locally: the session of whoever holds the link, without a provider. Raises NotFound, or Conflict."""
        async with DB.transaction():
            invitation = await LOCKED_BY_TOKEN.one(digest(token))
            if invitation is None:
                raise NotFound("There is no such invitation.")
            state = state_of(invitation, await DB.now())
            if state != "open":
                raise Conflict(f"This invitation is {state}.")
            await mark_used(invitation)
            return await self._sessions.start(invitation.account_id, "persona")


async def _one_time_code(pending: PendingSignIn, identity: Identity) -> str:
    code = new_secret()
    async with DB.transaction():
        if pending.invitation_hash is None:
            account = await _account_of(identity)
        else:
            account = await _invited_account(identity, pending.invitation_hash)
        await queries.SIGN_IN_CODE.execute(pending.id, account, digest(code), CODE_GOOD_FOR, identity.proven_at)
    return code


async def _invited_account(identity: Identity, token_hash: str) -> UUID:
    """The account that the one-time link is for, whatever address the provider knows."""
    invitation = await LOCKED_BY_TOKEN.one(token_hash)  # first: whoever waits here sees what the other one linked
    known = await ACCOUNT_BY_SUBJECT.one(identity.provider, identity.subject)
    if invitation is None or state_of(invitation, await DB.now()) != "open":
        if known is None:
            raise SignInRefused("invitation_over")
        return await _account_of(identity)  # they use an old link, and sign in all the same
    if known is not None and known.id != invitation.account_id:
        raise SignInRefused("other_account")
    account = await ACCOUNT.get(invitation.account_id, lock=True)
    if account.archived_at is not None:
        raise SignInRefused("archived")
    if known is None and account.provider is not None:
        raise SignInRefused("invitation_over")
    if known is None:
        await _link(account.id, identity)
    await mark_used(invitation)
    return account.id


async def _link(id: UUID, identity: Identity) -> None:
    """In a transaction: the account is signed in to with this provider from now on."""
    await ACCOUNT_LINK.execute(id, identity.provider, identity.subject, request_id()[:200])
    await record("account_linked", by=AccountActor(id), subject=id)
    await _publish_linked(id)


async def _publish_linked(id: UUID) -> None:
    account = await ACCOUNT.get(id)
    ids = PersonIds(account.person_id)
    await OUTBOX.publish("identity.account.linked", account, by=AccountActor(id), ids=ids)


async def _account_of(identity: Identity) -> UUID:
    """By provider and subject; else the account that waits for this verified address; else a new one."""
    known = await ACCOUNT_BY_SUBJECT.one(identity.provider, identity.subject)
    if known is None:
        if len(identity.email) > LONGEST_EMAIL or not re.search(EMAIL, identity.email):
            raise SignInRefused("email_not_verified")
        known = await ACCOUNT_BY_EMAIL.one(identity.email)
        if known is not None and known.provider is not None:
            raise SignInRefused("email_taken")
        if known is not None and known.archived_at is None:
            await _link(known.id, identity)
            invitation = await OPEN_OF_ACCOUNT.one(known.id)
            if invitation is not None:
                await mark_used(invitation)
    if known is None:
        id = uuid7()
        await ACCOUNT.insert(
            {"name": name_of(identity), "email": identity.email, "status": "active"},
            by=AccountActor(id),
            id=id,
            provider=identity.provider,
            subject=identity.subject,
        )
        await record("account_created", by=AccountActor(id), subject=id, method=identity.method)
        await _publish_linked(id)
        return id
    if known.archived_at is not None:
        raise SignInRefused("archived")
    return known.id


def name_of(identity: Identity) -> str:
    """The provider's name of the person as one line; without one, the part of the address before the @."""
    text = "".join(" " if _is_space_or_control(character) else character for character in identity.name)
    return " ".join(text.split())[:LONGEST_NAME].strip() or identity.email.partition("@")[0][:LONGEST_NAME]


def _is_space_or_control(character: str) -> bool:
    return unicodedata.category(character).startswith(("C", "Z"))
