"""The tables of the schema `encounter`, as database/collections describes them."""

from piccolo.columns import JSONB, UUID, Array, Boolean, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("encounter")


class Script(Tracked, Table, db=DB, tablename="script", schema="encounter"):
    name = Text()
    sort_name = Text()
    purpose = Text(null=True)
    state = Text()
    first_meeting = Boolean()
    prompts = JSONB()
    latest_number = Integer()


class ScriptVersion(Table, db=DB, tablename="script_version", schema="encounter"):
    id = UUID(primary_key=True, default=None)
    script_id = UUID()
    number = Integer()
    prompts = JSONB()
    published_at = Timestamptz()
    published_by = UUID(null=True, default=None)
    published_request = Text(null=True)


class Series(Tracked, Table, db=DB, tablename="series", schema="encounter"):
    member_id = UUID()
    mentor_id = UUID()
    rhythm = Text()
    starts_on = Date()
    minute_of_day = Integer()
    minutes = Integer()
    time_zone = Text()
    ended_at = Timestamptz(null=True, default=None)


class Encounter(Tracked, Table, db=DB, tablename="encounter", schema="encounter"):
    member_id = UUID()
    mentor_id = UUID()
    script_version_id = UUID()
    series_id = UUID(null=True, default=None)
    state = Text()
    outcome = Text(null=True)
    planned_from = Timestamptz()
    planned_to = Timestamptz()
    time_zone = Text()
    held_from = Timestamptz(null=True, default=None)
    held_to = Timestamptz(null=True, default=None)
    summary = Text(null=True)
    void_reason = Text(null=True)
    agreed_ids = Array(UUID())
    agreed_until = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    finished_by = UUID(null=True, default=None)
    member_read_at = Timestamptz(null=True, default=None)


class Answer(Tracked, Table, db=DB, tablename="answer", schema="encounter"):
    encounter_id = UUID()
    prompt_key = Text()
    audience = Text()
    value = Text(null=True)
    text = Text()
    writer = UUID(null=True, default=None)


class Note(Tracked, Table, db=DB, tablename="note", schema="encounter"):
    member_id = UUID()
    encounter_id = UUID(null=True, default=None)
    author_id = UUID()
    audience = Text()
    text = Text()
    writer = UUID(null=True, default=None)
    read_at = Timestamptz(null=True, default=None)


class FollowUp(Tracked, Table, db=DB, tablename="follow_up", schema="encounter"):
    encounter_id = UUID()
    member_id = UUID()
    mentor_id = UUID()
    side = Text()
    text = Text()
    due_on = Date(null=True, default=None)
    done_at = Timestamptz(null=True, default=None)
    done_by = UUID(null=True, default=None)


class Amendment(Table, db=DB, tablename="amendment", schema="encounter"):
    id = UUID(primary_key=True, default=None)
    encounter_id = UUID()
    prompt_key = Text(null=True)
    audience = Text()
    before = Text()
    after = Text()
    reason = Text()
    amended_at = Timestamptz()
    amended_by = UUID(null=True, default=None)
    amended_request = Text(null=True)


class Disclosure(Table, db=DB, tablename="disclosure", schema="encounter"):
    id = UUID(primary_key=True, default=None)
    encounter_id = UUID()
    author_id = UUID()
    reason = Text()
    reader_id = UUID(null=True, default=None)
    disclosed_at = Timestamptz()
    disclosed_by = UUID(null=True, default=None)
    disclosed_request = Text(null=True)
