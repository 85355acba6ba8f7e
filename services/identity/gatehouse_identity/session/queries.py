"""All SQL about sessions."""

from piccolo.querystring import QueryString

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_chassis.jobs.sweep import Sweep
from gatehouse_identity import tables
from gatehouse_identity.session.structs import Session, SessionState
from gatehouse_identity.tables import DB

_LIVES = tables.Session.revoked_at.is_null() & (tables.Session.expires_at > NOW)

SESSION_ADD = DB.prepare(
    InsertOf(
        {
            tables.Session.id: arg(1),
            tables.Session.account_id: arg(2),
            tables.Session.method: arg(3),
            tables.Session.family_hash: arg(4),
            tables.Session.token_hash: arg(5),
            tables.Session.expires_at: QueryString("now() + {}::interval", arg(6)),
            tables.Session.ends_at: QueryString("now() + {}::interval", arg(7)),
            tables.Session.proven_at: arg(9),
            tables.Session.created_by: arg(2),
            tables.Session.created_request: arg(8),
        }
    )
)
SESSIONS = Sweep(tables.Session, tables.Session.ends_at)
# By hand: the session is locked, its account isn't, and both are read at once.
SESSION_FOR_REFRESH = DB.prepare_sql(
    "select s.id, s.account_id, s.token_hash, s.previous_hash, s.backup_hash, now() - s.refreshed_at as since_refresh, "
    "coalesce(s.proven_at, s.created_at) as proven_at, "
    "(s.revoked_at is not null or s.expires_at <= now() or a.archived_at is not null) as ended "
    "from identity.session s join identity.account a on a.id = s.account_id where s.family_hash = $1 for update of s",
    SessionState,
)
SESSION_REFRESHED = DB.prepare(
    tables.Session.update(
        {
            tables.Session.previous_hash: arg(4),
            tables.Session.backup_hash: None,
            tables.Session.token_hash: arg(2),
            tables.Session.refreshed_at: NOW,
            tables.Session.expires_at: QueryString("least(now() + {}::interval, ends_at)", arg(3)),
        }
    ).where(tables.Session.id == arg(1))
)
SESSION_END = DB.prepare(
    tables.Session.update({tables.Session.revoked_at: NOW, tables.Session.revoked_reason: arg(2)}).where(
        tables.Session.id == arg(1)
    )
)
SESSION_END_MINE = DB.prepare(
    tables.Session.update({tables.Session.revoked_at: NOW, tables.Session.revoked_reason: "signed_out"}).where(
        (tables.Session.id == arg(1)) & (tables.Session.account_id == arg(2)) & _LIVES
    )
)
SESSIONS_MINE = DB.prepare(
    tables.Session.select(*columns_for(Session, tables.Session))
    .where((tables.Session.account_id == arg(1)) & _LIVES)
    .order_by(tables.Session.refreshed_at, ascending=False)
    .limit(200),
    Session,
)
