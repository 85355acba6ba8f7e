"""The tables of the schema `curriculum`, as database/collections describes them."""

from piccolo.columns import JSONB, UUID, Array, Bytea, Integer, Text, Timestamptz
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
    resource_name = Text(null=True)
    topic_name = Text(null=True)
    path_name = Text(null=True)
    skills = Array(Text())
    state = Text()
    position = Integer()
    note = Text(null=True)
    assigned_at = Timestamptz()
    assigned_by = UUID(null=True, default=None)
    assigned_request = Text(null=True)
    planned_at = Timestamptz(null=True, default=None)
    planned_by = UUID(null=True, default=None)
    started_at = Timestamptz(null=True, default=None)
    started_by = UUID(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None)
    completed_by = UUID(null=True, default=None)
    minutes = Integer(null=True, default=None)
    use_count = Integer(default=0)
    last_used_at = Timestamptz(null=True, default=None)
    studied_seconds = Integer(default=0)
    not_typical_at = Timestamptz(null=True, default=None)
    stopped_at = Timestamptz(null=True, default=None)
    stopped_by = UUID(null=True, default=None)
    proposed_change = Text(null=True)
    proposed_at = Timestamptz(null=True, default=None)
    proposed_by = UUID(null=True, default=None)
    withdrawn_at = Timestamptz(null=True, default=None)
    withdrawn_by = UUID(null=True, default=None)
    changed_at = Timestamptz()
    changed_by = UUID(null=True, default=None)
    changed_request = Text(null=True)


class Use(Table, db=DB, tablename="use", schema="curriculum"):
    id = UUID(primary_key=True, default=None)
    curriculum_id = UUID()
    assignment_id = UUID()
    used_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)


class Period(Table, db=DB, tablename="period", schema="curriculum"):
    id = UUID(primary_key=True, default=None)
    curriculum_id = UUID()
    ends_at = Timestamptz()
    time_zone = Text()
    assignment_ids = Array(UUID())
    before = JSONB()
    committed_at = Timestamptz()
    committed_by = UUID(null=True, default=None)
    committed_request = Text(null=True)
    committed_version = Integer()
    withdrawn_at = Timestamptz(null=True, default=None)
    withdrawn_by = UUID(null=True, default=None)


class Commitment(Table, db=DB, tablename="commitment", schema="curriculum"):
    id = UUID(primary_key=True, default=None)
    curriculum_id = UUID()
    minutes_per_week = Integer()
    meets_every_days = Integer(null=True)
    stated_at = Timestamptz()
    stated_by = UUID(null=True, default=None)
    stated_request = Text(null=True)


class Goal(Table, db=DB, tablename="goal", schema="curriculum"):
    id = UUID(primary_key=True, default=None)
    curriculum_id = UUID()
    text = Text()
    horizon = Text()
    state = Text()
    settled_at = Timestamptz(null=True, default=None)
    stated_at = Timestamptz()
    stated_by = UUID(null=True, default=None)
    stated_request = Text(null=True)


class Document(Table, db=DB, tablename="document", schema="curriculum"):
    id = UUID(primary_key=True, default=None)
    curriculum_id = UUID()
    state = Bytea(null=True, default=None)
    texts = JSONB(null=True, default=None)
    size = Integer()
    seq = Integer()
    rebuilt_seq = Integer()
    rebuilt_at = Timestamptz()


# Of a key of several columns Piccolo knows the first, here as below.
class DocumentUpdate(Table, db=DB, tablename="document_update", schema="curriculum"):
    document_id = UUID(primary_key=True)
    seq = Integer()
    curriculum_id = UUID()
    content = Bytea()
    actor_id = UUID()
    at = Timestamptz()


# Of a key of several columns Piccolo knows the first; it uses none of them here.
class Participant(Table, db=DB, tablename="participant", schema="curriculum"):
    curriculum_id = UUID(primary_key=True)
    account_id = UUID()
    person_id = UUID(null=True, default=None)
    standing = Text()
    changed_at = Timestamptz()


class Effort(Table, db=DB, tablename="effort", schema="curriculum"):
    resource_id = UUID(primary_key=True)
    kind = Text()
    length_minutes = Integer(null=True)
    length_words = Integer(null=True)
    length_pages = Integer(null=True)
    level = Integer()
    fitted_at = Timestamptz()


class Pace(Table, db=DB, tablename="pace", schema="curriculum"):
    curriculum_id = UUID(primary_key=True)
    mean = Integer()
    fitted_at = Timestamptz()


class ForecastModel(Table, db=DB, tablename="forecast_model", schema="curriculum"):
    id = UUID(primary_key=True, default=None)
    fitted_at = Timestamptz()
    times = Integer()
    model = JSONB()


class ForecastLog(Table, db=DB, tablename="forecast_log", schema="curriculum"):
    id = UUID(primary_key=True, default=None)
    curriculum_id = UUID()
    period_id = UUID()
    made_at = Timestamptz()
    budget_minutes = Integer()
    spent_minutes = Integer()
    low_minutes = Integer()
    high_minutes = Integer()
    over = Integer()
    settled_at = Timestamptz(null=True, default=None)
    took_minutes = Integer(null=True)
    least_minutes = Integer(null=True)
