"""Runs the plan of one schema. Each step is recorded in its own transaction, so a run may be killed at any instruction:
a recorded step is done, any other never happened, and the next plan continues from there."""

import contextlib
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import errors

from gatehouse_db_manager.database.failures import explain, passes
from gatehouse_db_manager.errors import FailedError, TableLockError
from gatehouse_db_manager.execution.backfill import Batches
from gatehouse_db_manager.execution.data_loader import load_rows
from gatehouse_db_manager.execution.journal import Journal
from gatehouse_db_manager.execution.progress import (
    BackfillProgress,
    Event,
    OldTransaction,
    RowsLoaded,
    SchemaDone,
    StepEnded,
    StepRetried,
    StepStarted,
)
from gatehouse_db_manager.execution.script_objects import drop_made, run_scripts
from gatehouse_db_manager.planning.plan import SchemaPlan, Step

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

# The longest that DDL waits for its lock, and so that it blocks queries queued behind it (docs/figures.md).
LOCK_TIMEOUT = "100ms"
# An index build waits for old transactions and scans the whole table; an hour covers the largest table we expect.
BUILD_TIMEOUT = "1h"

# Undoing a failed step must not block others for long; if it fails, the next run does it.
UNDO_TIMEOUT = "5s"
# Seconds. A request takes milliseconds; a transaction open for longer was forgotten, or is a report.
OLD_AFTER = 5.0
_OLD = """
select pid, usename, application_name, coalesce(query, ''),
    extract(epoch from clock_timestamp() - xact_start)::float8
from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    and xact_start < clock_timestamp() - make_interval(secs => %s)
    and backend_type = 'client backend'
order by xact_start
"""


class Executor:
    """One run over one schema, under its lock. `patience`: seconds that a step keeps retrying to get its table lock."""

    def __init__(
        self, connection: "Connection", plan: SchemaPlan, report: Callable[[Event], None], patience: float
    ) -> None:
        self.connection = connection
        self.plan = plan
        self.report = report
        self.patience = patience
        self.journal = Journal(connection, plan)
        self._how = {"tx": self._in_transaction, "no_tx": self._outside, "backfill": self._in_batches}

    def execute(self, environment: str) -> None:
        """Runs all steps, then writes the Version documents. Raises FailedError when a step fails."""
        started = time.monotonic()
        self.journal.begin(environment)
        for position, step in enumerate(self.plan.steps, start=1):
            self._step(position, step)
        self.journal.finish()
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
                if not passes(error) or time.monotonic() > deadline or self.connection.broken:
                    self._failed(position, step, started, attempt, error)
                reason = str(error).partition("\n")[0]
                self.report(StepRetried(schema=step.schema, position=position, attempt=attempt, reason=reason))
                time.sleep(random.uniform(0.02, 0.1) * min(attempt, 10))  # noqa: S311 (jitter)
            except KeyboardInterrupt as stop:
                self._stopped(position, step, started, attempt, stop)
        seconds = time.time() - started
        self.report(StepEnded(position=position, total=total, seconds=seconds, attempts=attempt, **about))

    def _in_transaction(self, position: int, step: Step, started: float, attempt: int) -> None:
        with self.connection.transaction():
            self.connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            if step.scripts is None:
                self._clear(step)
                self._statements(step.statements)
            else:
                run_scripts(self.connection, step, self.plan.roles)
            for data in step.data:
                load_rows(self.connection, step.schema, data)
                self.report(RowsLoaded(schema=step.schema, collection=data.collection, rows=len(data.rows)))
            self.journal.step(position, step, "done", started, attempt)
            self.journal.done(step)

    def _clear(self, step: Step) -> None:
        """Drops objects made by scripts that are in the way; all of them, if others depend on those."""
        if step.clears:
            lost = drop_made(self.connection, step.schema, self.plan.roles, only=step.clears)
            if lost.kept:
                drop_made(self.connection, step.schema, self.plan.roles)

    def _statements(self, statements: tuple[str, ...]) -> None:
        if statements:
            self.connection.execute("\n;\n".join(statements).encode())
            self.connection.execute("set local search_path = public")

    def _in_batches(self, position: int, step: Step, started: float, attempt: int) -> None:
        """Recorded as `intent` until the last batch; each batch moves the point where a later run resumes."""
        assert step.backfill is not None
        with self.connection.transaction():
            self.journal.step(position, step, "intent", started, attempt)
            work = Batches(self.connection, step.schema, step.backfill)
            more = work.start()
        begun, first = time.monotonic(), work.rows
        total = max(self._estimate(step.backfill.table), 1)
        while more:
            batch = time.monotonic()
            more = work.batch(self.journal.still_ours)
            work.pause(time.monotonic() - batch if more else 0)
            rate = (work.rows - first) / max(time.monotonic() - begun, 1e-6)
            event = {"schema": step.schema, "position": position, "collection": step.collection, "rows": work.rows}
            done = min(work.rows / total, 0.99) if more else 1.0
            self.report(BackfillProgress(**event, done=done, rows_per_second=rate))
        with self.connection.transaction():
            self.journal.step(position, step, "done", started, attempt)
            work.finish()
            self.journal.done(step)

    def _estimate(self, table: str) -> float:
        row = self.connection.execute("select reltuples from pg_class where oid = to_regclass(%s)", [table]).fetchone()
        return row[0] if row else 0.0

    def _outside(self, position: int, step: Step, started: float, attempt: int) -> None:
        """Records the intent first: an index that is found valid later is then known to be the wanted one."""
        with self.connection.transaction():
            self.journal.step(position, step, "intent", started, attempt)
            self.journal.remember(tuple(item for item in step.remember if item.digest is not None))
        for old in self._old_transactions(position, step):
            self.report(old)  # so that it doesn't seem to hang
        # lock_timeout would also limit CONCURRENTLY's wait for old transactions (suna #6588).
        with self._settings(lock_timeout="0", statement_timeout=BUILD_TIMEOUT):
            # A failed build left an INVALID index behind.
            for statement in (*(step.undo if attempt > 1 else ()), *step.statements):
                self.connection.execute(statement.encode())
        if step.builds and not self._is_valid(step.schema, step.builds):
            raise errors.ObjectNotInPrerequisiteState(f"index {step.builds} was left invalid")
        with self.connection.transaction():
            self.journal.built(position, step)

    def _old_transactions(self, position: int, step: Step) -> list[OldTransaction]:
        """The transactions that CONCURRENTLY waits for: all that are older than itself."""
        found = self.connection.execute(_OLD, [OLD_AFTER]).fetchall()
        names = ("process", "user", "application", "query", "seconds")
        return [
            OldTransaction(schema=step.schema, position=position, **dict(zip(names, row, strict=True))) for row in found
        ]

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

    def _failed(self, position: int, step: Step, started: float, attempt: int, error: psycopg.Error) -> None:
        """Undoes the step, records why it failed, and says how to continue."""
        reason, locked = explain(error), isinstance(error, errors.LockNotAvailable)
        broken = self.connection.broken
        if step.kind == "no_tx" and isinstance(error, errors.QueryCanceled) and not broken:
            old = self._old_transactions(position, step)
            reason, locked = " ".join([reason, *(f"It waited for {one.words}." for one in old)]), bool(old)
        undone = self._undo(position, step, started, attempt, reason)
        kind = TableLockError if locked else FailedError
        raise kind(f"{_where(step)}: could not {step.what}: {reason}\n{self._outlook(step, undone)}") from error

    def _stopped(self, position: int, step: Step, started: float, attempt: int, stop: KeyboardInterrupt) -> None:
        """The run was interrupted, as when its container is stopped: handled like a failure, unless the step is
        done."""
        reason = str(stop) or "stopped from the keyboard"
        if not self.connection.broken and self.journal.says_done(position):
            self.journal.stopped(reason)
            text = f"{_where(step)}: {reason} after step {position} of {len(self.plan.steps)}: {step.what}."
            raise FailedError(f"{text}\nCompleted steps are recorded; apply again to resume.") from None
        # A transaction leaves nothing to undo.
        left = step if step.kind == "no_tx" else msgspec.structs.replace(step, undo=())
        undone = self._undo(position, left, started, attempt, reason)
        outlook = self._outlook(step, undone, "Apply again")
        raise FailedError(f"{_where(step)}: {reason}; did not {step.what}.\n{outlook}") from None

    def _undo(self, position: int, step: Step, started: float, attempt: int, reason: str) -> bool:
        """Undoes the step; whether nothing of it is left."""
        undone = not self.connection.broken
        if self.connection.broken:
            return undone
        with self._settings(lock_timeout=UNDO_TIMEOUT):
            for statement in step.undo:
                try:
                    self.connection.execute(statement.encode())
                except psycopg.Error:
                    undone = False
        with contextlib.suppress(psycopg.Error), self.connection.transaction():
            self.journal.failed(position, step, started, attempt, reason)
        return undone

    def _outlook(self, step: Step, undone: bool, again: str = "Fix the cause and apply again") -> str:
        """The state after a failure, and how to continue."""
        if self.connection.broken:
            return "The connection was lost. Completed steps are recorded; apply again to resume."
        if step.kind == "backfill":
            return f"Completed batches are kept. {again}: it resumes after them."
        if not undone:
            return f"Existing objects are unchanged. {again}: it removes what this step left, and resumes."
        return f"The step was undone; nothing else changed. {again}: it resumes here."


def _where(step: Step) -> str:
    return f"{step.schema}.{step.collection}" if step.collection else step.schema
