"""Identity's tables as Piccolo sees them; `database/collections` is where they are defined."""

from piccolo.columns import JSONB, UUID, Array, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("identity")


class Account(Tracked, Table, db=DB, tablename="account", schema="identity"):
    name = Text()
    email = Text()
    person_id = UUID(null=True, default=None)
    status = Text()
    provider = Text(null=True)
    subject = Text(null=True)
    last_sign_in_at = Timestamptz(null=True, default=None)
    persona = Text(null=True)
    persona_title = Text(null=True)
    archived_at = Timestamptz(null=True, default=None)


class RoleGrant(Tracked, Table, db=DB, tablename="role_grant", schema="identity"):
    account_id = UUID()
    role = Text()
    reason = Text()
    revoked_at = Timestamptz(null=True, default=None)
    revoked_by = UUID(null=True, default=None)
    revoked_reason = Text(null=True)


class Invitation(Tracked, Table, db=DB, tablename="invitation", schema="identity"):
    account_id = UUID()
    roles = Array(base_column=Text())
    token_hash = Text(null=True)
    expires_at = Timestamptz(null=True, default=None)
    used_at = Timestamptz(null=True, default=None)
    withdrawn_at = Timestamptz(null=True, default=None)


class ServiceClient(Tracked, Table, db=DB, tablename="service_client", schema="identity"):
    name = Text()
    description = Text()
    roles = Array(base_column=Text())
    secret_hash = Text()
    previous_secret_hash = Text(null=True)
    previous_until = Timestamptz(null=True, default=None)
    archived_at = Timestamptz(null=True, default=None)


class Session(Table, db=DB, tablename="session", schema="identity"):
    id = UUID(primary_key=True, default=None)
    account_id = UUID()
    method = Text()
    family_hash = Text()
    token_hash = Text()
    previous_hash = Text(null=True)
    backup_hash = Text(null=True)
    proven_at = Timestamptz(null=True, default=None)
    refreshed_at = Timestamptz()
    expires_at = Timestamptz()
    ends_at = Timestamptz()
    revoked_at = Timestamptz(null=True, default=None)
    revoked_reason = Text(null=True)
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)


class SignIn(Table, db=DB, tablename="sign_in", schema="identity"):
    id = UUID(primary_key=True, default=None)
    state_hash = Text()
    nonce_hash = Text()
    code_verifier = Text()
    return_to = Text()
    code_challenge = Text()
    invitation_hash = Text(null=True)
    answered_at = Timestamptz(null=True, default=None)
    account_id = UUID(null=True, default=None)
    proven_at = Timestamptz(null=True, default=None)
    code_hash = Text(null=True)
    redeemed_at = Timestamptz(null=True, default=None)
    expires_at = Timestamptz()
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)


class SigningKey(Table, db=DB, tablename="signing_key", schema="identity"):
    id = UUID(primary_key=True, default=None)
    kid = Text()
    public_jwk = JSONB()
    private_key = Text(null=True)
    signs_from = Timestamptz(null=True, default=None)
    published_until = Timestamptz(null=True, default=None)
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)


class AuditEntry(Table, db=DB, tablename="audit_entry", schema="identity"):
    id = UUID(primary_key=True, default=None)
    at = Timestamptz()
    actor_id = UUID(null=True, default=None)
    request = Text()
    action = Text()
    subject_id = UUID()
    details = JSONB()
