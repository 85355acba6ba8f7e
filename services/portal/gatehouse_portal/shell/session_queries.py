"""All SQL of the portal: one table, looked up by the digest of the cookie."""

import datetime
from uuid import UUID

import msgspec
from piccolo.columns import Column
from piccolo.query.methods.select import Select

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_chassis.jobs.sweep import Sweep
from gatehouse_portal.tables import DB, Session


class SessionRow(msgspec.Struct, frozen=True):
    """A session as stored: both tokens are encrypted."""

    id: UUID
    account_id: UUID
    access_token: bytes
    refresh_token: bytes
    access_expires_at: datetime.datetime
    expires_at: datetime.datetime


_SELECTED = columns_for(SessionRow, Session)


def _lives(column: Column) -> Select:
    """The session that the column finds, unless it has expired."""
    return Session.select(*_SELECTED).where((column == arg(1)) & (Session.expires_at > NOW))


FIND = DB.prepare(_lives(Session.digest), SessionRow)
FIND_BY_ID = DB.prepare(_lives(Session.id), SessionRow)
INSERT = DB.prepare(
    InsertOf(
        {
            Session.digest: arg(1),
            Session.account_id: arg(2),
            Session.access_token: arg(3),
            Session.refresh_token: arg(4),
            Session.access_expires_at: arg(5),
            Session.expires_at: arg(6),
            Session.created_by: arg(2),
            Session.created_request: arg(7),
        }
    )
)
RENEW = DB.prepare(
    Session.update(
        {Session.access_token: arg(2), Session.refresh_token: arg(3), Session.access_expires_at: arg(4)}
    ).where(Session.id == arg(1))
)
DELETE = DB.prepare(Session.delete().where(Session.id == arg(1)))
SESSIONS = Sweep(Session, Session.expires_at)
