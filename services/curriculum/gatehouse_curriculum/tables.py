"""The tables of the schema `curriculum`, as database/collections describes them."""

from piccolo.columns import UUID, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("curriculum")


class Curriculum(Tracked, Table, db=DB, tablename="curriculum", schema="curriculum"):
    person_id = UUID()
    archived_at = Timestamptz(null=True, default=None)
