"""All SQL of the portal: one table, looked up by the digest of the cookie."""

import datetime
from uuid import UUID

import msgspec

from gatehouse_portal.tables import DB


class SessionRow(msgspec.Struct, frozen=True):
    """A session as stored: both tokens are encrypted."""

    id: UUID
    account_id: UUID
    access_token: bytes
    refresh_token: bytes
    access_expires_at: datetime.datetime
    expires_at: datetime.datetime


COLUMNS = "id, account_id, access_token, refresh_token, access_expires_at, expires_at"

FIND = DB.prepare(
    f"select {COLUMNS} from portal.session where digest = $1 and expires_at > now()",  # noqa: S608 - a constant
    SessionRow,
)
LOCK = DB.prepare(
    f"select {COLUMNS} from portal.session where id = $1 and expires_at > now() for update",  # noqa: S608 - a constant
    SessionRow,
)
# While somebody else refreshes, a request whose token still serves goes on with it.
LOCK_IF_FREE = DB.prepare(LOCK.sql + " skip locked", SessionRow)
INSERT = DB.prepare("""
    insert into portal.session
        (digest, account_id, access_token, refresh_token, access_expires_at, expires_at, created_by, created_request)
    values ($1, $2, $3, $4, $5, $6, $2, $7)
""")
RENEW = DB.prepare("""
    update portal.session set access_token = $2, refresh_token = $3, access_expires_at = $4 where id = $1
""")
DELETE = DB.prepare("delete from portal.session where id = $1")
# A few at a time, at each sign-in, so that no job is needed for it.
SWEEP = DB.prepare("""
    delete from portal.session where id in
        (select id from portal.session where expires_at <= now() order by expires_at limit 100 for update skip locked)
""")
