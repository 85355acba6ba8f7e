"""Decides whether a plan may run: what is refused, what needs approval, and whether it is the plan that was reviewed.
Also counts the rows that a refusal or an approval is about."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from gatehouse_db_manager.database.snapshot import DatabaseState
from gatehouse_db_manager.errors import Problem, Refusal, RefusedError
from gatehouse_db_manager.hazards import violations
from gatehouse_db_manager.planning.plan import Hazard, Plan, SchemaPlan

# Seconds. Counting scans a table; after that, a plan without a number beats one that keeps you waiting.
_COUNT_SECONDS = 5
# A rule that rows violate fails later anyway, and nothing is half done by it.
_LOOK_SECONDS = 1


class Allowed(msgspec.Struct, frozen=True):
    """Fingerprints that were approved and, if a plan file was given, the only one that each schema may have."""

    approved: frozenset[str]
    expected: dict[str, str] | None


class _PlannedSchema(msgspec.Struct):
    schema: str
    fingerprint: str


class _PlanFile(msgspec.Struct):
    schemas: list[_PlannedSchema]


def wanted_fingerprints(plan: Plan, approve: str | Iterable[str], plan_file: Path | None) -> Allowed:
    """What the caller approves. The fingerprint of a whole plan covers all its schemas."""
    approved = {approve} if isinstance(approve, str) else set(approve)
    if plan.fingerprint in approved:
        approved |= {schema.fingerprint for schema in plan.schemas}
    if plan_file is None:
        return Allowed(frozenset(approved), None)
    try:
        read = msgspec.json.decode(Path(plan_file).read_bytes(), type=_PlanFile)
    except (OSError, msgspec.DecodeError) as error:
        fix = "Write one with: gate db plan --out FILE."
        problem = Problem(file=str(plan_file), message=f"is not a readable plan: {error}.", fix=fix)
        raise RefusedError([problem]) from None
    return Allowed(frozenset(approved), {one.schema: one.fingerprint for one in read.schemas})


def stop_if_refused(live: DatabaseState, plan: Plan, allowed: Allowed) -> None:
    """Raises RefusedError unless every schema's plan may run."""
    problems: list[Problem] = list(plan.refusals)
    for schema in plan.schemas:
        problems.extend(_other_than_planned(live, schema, allowed))
        if schema.fingerprint not in allowed.approved:
            problems.extend(as_refusal(hazard, schema.fingerprint) for hazard in schema.hazards)
    if problems:
        raise RefusedError(problems)


def as_refusal(hazard: Hazard, fingerprint: str) -> Refusal:
    """The refusal of a step that is not approved."""
    counted = f" {hazard.rows:,} row{'' if hazard.rows == 1 else 's'} affected." if hazard.rows else ""
    return Refusal(
        file=hazard.file,
        message=f"{hazard.danger}: {hazard.why}{counted}",
        fix=f"{hazard.good} If this is intended: --approve {fingerprint}",
        danger=hazard.danger,
        why=hazard.why,
        bad=hazard.bad,
        good=hazard.good,
        rows=hazard.rows,
        approve=fingerprint,
    )


def _other_than_planned(live: DatabaseState, schema: SchemaPlan, allowed: Allowed) -> Iterable[Problem]:
    if allowed.expected is None or schema.empty:
        return
    expected = allowed.expected.get(schema.schema)
    unfinished = live.schema(schema.schema).unfinished
    resumed = unfinished and unfinished.fingerprint == expected and unfinished.target == schema.target
    if expected != schema.fingerprint and not resumed:
        message = f"needs plan {schema.fingerprint} now, but the file has {expected or 'none for it'}."
        fix = "The database or the configuration has changed since. Plan again and review the new plan."
        yield Problem(file="plan", key=schema.schema, message=message, fix=fix)


def count(connection: "psycopg.Connection[Any]", questions: Iterable[str]) -> dict[str, tuple[int | None, str]]:
    """Answers by question, each with an example if the question asks for one. None: it took too long, or can't be
    asked. -1: a value could not be cast as the question asks."""
    answers: dict[str, tuple[int | None, str]] = {}
    for question in sorted(questions):
        answers[question] = (None, "")
        try:
            with connection.transaction():
                seconds = _LOOK_SECONDS if question.endswith(violations.MARK) else _COUNT_SECONDS
                connection.execute(f"set transaction read only; set local statement_timeout = '{seconds}s'".encode())
                row = connection.execute(question.encode()).fetchone() or (0,)
                answers[question] = (row[0], str(row[1]) if len(row) > 1 and row[1] is not None else "")
        except (psycopg.DataError, psycopg.errors.CannotCoerce):
            answers[question] = (-1, "")
        except psycopg.Error:
            if connection.broken:
                raise
    return answers
