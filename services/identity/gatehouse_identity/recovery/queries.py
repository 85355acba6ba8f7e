"""All SQL of a recovery. Each statement changes nothing where it was done already."""

from typing import Any

from piccolo.querystring import QueryString

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg
from gatehouse_identity import tables
from gatehouse_identity.tables import DB

KNOWN_ENTRIES = DB.prepare(
    tables.AuditEntry.select(tables.AuditEntry.id).where(QueryString("{} = any({})", tables.AuditEntry.id, arg(1)))
)
ENTRY_ADD = DB.prepare(
    InsertOf(
        {
            tables.AuditEntry.id: arg(1),
            tables.AuditEntry.at: arg(2),
            tables.AuditEntry.actor_id: arg(3),
            tables.AuditEntry.request: arg(4),
            tables.AuditEntry.action: arg(5),
            tables.AuditEntry.subject_id: arg(6),
            tables.AuditEntry.details: arg(7),
        }
    )
)
ROLE_REVOKE = DB.prepare(
    tables.RoleGrant.update(
        {
            tables.RoleGrant.revoked_at: NOW,
            tables.RoleGrant.revoked_by: arg(2),
            tables.RoleGrant.revoked_reason: "Revoked after the backup that was restored",
            tables.RoleGrant.version: QueryString("version + 1"),
            tables.RoleGrant.changed_at: NOW,
        }
    ).where((tables.RoleGrant.id == arg(1)) & tables.RoleGrant.revoked_at.is_null())
)
SESSION_END = DB.prepare(
    tables.Session.update({tables.Session.revoked_at: NOW, tables.Session.revoked_reason: arg(2)}).where(
        (tables.Session.id == arg(1)) & tables.Session.revoked_at.is_null()
    )
)
ACCOUNT_ARCHIVE = DB.prepare(
    tables.Account.update(
        {
            tables.Account.archived_at: NOW,
            tables.Account.status: "archived",
            tables.Account.version: QueryString("version + 1"),
            tables.Account.changed_at: NOW,
        }
    ).where((tables.Account.id == arg(1)) & tables.Account.archived_at.is_null())
)
SESSIONS_END = DB.prepare(
    tables.Session.update({tables.Session.revoked_at: NOW, tables.Session.revoked_reason: "archived"}).where(
        (tables.Session.account_id == arg(1)) & tables.Session.revoked_at.is_null()
    )
)
CLIENT_ARCHIVE = DB.prepare(
    tables.ServiceClient.update(
        {
            tables.ServiceClient.archived_at: NOW,
            tables.ServiceClient.version: QueryString("version + 1"),
            tables.ServiceClient.changed_at: NOW,
        }
    ).where((tables.ServiceClient.id == arg(1)) & tables.ServiceClient.archived_at.is_null())
)
# The secret that it had at the backup may be the one that leaked; nobody knows the one set here.
CLIENT_SECRET_VOID = DB.prepare(
    tables.ServiceClient.update(
        {
            tables.ServiceClient.secret_hash: arg(2),
            tables.ServiceClient.previous_secret_hash: None,
            tables.ServiceClient.previous_until: None,
            tables.ServiceClient.version: QueryString("version + 1"),
            tables.ServiceClient.changed_at: NOW,
        }
    ).where(tables.ServiceClient.id == arg(1))
)
# By hand: Piccolo has no set operations on arrays. Only roles that it has now, so that none comes by a replay.
CLIENT_ROLES_KEEP = DB.prepare_sql(
    "update identity.service_client set roles = array(select unnest(roles) intersect select unnest($2::text[]) "
    "order by 1), version = version + 1, changed_at = now() where id = $1 and not roles <@ $2::text[]"
)
KEY_WITHDRAW = DB.prepare(
    tables.SigningKey.update({tables.SigningKey.published_until: NOW, tables.SigningKey.private_key: None}).where(
        (tables.SigningKey.kid == arg(1)) & tables.SigningKey.private_key.is_not_null()
    )
)
# By hand: a row only where its account is in the backup, and one that is there already stays.
SESSION_ADD = DB.prepare_sql(
    "insert into identity.session (id, account_id, method, family_hash, token_hash, refreshed_at, expires_at, ends_at, "
    "created_at, created_by) select $1, $2::uuid, $3, $4, $5, $6::timestamptz, $6 + least($7::interval, $8::interval), "
    "$6 + $8::interval, $6, $2 where exists (select from identity.account where id = $2 and archived_at is null) "
    "and $6 + least($7::interval, $8::interval) > now() on conflict do nothing"
)
# The token of the backup stays good for whoever was restored with it (the portal), beside the newest one.
SESSION_TOKEN = DB.prepare(
    tables.Session.update(
        {
            tables.Session.backup_hash: QueryString("coalesce(backup_hash, token_hash)"),
            tables.Session.token_hash: arg(2),
            tables.Session.previous_hash: None,
            tables.Session.refreshed_at: arg(3),
            tables.Session.expires_at: QueryString("least({}::timestamptz + {}::interval, ends_at)", arg(3), arg(4)),
        }
    ).where(
        (tables.Session.id == arg(1))
        & (tables.Session.token_hash != arg(2))
        & (tables.Session.refreshed_at < arg(3))
        & tables.Session.revoked_at.is_null()
    )
)


def _open(table: Any, key: Any, unended: Any) -> Any:
    """The keys of those rows that didn't end."""
    return DB.prepare(table.select(key).where(unended).where(QueryString("{} = any({})", key, arg(1))))


GRANTS_OPEN = _open(tables.RoleGrant, tables.RoleGrant.id, tables.RoleGrant.revoked_at.is_null())
SESSIONS_OPEN = _open(tables.Session, tables.Session.id, tables.Session.revoked_at.is_null())
ACCOUNTS_OPEN = _open(tables.Account, tables.Account.id, tables.Account.archived_at.is_null())
CLIENTS_OPEN = _open(tables.ServiceClient, tables.ServiceClient.id, tables.ServiceClient.archived_at.is_null())
KEYS_OPEN = _open(tables.SigningKey, tables.SigningKey.kid, tables.SigningKey.private_key.is_not_null())
