"""plan = a pure function (live, desired) -> ordered steps, and the reasons to refuse.

The order within a schema: roles, the schema, new tables, changes to tables, foreign keys of new tables, views and
functions, data. The same input gives the same plan, and after applying it the plan is empty; tests hold both.
"""

from typing import Any

import msgspec

from gatehouse_db_manager import render
from gatehouse_db_manager.errors import Problem
from gatehouse_db_manager.evolve import evolve
from gatehouse_db_manager.live import Live, LiveSchema
from gatehouse_db_manager.model import Collection, Configuration, Schema, Script, short_digest
from gatehouse_db_manager.plan_structs import Plan, Remember, SchemaPlan, SnapshotPin, Step, VersionChange
from gatehouse_db_manager.records import LAYOUT
from gatehouse_db_manager.table_change import NOTHING, brief, remember, remember_column

NEW = "nothing that is in use"


def make_plan(live: Live, configuration: Configuration, *, environment: str = "", test_data: bool = False) -> Plan:
    """The plan for every schema. `environment`: the one that the caller thinks this is; empty skips that guard."""
    guards = tuple(_guards(live, environment, test_data))
    with_tests = test_data and not guards
    schemas = tuple(_Planner(live, schema, with_tests).plan() for schema in configuration.schemas)
    if guards and schemas:
        first = msgspec.structs.replace(schemas[0], refusals=(*guards, *schemas[0].refusals))
        schemas = (first, *schemas[1:])
    return Plan(schemas=schemas, environment=live.environment)


def _guards(live: Live, environment: str, test_data: bool) -> list[Problem]:
    problems = []
    marker = live.environment
    if live.bootstrapped and live.layout != LAYOUT:
        message = "was made by another version of db-manager, or by something else."
        problems.append(
            Problem(file="database", key="dbm", value=live.layout, message=message, mend="Use that version's image.")
        )
    if marker and environment and marker != environment:
        message = f"belongs to {marker}, as its marker dbm.environment says."
        mend = f"Check the address; to apply to {marker} say --environment {marker}."
        problems.append(Problem(file="database", key="environment", value=environment, message=message, mend=mend))
    if test_data and "production" in {marker, environment}:
        message = "is never loaded into production, whatever the flags say."
        problems.append(Problem(file="database", key="test data", message=message, mend="Leave --test-data out."))
    return problems


class _Planner:
    """Plans one schema."""

    def __init__(self, live: Live, schema: Schema, test_data: bool) -> None:
        self.roles = live.roles
        self.live: LiveSchema = live.schema(schema.name)
        self.schema = schema
        self.test_data = test_data
        self.steps: list[Step] = []
        self.refusals: list[Problem] = []
        self.notes: list[str] = []

    def plan(self) -> SchemaPlan:
        versions = tuple(self._versions())
        self._missing_files()
        snapshots = tuple(self._snapshots())
        self._schema()
        fresh = [one for one in self.schema.collections if one.name not in self.live.tables]
        for collection in fresh:
            self._create(collection)
        for collection in self.schema.collections:
            if collection.name in self.live.tables:
                self._evolve(collection)
        self._references(fresh)
        self._scripts()
        self._data()
        return SchemaPlan(
            schema=self.schema.name,
            steps=tuple(self.steps),
            versions=versions,
            snapshots=snapshots,
            refusals=tuple(self.refusals),
            notes=tuple(self.notes),
        )

    def _step(self, what: str, why: str, *statements: str, collection: str = "", **more: Any) -> None:
        given: dict[str, Any] = {"kind": "tx", "locks": NEW, "reversible": True, **more}
        base: dict[str, Any] = {"schema": self.schema.name, "collection": collection, "what": what, "why": why}
        self.steps.append(Step(**base, statements=statements, **given))

    # Guards

    def _versions(self) -> list[VersionChange]:
        changes = []
        for collection in self.schema.collections:
            applied = self.live.versions.get(collection.name)
            if applied is None:
                changes.append(_version_change(collection, ""))
                continue
            before = tuple(map(int, applied.version.split(".")))
            if collection.version < before:
                message = f"goes back: {applied.version} is applied."
                mend = f"Raise it above {applied.version}; a step back is a new version too."
                self._refuse(collection, "version", message, mend, collection.version_text)
            elif collection.version > before:
                changes.append(_version_change(collection, applied.version))
            elif applied.digest != collection.digest:
                raised = ".".join(map(str, (*before[:2], before[2] + 1, before[3])))
                message = f"was applied with other content (on {applied.applied_at[:19]}); a version never changes."
                mend = f"Raise it to {raised} or above, or (locally) run: gate db reset."
                self._refuse(collection, "version", message, mend, collection.version_text)
            elif applied.types_digest != collection.types_digest:
                message = "was applied with other custom types: a file in db-manager/types changed."
                mend = "Raise the version of each collection that uses the type."
                self._refuse(collection, "version", message, mend, collection.version_text)
        return changes

    def _refuse(self, collection: Collection, key: str, message: str, mend: str, value: str = "") -> None:
        self.refusals.append(Problem(file=collection.file, key=key, value=value, message=message, mend=mend))

    def _missing_files(self) -> None:
        wanted = {collection.name for collection in self.schema.collections}
        folder = self.schema.file.rpartition("/")[0]
        for name in sorted(self.live.versions.keys() - wanted):
            message = f"is gone, but the table {self.schema.name}.{name} stands: dropping it loses its data."
            mend = "Put the file back. Dropping collections is not supported yet."
            self.refusals.append(Problem(file=f"{folder}/collections/{name}.yaml", message=message, mend=mend))

    def _snapshots(self) -> list[SnapshotPin]:
        pins = []
        for snapshot in self.schema.pinned:
            applied = self.live.snapshots.get(snapshot.number)
            if applied is None:
                content = [
                    {"enumerator": item.enumerator, "value": item.value, "description": item.description}
                    for item in snapshot.values
                ]
                pins.append(SnapshotPin(number=snapshot.number, digest=snapshot.digest, content=content))
            elif applied != snapshot.digest:
                newest = max(one.number for one in self.schema.snapshots) + 1
                message = "was applied with other content; a snapshot never changes."
                mend = (
                    f"Undo the change, write enumerators/{newest}.yaml, and pin it in the version of the collections."
                )
                self.refusals.append(Problem(file=snapshot.file, message=message, mend=mend))
        return pins

    # Steps

    def _schema(self) -> None:
        schema = self.schema
        missing = [role for role in (schema.service_role, schema.reader_role) if role not in self.roles]
        if missing:
            statements = [render.create_role(role) for role in missing]
            self._step(f"create role {', '.join(missing)}", "each schema has its own two", *statements)
        creation, allowed = render.create_schema(schema), render.grants(schema)
        digest = short_digest("\0".join((*creation, *allowed)))
        recorded = self.live.objects.get(("schema", schema.name))
        if not self.live.exists or missing or recorded is None or recorded.digest != digest:
            what = "let its roles in" if self.live.exists else f"create schema {schema.name}"
            why = f"{schema.service_role} reads and writes it, {schema.reader_role} reads it, nobody else may"
            kept = (Remember(kind="schema", name=schema.name, digest=digest),)
            self._step(what, why, *creation, *allowed, remember=kept)

    def _create(self, collection: Collection) -> None:
        table = collection.table
        made = [item for item in (*table.constraints, *table.indexes) if getattr(item, "kind", "") != "foreign_key"]
        self._step(
            f"create table {table.name}",
            "it is new",
            *render.create_table(self.schema, table),
            collection=table.name,
            remember=(
                Remember(kind="table", name=table.name, digest=short_digest(table.name)),
                *(remember_column(table.name, column) for column in table.columns),
                *(remember(item) for item in made),
            ),
        )

    def _evolve(self, collection: Collection) -> None:
        name = collection.name
        if ("table", name) not in self.live.objects:
            message = f"has the table {self.schema.name}.{name}, which db-manager didn't make."
            mend = "Move it away (alter table ... rename to ...); taking over a table is not supported yet."
            self._refuse(collection, "collection", message, mend, name)
            return
        change = evolve(self.schema, collection, self.live)
        self.steps.extend(change.steps)
        self.refusals.extend(change.refusals)
        applied = self.live.versions.get(name)
        if change.tightens and applied:
            before = tuple(map(int, applied.version.split(".")))
            if collection.version[:2] == before[:2]:
                raised = f"{before[0]}.{before[1] + 1}.0.{collection.version[3]}"
                self.notes.append(
                    f"{collection.file}: {collection.version_text} adds a rule that rows can break; that is a minor "
                    f"version ({raised}) by the convention of db-manager.md."
                )

    def _references(self, fresh: list[Collection]) -> None:
        for collection in fresh:
            keys = [item for item in collection.table.constraints if item.kind == "foreign_key"]
            if not keys:
                continue
            clauses = ", ".join(f"add constraint {item.name} {item.definition}" for item in keys)
            self._step(
                f"link {collection.name} to what it refers to",
                "its table is new and empty",
                f"alter table {self.schema.name}.{collection.name} {clauses}",
                collection=collection.name,
                locks=brief("the tables it refers to"),
                remember=tuple(remember(item) for item in keys),
            )

    def _scripts(self) -> None:
        view = render.enumerator_view(self.schema)
        scripts: list[Script] = [*([view] if view else []), *self.schema.scripts]
        for script in scripts:
            recorded = self.live.objects.get(("script", script.name))
            if recorded and recorded.digest == script.digest:
                continue
            self._step(
                f"run {script.name}" if script is not view else f"list the enumerators in {script.name}",
                "it changed" if recorded else "it is new",
                f"set local search_path = {self.schema.name}, pg_catalog",
                script.sql,
                *render.grants(self.schema)[2:7],
                locks=brief("the views it replaces") if recorded else NEW,
                remember=(Remember(kind="script", name=script.name, digest=script.digest),),
            )
        kept = {script.name for script in scripts}
        for kind, name in self.live.objects:
            if kind == "script" and name not in kept:
                self.notes.append(f"{self.schema.name}: repeatable/{name}.sql is gone; what it made stays.")

    def _data(self) -> None:
        changed = [
            data
            for data in self.schema.data
            if self.live.data.get((data.collection, data.kind)) != data.digest
            and (data.kind == "reference" or self.test_data)
        ]
        if not changed:
            return
        rows = sum(len(data.rows) for data in changed)
        names = ", ".join(data.collection for data in changed)
        self._step(
            f"load {rows:,} rows of {' and '.join(sorted({data.kind for data in changed}))} data",
            f"into {names}: new rows are added, changed ones updated, others left alone",
            locks=NOTHING,
            reversible=False,
            # 725 rows take 40 ms on two cores.
            seconds=rows / 15_000,
            data=tuple(changed),
        )


def _version_change(collection: Collection, before: str) -> VersionChange:
    return VersionChange(
        collection=collection.name,
        before=before,
        after=collection.version_text,
        digest=collection.digest,
        types_digest=collection.types_digest,
    )
