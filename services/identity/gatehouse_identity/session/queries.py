"""All SQL about sessions."""

from gatehouse_identity.session.structs import Session, SessionState
from gatehouse_identity.tables import DB

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
SESSIONS_MINE = DB.prepare(
    "select id, method, created_at, refreshed_at, expires_at, ends_at from identity.session "
    "where account_id = $1 and revoked_at is null and expires_at > now() order by refreshed_at desc limit 200",
    Session,
)
