"""What every plan is checked for: test data in production, a version that goes back, and an applied version with other
content."""

import re
from collections.abc import Callable, Iterator

from gatehouse_db_manager.config.model import Collection, Schema
from gatehouse_db_manager.config.values import quote
from gatehouse_db_manager.database.bookkeeping import is_known
from gatehouse_db_manager.database.snapshot import DatabaseState, LiveSchema
from gatehouse_db_manager.errors import Problem
from gatehouse_db_manager.hazards.lessons import LESSONS
from gatehouse_db_manager.planning.plan import SnapshotPin, VersionChange


def guards(live: DatabaseState, environment: str, test_data: bool) -> Iterator[Problem]:
    marker = live.environment
    if live.bootstrapped and not is_known(live.layout):
        message, fix = "was not created by this version of db-manager.", "Use the image of the version that created it."
        yield Problem(file="database", key="dbm", value=live.layout, message=message, fix=fix)
    if marker and environment and marker != environment:
        message = f"belongs to {marker} (dbm.environment)."
        fix = f"Check the address; to apply to {marker}, pass --environment {marker}."
        yield Problem(file="database", key="environment", value=environment, message=message, fix=fix)
    if test_data and "production" in {marker, environment}:
        fix = "Run without --test-data."
        yield Problem(file="database", key="test data", message="is never loaded into production.", fix=fix)


def versions(schema: Schema, live: LiveSchema) -> tuple[list[VersionChange], list[Problem]]:
    """The version changes, and the versions that are refused."""
    changes, problems = [], []
    for collection in schema.collections:
        applied = live.versions.get(collection.name)
        now = {"collection": collection.name, "after": collection.version_text, "digest": collection.digest}
        now["types_digest"] = collection.types_digest
        if applied is None:
            changes.append(VersionChange(before="", **now))
            continue
        before = tuple(map(int, applied.version.split(".")))
        if collection.version < before:
            message = f"is older than the applied version {applied.version}."
            fix = f"Raise it above {applied.version}; undoing a change needs a new version too."
            problems.append(problem(collection, "version", message, fix, collection.version_text))
        elif collection.version > before:
            changes.append(VersionChange(before=applied.version, **now))
        elif applied.digest != collection.digest:
            raised = ".".join(map(str, (*before[:2], before[2] + 1, before[3])))
            when = f" (on {applied.applied_at[:19]})" if applied.applied_at else ""
            message = f"was applied with other content{when}; an applied version is immutable."
            fix = f"Raise it to {raised} or above. Locally you can also run gate db reset."
            problems.append(problem(collection, "version", message, fix, collection.version_text))
        elif applied.types_digest != collection.types_digest:
            message = "was applied with other custom types: a file in db-manager/types has changed."
            fix = "Raise the version of each collection that uses the type."
            problems.append(problem(collection, "version", message, fix, collection.version_text))
    return changes, problems


def snapshots(schema: Schema, live: LiveSchema) -> tuple[list[SnapshotPin], list[Problem]]:
    """The enumerator snapshots that are used for the first time, and those that changed after they were applied."""
    pins, problems = [], []
    for snapshot in schema.pinned:
        applied = live.snapshots.get(snapshot.number)
        if applied is None:
            known = ("enumerator", "value", "description")
            content = [{name: getattr(item, name) for name in known} for item in snapshot.values]
            pins.append(SnapshotPin(number=snapshot.number, digest=snapshot.digest, content=content))
        elif applied != snapshot.digest:
            newest = max(one.number for one in schema.snapshots) + 1
            message = "was applied with other content; an applied snapshot is immutable."
            fix = f"Undo the change, write enumerators/{newest}.yaml, and pin it in the versions of the collections."
            problems.append(Problem(file=snapshot.file, message=message, fix=fix))
    return pins, problems


def missing(
    schema: Schema, live: LiveSchema, whole: DatabaseState, ask: Callable[[str], int | None]
) -> Iterator[Problem]:
    """Extensions that this server doesn't have: CREATE EXTENSION would fail half-way. Types of new columns that don't
    exist, and that no script and no extension is about to create."""
    for name in sorted(set(schema.extensions) - whole.extensions):
        known = f"select from pg_available_extensions where name = {quote(name)}"
        if ask(f"select (not exists ({known}))::int") == 1:
            message = "isn't installed on this PostgreSQL server."
            fix = "Install it there, or use a server that has it. Locally: gate doctor."
            yield Problem(file=schema.file, key="extensions", value=name, message=message, fix=fix)
    if not set(schema.extensions) <= whole.extensions:
        return
    texts = [script.sql for script in schema.scripts]
    for collection in schema.collections:
        table = live.tables.get(collection.name)
        for column in collection.table.columns:
            known = table.columns.get(column.name) if table else None
            if column.base != "sql" or (known and known.sql_type == column.sql_type):
                continue
            name = re.sub(r"\W*(\[\]|\([\d, ]*\))*\Z", "", column.sql_type).rpartition(".")[2].strip('"')
            made = any(re.search(rf"create (type|domain) [^;]*\b{re.escape(name)}\b", text, re.I) for text in texts)
            if not made and ask(f"select (to_regtype({quote(column.sql_type)}) is null)::int") == 1:
                message = "is a type that doesn't exist in this database."
                fix = f"Create it first, by hand: create type {column.sql_type} ... It isn't managed by db-manager."
                yield problem(collection, f"columns.{column.key}.type", message, fix, column.sql_type)


def problem(collection: Collection, key: str, message: str, fix: str, value: str = "") -> Problem:
    """A problem in a collection's file."""
    return Problem(file=collection.file, key=key, value=value, message=message, fix=fix)


def small_key(collection: Collection) -> str:
    """A warning if a new table's primary key can run out of numbers, else empty."""
    lesson = LESSONS["key.integer"]
    keys = [rule.columns for rule in collection.table.constraints if rule.kind == "primary_key"]
    for column in collection.table.columns:
        if [(column.name,)] == keys and column.sql_type in {"integer", "smallint"}:
            key = f"{collection.file}: columns.{column.name}.type = {column.sql_type}"
            return f"{key} is the primary key. {lesson.danger} Better: {lesson.good}."
    return ""
