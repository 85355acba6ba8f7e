"""The portal keeps nothing but sessions; their queries are in shell/session_queries.py."""

from piccolo.columns import UUID, Bytea, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database

DB = Database("portal")


class Session(Table, db=DB, tablename="session", schema="portal"):
    id = UUID(primary_key=True, default=None)
    digest = Bytea()
    account_id = UUID()
    access_token = Bytea()
    refresh_token = Bytea()
    access_expires_at = Timestamptz()
    expires_at = Timestamptz()
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)
