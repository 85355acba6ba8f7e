"""The tables of the schema `intake`, as database/collections describes them."""

from piccolo.columns import UUID, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("intake")


class SignUp(Tracked, Table, db=DB, tablename="sign_up", schema="intake"):
    source = Text()
    external_id = Text()
    payload_hash = Text()
    name = Text()
    email = Text(null=True)
    time_zone = Text(null=True)
    goal = Text(null=True)
    state = Text()
    state_changed_at = Timestamptz()
    person_id = UUID(null=True, default=None)
    invitation_id = UUID(null=True, default=None)
    problem = Text(null=True)
    tries = Integer()
    twin_key = Text(null=True)


class Door(Tracked, Table, db=DB, tablename="door", schema="intake"):
    source = Text()
    is_open = Boolean()
    token_hash = Text(null=True)
    token_issued_at = Timestamptz(null=True, default=None)


class Application(Tracked, Table, db=DB, tablename="application", schema="intake"):
    external_id = Text()
    name = Text()
    email = Text()
    knows = Text()
    hours_month = Integer()
    time_zone = Text(null=True)
    why = Text(null=True)
    state = Text()
    state_changed_at = Timestamptz()
    confirm_hash = Text(null=True)
    mails = Integer()
    mailed_at = Timestamptz()
    person_id = UUID(null=True, default=None)
    problem = Text(null=True)
