"""Identity's tables as Piccolo sees them; `database/collections` is where they are defined."""

from piccolo.columns import JSONB, UUID, Array, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.database import Database
from gatehouse_chassis.idempotency import Repeats

DB = Database("identity")
REPEATS = Repeats(DB)


class Account(Table, db=DB, tablename="account", schema="identity"):
    id = UUID(primary_key=True)
    name = Text(null=False)
    email = Text(null=False)
    person_id = UUID(null=True)
    status = Text(null=False)
    provider = Text(null=True)
    subject = Text(null=True)
    last_sign_in_at = Timestamptz(null=True)
    persona = Text(null=True)
    persona_title = Text(null=True)
    archived_at = Timestamptz(null=True)
    created_at = Timestamptz(null=False)
    created_by = UUID(null=True)
    created_request = Text(null=True)
    changed_at = Timestamptz(null=False)
    changed_by = UUID(null=True)
    changed_request = Text(null=True)
    version = Integer(null=False)


class RoleGrant(Table, db=DB, tablename="role_grant", schema="identity"):
    id = UUID(primary_key=True)
    account_id = UUID(null=False)
    role = Text(null=False)
    reason = Text(null=False)
    revoked_at = Timestamptz(null=True)
    revoked_by = UUID(null=True)
    revoked_reason = Text(null=True)
    created_at = Timestamptz(null=False)
    created_by = UUID(null=True)
    created_request = Text(null=True)
    changed_at = Timestamptz(null=False)
    changed_by = UUID(null=True)
    changed_request = Text(null=True)
    version = Integer(null=False)


class ServiceClient(Table, db=DB, tablename="service_client", schema="identity"):
    id = UUID(primary_key=True)
    name = Text(null=False)
    description = Text(null=False)
    roles = Array(base_column=Text(), null=False)
    secret_hash = Text(null=False)
    previous_secret_hash = Text(null=True)
    previous_until = Timestamptz(null=True)
    archived_at = Timestamptz(null=True)
    created_at = Timestamptz(null=False)
    created_by = UUID(null=True)
    created_request = Text(null=True)
    changed_at = Timestamptz(null=False)
    changed_by = UUID(null=True)
    changed_request = Text(null=True)
    version = Integer(null=False)


class Session(Table, db=DB, tablename="session", schema="identity"):
    id = UUID(primary_key=True)
    account_id = UUID(null=False)
    method = Text(null=False)
    family_hash = Text(null=False)
    token_hash = Text(null=False)
    previous_hash = Text(null=True)
    refreshed_at = Timestamptz(null=False)
    expires_at = Timestamptz(null=False)
    ends_at = Timestamptz(null=False)
    revoked_at = Timestamptz(null=True)
    revoked_reason = Text(null=True)
    created_at = Timestamptz(null=False)
    created_by = UUID(null=True)
    created_request = Text(null=True)


class SignIn(Table, db=DB, tablename="sign_in", schema="identity"):
    id = UUID(primary_key=True)
    state_hash = Text(null=False)
    nonce_hash = Text(null=False)
    code_verifier = Text(null=False)
    return_to = Text(null=False)
    code_challenge = Text(null=False)
    answered_at = Timestamptz(null=True)
    account_id = UUID(null=True)
    code_hash = Text(null=True)
    redeemed_at = Timestamptz(null=True)
    expires_at = Timestamptz(null=False)
    created_at = Timestamptz(null=False)
    created_by = UUID(null=True)
    created_request = Text(null=True)


class SigningKey(Table, db=DB, tablename="signing_key", schema="identity"):
    id = UUID(primary_key=True)
    kid = Text(null=False)
    public_jwk = JSONB(null=False)
    private_key = Text(null=True)
    signs_from = Timestamptz(null=True)
    published_until = Timestamptz(null=True)
    created_at = Timestamptz(null=False)
    created_by = UUID(null=True)
    created_request = Text(null=True)


class AuditEntry(Table, db=DB, tablename="audit_entry", schema="identity"):
    id = UUID(primary_key=True)
    at = Timestamptz(null=False)
    actor_id = UUID(null=True)
    request = Text(null=False)
    action = Text(null=False)
    subject_id = UUID(null=False)
    details = JSONB(null=False)
