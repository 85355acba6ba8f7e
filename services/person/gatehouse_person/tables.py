"""The tables of the schema `person`, as database/collections describes them."""

from piccolo.columns import JSONB, UUID, Array, Date, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("person")


class Person(Tracked, Table, db=DB, tablename="person", schema="person"):
    name = Text()
    sort_name = Text()
    preferred_name = Text(null=True)
    email = Text()
    phone = Text(null=True)
    status = Text()
    status_changed_at = Timestamptz()
    status_reason = Text(null=True)
    mastery = Text()
    specialty = Text()
    location = Text(null=True)
    time_zone = Text(null=True)
    joined_on = Date(null=True, default=None)
    intro_reminder_at = Timestamptz(null=True, default=None)
    intro_scheduled_for = Timestamptz(null=True, default=None)
    intro_held_at = Timestamptz(null=True, default=None)
    archived_at = Timestamptz(null=True, default=None)


class Profile(Tracked, Table, db=DB, tablename="profile", schema="person"):
    person_id = UUID()
    headline = Text(null=True)
    bio = Text()
    links = JSONB()
    interests = Array(Text())


class Consent(Tracked, Table, db=DB, tablename="consent", schema="person"):
    person_id = UUID()
    kind = Text()
    document_version = Text()
    given_at = Timestamptz()
    withdrawn_at = Timestamptz(null=True, default=None)


class MentorAssignment(Tracked, Table, db=DB, tablename="mentor_assignment", schema="person"):
    mentor_id = UUID()
    member_id = UUID()
    started_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
    end_reason = Text(null=True)
