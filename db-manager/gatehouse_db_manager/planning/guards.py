"""What a plan must not do, whatever the schema needs: load test data into production, go back, or give an applied
version another content."""

from gatehouse_db_manager.config.model import Collection, Schema
from gatehouse_db_manager.database.bookkeeping import LAYOUT, OLDER_LAYOUT
from gatehouse_db_manager.database.snapshot import DatabaseState, LiveSchema
from gatehouse_db_manager.errors import Problem
from gatehouse_db_manager.hazards.lessons import LESSONS
from gatehouse_db_manager.planning.plan import SnapshotPin, VersionChange


def guards(live: DatabaseState, environment: str, test_data: bool) -> list[Problem]:
    problems = []
    marker = live.environment
    if live.bootstrapped and live.layout not in {LAYOUT, OLDER_LAYOUT}:
        message = "was made by another version of db-manager, or by something else."
        problems.append(
            Problem(file="database", key="dbm", value=live.layout, message=message, fix="Use that version's image.")
        )
    if marker and environment and marker != environment:
        message = f"belongs to {marker}, as its marker dbm.environment says."
        fix = f"Check the address; to apply to {marker} say --environment {marker}."
        problems.append(Problem(file="database", key="environment", value=environment, message=message, fix=fix))
    if test_data and "production" in {marker, environment}:
        message = "is never loaded into production, whatever the flags say."
        problems.append(Problem(file="database", key="test data", message=message, fix="Leave --test-data out."))
    return problems


def versions(schema: Schema, live: LiveSchema) -> tuple[list[VersionChange], list[Problem]]:
    """The versions that change, and those that must not."""
    changes, problems = [], []
    for collection in schema.collections:
        applied = live.versions.get(collection.name)
        if applied is None:
            changes.append(_version_change(collection, ""))
            continue
        before = tuple(map(int, applied.version.split(".")))
        if collection.version < before:
            message = f"goes back: {applied.version} is applied."
            fix = f"Raise it above {applied.version}; a step back is a new version too."
            problems.append(problem(collection, "version", message, fix, collection.version_text))
        elif collection.version > before:
            changes.append(_version_change(collection, applied.version))
        elif applied.digest != collection.digest:
            raised = ".".join(map(str, (*before[:2], before[2] + 1, before[3])))
            message = f"was applied with other content (on {applied.applied_at[:19]}); a version never changes."
            fix = f"Raise it to {raised} or above, or (locally) run: gate db reset."
            problems.append(problem(collection, "version", message, fix, collection.version_text))
        elif applied.types_digest != collection.types_digest:
            message = "was applied with other custom types: a file in db-manager/types changed."
            fix = "Raise the version of each collection that uses the type."
            problems.append(problem(collection, "version", message, fix, collection.version_text))
    return changes, problems


def snapshots(schema: Schema, live: LiveSchema) -> tuple[list[SnapshotPin], list[Problem]]:
    """The snapshots of enumerators that are used for the first time, and those that changed afterwards."""
    pins, problems = [], []
    for snapshot in schema.pinned:
        applied = live.snapshots.get(snapshot.number)
        if applied is None:
            content = [
                {"enumerator": item.enumerator, "value": item.value, "description": item.description}
                for item in snapshot.values
            ]
            pins.append(SnapshotPin(number=snapshot.number, digest=snapshot.digest, content=content))
        elif applied != snapshot.digest:
            newest = max(one.number for one in schema.snapshots) + 1
            message = "was applied with other content; a snapshot never changes."
            fix = f"Undo the change, write enumerators/{newest}.yaml, and pin it in the version of the collections."
            problems.append(Problem(file=snapshot.file, message=message, fix=fix))
    return pins, problems


def problem(collection: Collection, key: str, message: str, fix: str, value: str = "") -> Problem:
    """One with a collection's file."""
    return Problem(file=collection.file, key=key, value=value, message=message, fix=fix)


def _version_change(collection: Collection, before: str) -> VersionChange:
    return VersionChange(
        collection=collection.name,
        before=before,
        after=collection.version_text,
        digest=collection.digest,
        types_digest=collection.types_digest,
    )


def small_key(collection: Collection) -> str:
    """A warning of a new table whose primary key will run out of numbers; empty if it won't."""
    lesson = LESSONS["key.integer"]
    keys = [rule.columns for rule in collection.table.constraints if rule.kind == "primary_key"]
    for column in collection.table.columns:
        if [(column.name,)] == keys and column.sql_type in {"integer", "smallint"}:
            key = f"{collection.file}: columns.{column.name}.type = {column.sql_type}"
            return f"{key} is the primary key. {lesson.danger} Better: {lesson.good}."
    return ""
