"""Runs the plan of one schema. Each step is recorded in the transaction that does it, so a run may be killed at any
instruction: what is recorded is done, what isn't never happened, and the next plan starts from there."""

import contextlib
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import errors
from psycopg.types.json import Jsonb

from gatehouse_db_manager.backfill import Batches
from gatehouse_db_manager.errors import FailedError, TableLockError
from gatehouse_db_manager.made import drop_made, record_made, there
from gatehouse_db_manager.plan_structs import Remember, SchemaPlan, Step
from gatehouse_db_manager.progress import (
    BackfillProgress,
    Event,
    OldTransaction,
    RowsLoaded,
    SchemaDone,
    StepEnded,
    StepRetried,
    StepStarted,
)
from gatehouse_db_manager.rows import load_rows

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

# The worst stall that a reader or writer sees while DDL waits in the queue before it (db-manager.md, figures to reach).
LOCK_TIMEOUT = "100ms"
# An index build waits for old transactions and reads the whole table; an hour is beyond the largest table we expect.
BUILD_TIMEOUT = "1h"

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
# How PostgreSQL words what we made: where it words it otherwise later, somebody changed it by hand.
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
        where k.connamespace = to_regnamespace(o.schema) and k.conname = o.name and k.conrelid <> 0 limit 1)
    end, ''))
from jsonb_array_elements(%(made)s) as made
where o.schema = %(schema)s and o.kind = made ->> 0 and o.name = made ->> 1
"""
# Seconds. A request takes milliseconds; what is open for longer was forgotten, or is a report.
OLD_AFTER = 5.0
_OLD = """
select pid, application_name, extract(epoch from clock_timestamp() - xact_start) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
    and xact_start < clock_timestamp() - make_interval(secs => %s)
    and backend_type = 'client backend'
"""
_START = """
with raised as (
    insert into dbm.fence (schema, epoch) values (%(schema)s, 1)
    on conflict (schema) do update set epoch = dbm.fence.epoch + 1 returning epoch
), abandoned as (
    update dbm.run set state = 'failed', ended_at = clock_timestamp(),
        error = 'ended without a word; a later run resumed'
    where schema = %(schema)s and state = 'running'
)
insert into dbm.run (schema, epoch, fingerprint, environment, target, approved)
select %(schema)s, epoch, %(fingerprint)s, %(environment)s, %(target)s, %(approved)s from raised returning id, epoch
"""


class Executor:
    """One run over one schema, under its lock. `patience`: seconds that a step keeps trying to get its table lock."""

    def __init__(
        self, connection: "Connection", plan: SchemaPlan, report: Callable[[Event], None], patience: float
    ) -> None:
        self.connection = connection
        self.plan = plan
        self.report = report
        self.patience = patience
        self.run = 0
        self.epoch = 0
        self._how = {"tx": self._in_transaction, "no_tx": self._outside, "backfill": self._in_batches}

    def execute(self, environment: str) -> None:
        """All steps and then the Version documents. Raises FailedError when a step fails."""
        started = time.monotonic()
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
        for position, step in enumerate(self.plan.steps, start=1):
            self._step(position, step)
        self._finish()
        self.report(
            SchemaDone(
                schema=self.plan.schema,
                steps=len(self.plan.steps),
                versions=len(self.plan.versions),
                seconds=time.monotonic() - started,
            )
        )

    def _step(self, position: int, step: Step) -> None:
        total = len(self.plan.steps)
        about: dict[str, Any] = {"schema": step.schema, "collection": step.collection, "what": step.what}
        self.report(StepStarted(position=position, total=total, **about))
        started, attempt = time.time(), 0
        deadline = time.monotonic() + self.patience
        while True:
            attempt += 1
            try:
                self._how[step.kind](position, step, started, attempt)
                break
            except psycopg.Error as error:
                if not _passes(error) or time.monotonic() > deadline or self.connection.broken:
                    self._failed(position, step, started, attempt, error)
                reason = str(error).partition("\n")[0]
                self.report(StepRetried(schema=step.schema, position=position, attempt=attempt, reason=reason))
                time.sleep(random.uniform(0.02, 0.1) * min(attempt, 10))  # noqa: S311 (jitter)
        seconds = time.time() - started
        self.report(StepEnded(position=position, total=total, seconds=seconds, attempts=attempt, **about))

    def _in_transaction(self, position: int, step: Step, started: float, attempt: int) -> None:
        with self.connection.transaction():
            self.connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            before: set[str] = set()
            counters = {}
            if step.scripts is not None:
                counters = drop_made(self.connection, step.schema)
                before = set(there(self.connection, step.schema, self.plan.roles))
            if step.statements:
                self.connection.execute("\n;\n".join(step.statements).encode())
                self.connection.execute("set local search_path = public")
            if step.scripts is not None:
                record_made(self.connection, step.schema, self.plan.roles, before, counters)
            for data in step.data:
                load_rows(self.connection, step.schema, data)
                self.report(RowsLoaded(schema=step.schema, collection=data.collection, rows=len(data.rows)))
            self._record(position, step, "done", started, attempt)
            self._done(step)

    def _in_batches(self, position: int, step: Step, started: float, attempt: int) -> None:
        """Its record says `intent` until the last batch; each batch moves the place where a later run goes on."""
        assert step.backfill is not None
        with self.connection.transaction():
            self._record(position, step, "intent", started, attempt)
            work = Batches(self.connection, step.schema, step.backfill)
            more = work.start()
        begun, first = time.monotonic(), work.rows
        total = max(self._estimate(step.backfill.table), 1)
        while more:
            batch = time.monotonic()
            more = work.batch(self._still_ours)
            work.pause(time.monotonic() - batch if more else 0)
            rate = (work.rows - first) / max(time.monotonic() - begun, 1e-6)
            event = {"schema": step.schema, "position": position, "collection": step.collection, "rows": work.rows}
            done = min(work.rows / total, 0.99) if more else 1.0
            self.report(BackfillProgress(**event, done=done, rows_per_second=rate))
        with self.connection.transaction():
            self._record(position, step, "done", started, attempt)
            work.finish()
            self._done(step)

    def _estimate(self, table: str) -> float:
        row = self.connection.execute("select reltuples from pg_class where oid = to_regclass(%s)", [table]).fetchone()
        return row[0] if row else 0.0

    def _still_ours(self) -> None:
        query = "select from dbm.fence where schema = %s and epoch = %s for share"
        if self.connection.execute(query, [self.plan.schema, self.epoch]).rowcount != 1:
            raise FailedError(
                f"A newer run has taken over {self.plan.schema}; this one stops in the middle of a backfill."
            )

    def _done(self, step: Step) -> None:
        """What a step made, how PostgreSQL words it, and which migrations it was; in the step's own transaction."""
        self._remember(step.remember)
        made = [[item.kind, item.name] for item in step.remember if item.digest is not None and item.kind in _WORDED]
        if made:
            given = {"schema": step.schema, "made": Jsonb(made)}
            self.connection.execute(_WORDS, given)
        for one in step.migrations:
            query = "insert into dbm.migration (schema, name, digest, run) values (%s, %s, %s, %s)"
            self.connection.execute(query, [step.schema, one.key, one.digest, self.run])

    def _outside(self, position: int, step: Step, started: float, attempt: int) -> None:
        """The intent is written first: an index that is found valid afterwards is then known to be the wanted one."""
        with self.connection.transaction():
            self._record(position, step, "intent", started, attempt)
            self._remember(tuple(item for item in step.remember if item.digest is not None))
        if step.builds:
            self._look_for_old_transactions(position, step)
        # lock_timeout would also end CONCURRENTLY's own waiting for old transactions (suna #6588).
        with self._settings(lock_timeout="0", statement_timeout=BUILD_TIMEOUT):
            # A build that gave way left an INVALID index behind.
            for statement in (*(step.undo if attempt > 1 else ()), *step.statements):
                self.connection.execute(statement.encode())
        if step.builds and not self._is_valid(step.schema, step.builds):
            raise errors.ObjectNotInPrerequisiteState(f"index {step.builds} was left invalid")
        with self.connection.transaction():
            self._done(step)
            self.connection.execute(
                "update dbm.step set state = 'done', ended_at = clock_timestamp() where run = %s and position = %s",
                [self.run, position],
            )

    def _look_for_old_transactions(self, position: int, step: Step) -> None:
        """CONCURRENTLY waits for every transaction that is older than itself: say so, rather than seem to hang."""
        for process, application, seconds in self.connection.execute(_OLD, [OLD_AFTER]).fetchall():
            self.report(
                OldTransaction(
                    schema=step.schema,
                    position=position,
                    process=process,
                    application=application,
                    seconds=float(seconds),
                )
            )

    @contextlib.contextmanager
    def _settings(self, **settings: str) -> Any:
        for name, value in settings.items():
            self.connection.execute(f"set {name} = '{value}'".encode())
        try:
            yield
        finally:
            if not self.connection.broken:
                for name in settings:
                    self.connection.execute(f"reset {name}".encode())

    def _is_valid(self, schema: str, index: str) -> bool:
        query = "select indisvalid from pg_index where indexrelid = to_regclass(%s)"
        row = self.connection.execute(query, [f"{schema}.{index}"]).fetchone()
        return bool(row and row[0])

    def _record(self, position: int, step: Step, state: str, started: float, attempt: int) -> None:
        """Also the fence: without the newest epoch no row is written, and the step is undone."""
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
            raise FailedError(
                f"A newer run has taken over {step.schema}; this one stops at step {position} and did not do it."
            )

    def _remember(self, items: tuple[Remember, ...]) -> None:
        kept = [msgspec.to_builtins(item) for item in items if item.digest is not None]
        if kept:
            self.connection.execute(_REMEMBER, [self.plan.schema, Jsonb(kept)])
        for item in items:
            if item.digest is None:
                query = "delete from dbm.object where schema = %s and kind = %s and name = %s"
                self.connection.execute(query, [self.plan.schema, item.kind, item.name])

    def _failed(self, position: int, step: Step, started: float, attempt: int, error: psycopg.Error) -> None:
        """Undo what the step left, write down why, and say how to go on."""
        reason = explain(error)
        if not self.connection.broken:
            with self._settings(lock_timeout="5s"):
                for statement in step.undo:
                    with contextlib.suppress(psycopg.Error):
                        self.connection.execute(statement.encode())
            with contextlib.suppress(psycopg.Error), self.connection.transaction():
                self._record(position, step, "failed", started, attempt)
                forget = tuple(Remember(kind=item.kind, name=item.name) for item in step.remember if step.undo)
                self._remember(forget)
                self.connection.execute(
                    "update dbm.step set error = %s where run = %s and position = %s", [reason, self.run, position]
                )
                query = "update dbm.run set state = 'failed', ended_at = clock_timestamp(), error = %s where id = %s"
                self.connection.execute(query, [reason, self.run])
        where = f"{step.schema}.{step.collection}" if step.collection else step.schema
        kind = TableLockError if isinstance(error, errors.LockNotAvailable) else FailedError
        raise kind(f"{where}: could not {step.what}: {reason}\n{self._outlook(step)}") from error

    def _outlook(self, step: Step) -> str:
        """What stands after a failure, and how to go on."""
        if self.connection.broken:
            return "The connection is lost. What is recorded is done, and nothing else; apply again: it resumes."
        if step.kind == "backfill":
            return "The batches that are done stay done. Mend the reason and apply again: it goes on there."
        return "The step is undone and what was there still stands. Mend the reason and apply again: it resumes here."

    def _finish(self) -> None:
        with self.connection.transaction():
            # Of an index whose build was killed before its record only the intent is known.
            query = "select kind, name from dbm.object where schema = %s and kind = any(%s) and not details ? 'live'"
            if made := self.connection.execute(query, [self.plan.schema, list(_WORDED)]).fetchall():
                self.connection.execute(_WORDS, {"schema": self.plan.schema, "made": Jsonb(made)})
            # And one that was dropped, by a run that was killed before it could say so, is still remembered.
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


def _passes(error: psycopg.Error) -> bool:
    """Whether waiting a moment may help: somebody else had a lock, or changed the same shared row."""
    if isinstance(error, errors.LockNotAvailable | errors.DeadlockDetected | errors.SerializationFailure):
        return True
    return isinstance(error, errors.InternalError_) and "concurrently" in str(error)


def explain(error: psycopg.Error) -> str:
    """PostgreSQL's message, its detail, and the mend where we know one."""
    parts = [error.diag.message_primary or str(error).strip()]
    if error.diag.message_detail:
        parts.append(error.diag.message_detail)
    if isinstance(error, errors.CheckViolation):
        parts.append("Rows break it; change them, or the rule.")
    elif isinstance(error, errors.UniqueViolation):
        parts.append("Rows share it; change them, or the rule.")
    elif isinstance(error, errors.DiskFull):
        parts.append("The database's disk is full: make room there first.")
    elif isinstance(error, errors.LockNotAvailable):
        parts.append(
            "Somebody holds the table for longer than we wait; look for long transactions in pg_stat_activity."
        )
    elif error.diag.message_hint:
        parts.append(error.diag.message_hint)
    return ". ".join(part.rstrip(".") for part in parts) + "."
