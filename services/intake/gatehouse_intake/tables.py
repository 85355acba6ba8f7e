"""The tables of the schema `intake`, as database/collections describes them."""

from piccolo.columns import JSONB, UUID, Array, Boolean, Integer, Text, Timestamptz
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
    consents = JSONB()
    state = Text()
    state_changed_at = Timestamptz()
    confirm_hash = Text(null=True)
    mails = Integer()
    mailed_at = Timestamptz()
    person_id = UUID(null=True, default=None)
    problem = Text(null=True)


class MentorCapacity(Tracked, Table, db=DB, tablename="mentor_capacity", schema="intake"):
    person_id = UUID()
    members_max = Integer()
    hours_month = Integer()
    paused_at = Timestamptz(null=True, default=None)
    pause = Text(null=True)
    seen_at = Timestamptz(null=True, default=None)
    asked_at = Timestamptz()
    answered_at = Timestamptz(null=True, default=None)
    missed = Integer()
    answer_hash = Text(null=True)


class Availability(Tracked, Table, db=DB, tablename="availability", schema="intake"):
    person_id = UUID()
    time_zone = Text()
    languages = Array(Text())
    windows = JSONB()


class Match(Tracked, Table, db=DB, tablename="match", schema="intake"):
    mentor_id = UUID()
    member_id = UUID()
    state = Text()
    state_changed_at = Timestamptz()
    reasons = JSONB()
    times = JSONB()
    silent_since = Timestamptz(null=True, default=None)


class Slot(Tracked, Table, db=DB, tablename="slot", schema="intake"):
    host_id = UUID()
    begins_at = Timestamptz()
    ends_at = Timestamptz()
    state = Text()
    person_id = UUID(null=True, default=None)


class CalendarFeed(Tracked, Table, db=DB, tablename="calendar_feed", schema="intake"):
    person_id = UUID()
    token_hash = Text()
