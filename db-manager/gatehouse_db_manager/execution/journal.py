"""The records of a run in `dbm`: its start, each step in the step's own transaction, what the step made, and at the end
the Version documents. Of two runs over one schema only the newer can write."""

from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.types.json import Jsonb

from gatehouse_db_manager.errors import FailedError
from gatehouse_db_manager.planning.plan import Remember, SchemaPlan, Step

if TYPE_CHECKING:
    import psycopg

_STEP = """
insert into dbm.step (run, position, kind, collection, what, statements, state, attempts, started_at, ended_at)
select %s, %s, %s, %s, %s, %s, %s, %s, to_timestamp(%s), case when %s then clock_timestamp() end
from dbm.fence where schema = %s and epoch = %s for share
on conflict (run, position) do update set state = excluded.state, attempts = excluded.attempts
"""
_REMEMBER = """
insert into dbm.object (schema, kind, name, digest, details)
select %s, kind, name, digest, details
from jsonb_to_recordset(%s) as given (kind text, name text, digest text, details jsonb)
on conflict (schema, kind, name) do update set digest = excluded.digest, details = excluded.details
"""
# PostgreSQL's text of what we made: if it differs later, it was changed by hand.
_WORDED = {"column", "index", "primary_key", "unique", "check", "foreign_key", "exclusion"}
_WORDS = """
update dbm.object o set details = o.details || jsonb_build_object('live',
    current_setting('server_version_num')::int / 10000 || ':' || coalesce(case o.kind
    when 'column' then (select format_type(a.atttypid, a.atttypmod) ||
            case when a.attnotnull then ' not null' else '' end
            || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = to_regclass(o.schema || '.' || split_part(o.name, '.', 1))
            and a.attname = split_part(o.name, '.', 2))
    when 'index' then pg_get_indexdef(to_regclass(o.schema || '.' || o.name))
    else (select pg_get_constraintdef(k.oid) from pg_constraint k
        where k.conrelid = to_regclass(o.schema || '.' || split_part(o.name, '.', 1))
            and k.conname = split_part(o.name, '.', 2))
    end, ''))
from jsonb_array_elements(%(made)s) as made
where o.schema = %(schema)s and o.kind = made ->> 0 and o.name = made ->> 1
"""
_START = """
with raised as (
    insert into dbm.fence (schema, epoch) values (%(schema)s, 1)
    on conflict (schema) do update set epoch = dbm.fence.epoch + 1 returning epoch
), abandoned as (
    update dbm.run set state = 'failed', ended_at = clock_timestamp(),
        error = 'ended without a record; a later run resumed'
    where schema = %(schema)s and state = 'running'
)
insert into dbm.run (schema, epoch, fingerprint, environment, target, approved)
select %(schema)s, epoch, %(fingerprint)s, %(environment)s, %(target)s, %(approved)s from raised returning id, epoch
"""
_VERSIONS = """
with given as (
    select %(schema)s as schema, collection, after as version, digest, types_digest, %(run)s::bigint as run
    from jsonb_to_recordset(%(changes)s) as change (collection text, after text, digest text, types_digest text)
), kept as (
    insert into dbm.history (schema, collection, version, digest, types_digest, run)
    select schema, collection, version, digest, types_digest, run from given
    on conflict (schema, collection, version) do update set digest = excluded.digest,
        types_digest = excluded.types_digest, run = excluded.run, applied_at = now()
)
insert into dbm.collection_version (schema, collection, version, digest, types_digest, run)
select schema, collection, version, digest, types_digest, run from given
on conflict (schema, collection) do update set version = excluded.version, digest = excluded.digest,
    types_digest = excluded.types_digest, run = excluded.run, applied_at = now()
"""


class Journal:
    """The records of one run over one schema."""

    def __init__(self, connection: "psycopg.Connection[Any]", plan: SchemaPlan) -> None:
        self.connection = connection
        self.plan = plan
        self.run = 0
        self.epoch = 0

    def begin(self, environment: str) -> None:
        """Raises the fence: an earlier run that is still going stops at its next write."""
        hazards = [hazard.key for step in self.plan.steps for hazard in step.hazards]
        given = {
            "schema": self.plan.schema,
            "fingerprint": self.plan.origin or self.plan.fingerprint,
            "environment": environment,
            "target": self.plan.target,
            "approved": Jsonb(sorted({*hazards, *self.plan.approved})),
        }
        row = self.connection.execute(_START, given).fetchone()
        assert row is not None
        self.run, self.epoch = row

    def step(self, position: int, step: Step, state: str, started: float, attempt: int) -> None:
        """Records a step. Checks the fence too: without the newest epoch no row is written, and the step is undone."""
        values = [
            self.run,
            position,
            step.kind,
            step.collection,
            step.what,
            list(step.statements),
            state,
            attempt,
            started,
        ]
        cursor = self.connection.execute(_STEP, [*values, state == "done", step.schema, self.epoch])
        if cursor.rowcount != 1:
            raise FailedError(f"A newer run has taken over {step.schema}; this one stopped before step {position}.")

    def still_ours(self) -> None:
        """Checks the fence: raises FailedError if a newer run has taken over."""
        query = "select from dbm.fence where schema = %s and epoch = %s for share"
        if self.connection.execute(query, [self.plan.schema, self.epoch]).rowcount != 1:
            raise FailedError(f"A newer run has taken over {self.plan.schema}; this one stops here.")

    def done(self, step: Step) -> None:
        """Records what a step made, PostgreSQL's text of it, and its migrations; in the step's transaction."""
        self.remember(step.remember)
        made = [[item.kind, item.name] for item in step.remember if item.digest is not None and item.kind in _WORDED]
        if made:
            given = {"schema": step.schema, "made": Jsonb(made)}
            self.connection.execute(_WORDS, given)
        for one in step.migrations:
            query = "insert into dbm.migration (schema, name, digest, run) values (%s, %s, %s, %s)"
            self.connection.execute(query, [step.schema, one.key, one.digest, self.run])

    def remember(self, items: tuple[Remember, ...]) -> None:
        kept = [msgspec.to_builtins(item) for item in items if item.digest is not None]
        if kept:
            self.connection.execute(_REMEMBER, [self.plan.schema, Jsonb(kept)])
        for item in items:
            if item.digest is None:
                query = "delete from dbm.object where schema = %s and kind = %s and name = %s"
                self.connection.execute(query, [self.plan.schema, item.kind, item.name])

    def built(self, position: int, step: Step) -> None:
        """Records that a step outside a transaction is complete."""
        self.still_ours()
        self.done(step)
        query = "update dbm.step set state = 'done', ended_at = clock_timestamp() where run = %s and position = %s"
        self.connection.execute(query, [self.run, position])

    def says_done(self, position: int) -> bool:
        """Whether the step is recorded as done; an interrupted run can't know."""
        query = "select from dbm.step where run = %s and position = %s and state = 'done'"
        return self.connection.execute(query, [self.run, position]).rowcount == 1

    def failed(self, position: int, step: Step, started: float, attempt: int, reason: str) -> None:
        """Records that the step and the run failed, and forgets what the step undid."""
        self.step(position, step, "failed", started, attempt)
        self.remember(tuple(Remember(kind=item.kind, name=item.name) for item in step.remember if step.undo))
        query = "update dbm.step set error = %s where run = %s and position = %s"
        self.connection.execute(query, [reason, self.run, position])
        self.stopped(reason)

    def stopped(self, reason: str) -> None:
        """Records that the run ended early."""
        query = "update dbm.run set state = 'failed', ended_at = clock_timestamp(), error = %s where id = %s"
        self.connection.execute(query, [reason, self.run])

    def finish(self) -> None:
        with self.connection.transaction():
            # An index whose build was killed before it was recorded has only its intent.
            query = "select kind, name from dbm.object where schema = %s and kind = any(%s) and not details ? 'live'"
            if made := self.connection.execute(query, [self.plan.schema, list(_WORDED)]).fetchall():
                self.connection.execute(_WORDS, {"schema": self.plan.schema, "made": Jsonb(made)})
            # An index that was dropped by a run killed before it could record that is still recorded.
            query = """delete from dbm.object where schema = %s and kind = 'index'
                and to_regclass(format('%%I.%%I', schema, name)) is null"""
            self.connection.execute(query, [self.plan.schema])
            for name in self.plan.dropped:
                query = "delete from dbm.collection_version where schema = %s and collection = %s"
                self.connection.execute(query, [self.plan.schema, name])
                query = "delete from dbm.data where schema = %s and collection = %s"
                self.connection.execute(query, [self.plan.schema, name])
            for pin in self.plan.snapshots:
                self.connection.execute(
                    "insert into dbm.enumerator (schema, snapshot, digest, content) values (%s, %s, %s, %s)",
                    [self.plan.schema, pin.number, pin.digest, Jsonb(pin.content)],
                )
            if self.plan.versions:
                changes = Jsonb([msgspec.to_builtins(change) for change in self.plan.versions])
                self.connection.execute(_VERSIONS, {"schema": self.plan.schema, "run": self.run, "changes": changes})
            cursor = self.connection.execute(
                """update dbm.run set state = 'done', ended_at = clock_timestamp() where id = %s
                and exists (select from dbm.fence where schema = %s and epoch = %s)""",
                [self.run, self.plan.schema, self.epoch],
            )
            if cursor.rowcount != 1:
                raise FailedError(f"A newer run has taken over {self.plan.schema}; this one wrote no versions.")
