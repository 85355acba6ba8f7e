"""The tables of the schema `curriculum`, as database/collections describes them."""

from piccolo.columns import UUID, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("curriculum")


class Curriculum(Tracked, Table, db=DB, tablename="curriculum", schema="curriculum"):
    person_id = UUID()
    archived_at = Timestamptz(null=True, default=None)


class Assignment(Table, db=DB, tablename="assignment", schema="curriculum"):
    id = UUID(primary_key=True, default=None)
    curriculum_id = UUID()
    resource_id = UUID()
    topic_id = UUID(null=True, default=None)
    path_id = UUID(null=True, default=None)
    state = Text()
    position = Integer()
    note = Text(null=True)
    assigned_at = Timestamptz()
    assigned_by = UUID(null=True, default=None)
    assigned_request = Text(null=True)
    started_at = Timestamptz(null=True, default=None)
    started_by = UUID(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None)
    completed_by = UUID(null=True, default=None)
    withdrawn_at = Timestamptz(null=True, default=None)
    withdrawn_by = UUID(null=True, default=None)
    changed_at = Timestamptz()
    changed_by = UUID(null=True, default=None)
    changed_request = Text(null=True)
