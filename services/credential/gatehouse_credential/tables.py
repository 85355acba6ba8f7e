"""The tables of the schema `credential`, as database/collections describes them."""

from piccolo.columns import JSONB, UUID, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("credential")


class Achievement(Tracked, Table, db=DB, tablename="achievement", schema="credential"):
    series_id = UUID()
    edition = Integer()
    name = Text()
    sort_name = Text()
    description = Text()
    criteria = Text()
    level = Text(null=True)
    specialty = Text(null=True)
    skills = JSONB()
    valid_months = Integer(null=True, default=None)
    is_current = Boolean()
    archived_at = Timestamptz(null=True, default=None)


class Award(Tracked, Table, db=DB, tablename="award", schema="credential"):
    person_id = UUID(null=True, default=None)
    person_name = Text(null=True)
    achievement_id = UUID()
    state = Text()
    visibility = Text()
    evidence = JSONB()
    note = Text(null=True)
    proposed_by = UUID()
    proposed_at = Timestamptz()
    confirmed_by = UUID(null=True, default=None)
    issued_at = Timestamptz(null=True, default=None)
    valid_until = Timestamptz(null=True, default=None)
    ended_by = UUID(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    end_reason = Text(null=True)
    status_list = Integer(null=True, default=None)
    status_index = Integer(null=True, default=None)
    document = JSONB(null=True)
    proof_hash = Text(null=True)


class IssuerKey(Table, db=DB, tablename="issuer_key", schema="credential"):
    id = UUID(primary_key=True, default=None)
    kid = Text()
    sealed_public = Text()
    sealed_private = Text(null=True)
    signs_from = Timestamptz()
    signs_until = Timestamptz(null=True, default=None)
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)
