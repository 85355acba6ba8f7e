"""All SQL of identity that isn't a plain list, read or change of one row, prepared once."""

# ruff: noqa: S608 - the only texts put in are constants of this file

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from gatehouse_identity.structs import Account, Me, Persona, Session
from gatehouse_identity.tables import DB

OPEN_ROLES = """coalesce((select array_agg(g.role order by g.role) from identity.role_grant g
    where g.account_id = account.id and g.revoked_at is null), '{}')"""


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    kid: str
    public_jwk: dict[str, Any]
    private_key: str | None
    signs_from: datetime | None
    published_until: datetime | None
    created_at: datetime


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """A session, locked, and whether it (or its account) has ended."""

    id: UUID
    account_id: UUID
    token_hash: str
    previous_hash: str | None
    since_refresh: timedelta
    ended: bool


class Bearer(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says about an account."""

    name: str
    person_id: UUID | None
    roles: list[str]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """An account as sign-in looks for it."""

    id: UUID
    provider: str | None
    archived: bool


class PendingSignIn(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    nonce_hash: str
    code_verifier: str
    return_to: str


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    account_id: UUID
    code_challenge: str


class ClientSecrets(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    roles: list[str]
    secret_hash: str
    previous_secret_hash: str | None


NOW = DB.prepare("select now()")

# Keys

_KEY = "id, kid, public_jwk, private_key, signs_from, published_until, created_at"
KEYS = DB.prepare(f"select {_KEY} from identity.signing_key order by created_at, id", KeyRow)
KEY_ADD = DB.prepare(
    "insert into identity.signing_key (id, kid, public_jwk, private_key, signs_from) values ($1, $2, $3, $4, $5) "
    f"returning {_KEY}",
    KeyRow,
)
KEY_SIGNS_FROM = DB.prepare("update identity.signing_key set signs_from = $2 where id = $1")
KEYS_RETIRE = DB.prepare(
    "update identity.signing_key set published_until = $2 where id <> $1 and published_until is null"
)
KEYS_ERASE = DB.prepare(
    "update identity.signing_key set private_key = null where published_until < now() and private_key is not null"
)

# Audit

AUDIT_ADD = DB.prepare(
    "insert into identity.audit_entry (id, actor_id, request, action, subject_id, details) "
    "values ($1, $2, $3, $4, $5, $6)"
)

# Accounts

ACCOUNT = DB.prepare(
    "select id, version, name, email, person_id, status, provider, last_sign_in_at, archived_at, created_at, "
    f"created_by, changed_at, changed_by, {OPEN_ROLES} as roles from identity.account where id = $1",
    Account,
)
ME = DB.prepare(
    f"select id, 'person' as kind, name, {OPEN_ROLES} as roles, email, person_id, $2::uuid as session_id "
    "from identity.account where id = $1",
    Me,
)
SERVICE_ME = DB.prepare(
    "select id, 'service' as kind, name, roles, null::text as email, null::uuid as person_id, null::uuid as session_id "
    "from identity.service_client where id = $1",
    Me,
)
BEARER = DB.prepare(f"select name, person_id, {OPEN_ROLES} as roles from identity.account where id = $1", Bearer)
ACCOUNT_SIGNED_IN = DB.prepare(
    "update identity.account set last_sign_in_at = now(), status = 'active' where id = $1 and archived_at is null"
)
ACCOUNT_BY_SUBJECT = DB.prepare(
    "select id, provider, archived_at is not null as archived from identity.account "
    "where provider = $1 and subject = $2",
    Known,
)
ACCOUNT_BY_EMAIL = DB.prepare(
    "select id, provider, archived_at is not null as archived from identity.account where lower(email) = lower($1) "
    "for update",
    Known,
)
ACCOUNT_LINK = DB.prepare(
    "update identity.account set provider = $2, subject = $3, version = version + 1, changed_at = now(), "
    "changed_by = id, changed_request = $4 where id = $1"
)
OTHER_ADMINS = DB.prepare(
    "select g.account_id from identity.role_grant g join identity.account a on a.id = g.account_id "
    "where g.role = 'admin' and g.revoked_at is null and a.archived_at is null and g.account_id <> $1"
)
HAS_OPEN_ROLE = DB.prepare(
    "select true from identity.role_grant where account_id = $1 and role = $2 and revoked_at is null"
)
ALONE_WITH_ADMINS = DB.prepare("select pg_advisory_xact_lock(hashtext('identity.administrators'))")

# Personas

PERSONAS = DB.prepare(
    f"select persona as key, name, coalesce(persona_title, '') as title, {OPEN_ROLES} as roles from identity.account "
    "where persona is not null and archived_at is null order by name",
    Persona,
)
PERSONA_ACCOUNT = DB.prepare("select id from identity.account where persona = $1 and archived_at is null")

# Sessions

SESSION_ADD = DB.prepare(
    "insert into identity.session (id, account_id, method, family_hash, token_hash, expires_at, ends_at, created_by, "
    "created_request) values ($1, $2, $3, $4, $5, now() + $6::interval, now() + $7::interval, $2, $8)"
)
SESSIONS_SWEEP = DB.prepare(
    "delete from identity.session where id in (select id from identity.session where ends_at < now() - $1::interval "
    "order by ends_at limit 20 for update skip locked)"
)
SESSION_FOR_REFRESH = DB.prepare(
    "select s.id, s.account_id, s.token_hash, s.previous_hash, now() - s.refreshed_at as since_refresh, "
    "(s.revoked_at is not null or s.expires_at <= now() or a.archived_at is not null) as ended "
    "from identity.session s join identity.account a on a.id = s.account_id where s.family_hash = $1 for update of s",
    SessionState,
)
SESSION_REFRESHED = DB.prepare(
    "update identity.session set previous_hash = token_hash, token_hash = $2, refreshed_at = now(), "
    "expires_at = least(now() + $3::interval, ends_at) where id = $1"
)
SESSION_END = DB.prepare("update identity.session set revoked_at = now(), revoked_reason = $2 where id = $1")
SESSION_END_MINE = DB.prepare(
    "update identity.session set revoked_at = now(), revoked_reason = 'signed_out' "
    "where id = $1 and account_id = $2 and revoked_at is null and expires_at > now()"
)
SESSIONS_END_OF_ACCOUNT = DB.prepare(
    "update identity.session set revoked_at = now(), revoked_reason = 'archived' "
    "where account_id = $1 and revoked_at is null"
)
SESSIONS_MINE = DB.prepare(
    "select id, method, created_at, refreshed_at, expires_at, ends_at from identity.session "
    "where account_id = $1 and revoked_at is null and expires_at > now() order by refreshed_at desc limit 200",
    Session,
)

# Sign-in with the provider

SIGN_IN_ADD = DB.prepare(
    "insert into identity.sign_in (id, state_hash, nonce_hash, code_verifier, return_to, code_challenge, expires_at, "
    "created_request) values ($1, $2, $3, $4, $5, $6, now() + $7::interval, $8)"
)
SIGN_INS_SWEEP = DB.prepare(
    "delete from identity.sign_in where id in (select id from identity.sign_in "
    "where expires_at < now() - interval '1 hour' order by expires_at limit 20 for update skip locked)"
)
SIGN_IN_ANSWERED = DB.prepare(
    "update identity.sign_in set answered_at = now() "
    "where state_hash = $1 and answered_at is null and expires_at > now() "
    "returning id, nonce_hash, code_verifier, return_to",
    PendingSignIn,
)
SIGN_IN_CODE = DB.prepare(
    "update identity.sign_in set account_id = $2, code_hash = $3, expires_at = now() + $4::interval where id = $1"
)
SIGN_IN_REDEEMED = DB.prepare(
    "update identity.sign_in set redeemed_at = now() "
    "where code_hash = $1 and redeemed_at is null and expires_at > now() returning account_id, code_challenge",
    Redeemed,
)

# Service clients

CLIENT_SECRETS = DB.prepare(
    "select id, name, roles, secret_hash, case when previous_until > now() then previous_secret_hash end "
    "as previous_secret_hash from identity.service_client where name = $1 and archived_at is null",
    ClientSecrets,
)
