"""plan = a pure function (live, desired) -> ordered steps, and the reasons to refuse.

The order within a schema: roles, the schema, new tables, what is added to tables, migrations, rules, rewrites,
foreign keys of new tables, views and functions, data, and last what takes something away. The same input gives the
same plan, and after applying it the plan is empty; tests hold both.
"""

from typing import Any

import msgspec

from gatehouse_db_manager import render
from gatehouse_db_manager.belongings import close_schema, open_schema
from gatehouse_db_manager.errors import Problem
from gatehouse_db_manager.evolve import enforce, expand, link
from gatehouse_db_manager.live import Live, LiveSchema, LiveTable
from gatehouse_db_manager.migrations import pending, plan_migrations
from gatehouse_db_manager.model import Collection, Configuration, Migration, Schema, Script, short_digest
from gatehouse_db_manager.plan_structs import Plan, Remember, SchemaPlan, SnapshotPin, Step, VersionChange
from gatehouse_db_manager.records import LAYOUT, OLDER_LAYOUT
from gatehouse_db_manager.renames import rename_columns, rename_tables
from gatehouse_db_manager.rewrite import Rewrite
from gatehouse_db_manager.table_change import (
    NEW,
    NOTHING,
    TableChange,
    brief,
    hazard,
    mentions,
    remember,
    remember_column,
)


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
    if live.bootstrapped and live.layout not in {LAYOUT, OLDER_LAYOUT}:
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
        self.whole = live
        self.live: LiveSchema = _copy(live.schema(schema.name))
        self.schema = schema
        self.test_data = test_data
        self.steps: list[Step] = []
        self.refusals: list[Problem] = []
        self.notes: list[str] = []
        self.later: list[Step] = []
        self.questions: list[str] = []
        self.dropped: list[str] = []
        self.scripts_done = False
        # Tables with other columns than before: views of them are made anew.
        self.reshaped: set[str] = set()

    def plan(self) -> SchemaPlan:
        unmanaged = tuple(self._unmanaged())
        renamed = tuple(rename_tables(self.schema, self.live))
        versions = tuple(self._versions())
        migrations = pending(self.schema, self.live)
        self._missing_files()
        snapshots = tuple(self._snapshots())
        self.steps.extend(open_schema(self.whole, self.live, self.schema))
        self.steps.extend(renamed)
        self.reshaped |= {step.collection for step in renamed}
        fresh = [one for one in self.schema.collections if one.name not in self.live.tables]
        for collection in fresh:
            self._create(collection)
        self._change(migrations)
        self._references(fresh)
        self._views_of_dropped_columns()
        self._scripts()
        self._data()
        self.steps.extend(plan_migrations(self.schema, self.live, migrations, "contract"))
        self.steps.extend(self.later)
        self._drop_tables()
        self.steps.extend(close_schema(self.live, self.whole, self.schema))
        target = short_digest(
            "\0".join(f"{one.name} {one.version_text} {one.digest}" for one in self.schema.collections)
        )
        unfinished = self.live.unfinished
        resumed = unfinished if unfinished and unfinished.target == target else None
        return SchemaPlan(
            schema=self.schema.name,
            target=target,
            steps=tuple(self.steps),
            versions=versions,
            snapshots=snapshots,
            refusals=tuple(self.refusals),
            notes=tuple(self.notes),
            unmanaged=unmanaged,
            dropped=tuple(self.dropped),
            approved=resumed.approved if resumed else (),
            origin=resumed.fingerprint if resumed else "",
            questions=tuple(self.questions),
            roles=self.schema.roles,
        )

    def _change(self, migrations: tuple[Migration, ...]) -> None:
        """All tables that stand: what is added in each, then what is moved, then the rules."""
        changes = [change for one in self.schema.collections if (change := self._table_change(one, migrations))]
        for change in changes:
            rename_columns(change)
        rewritten = Rewrite(changes).plan()
        for change in changes:
            expand(change)
            self._take_steps(change)
        for kind in ("expand", "backfill"):
            self.steps.extend(plan_migrations(self.schema, self.live, migrations, kind))
        for change in changes:
            enforce(change)
            self._take_steps(change)
        fallen = {reference for change in changes for reference in change.fallen}
        for change in changes:
            link(change, fallen)
            self._collect(change)
        if rewritten is not None:
            self._rewrite(rewritten)

    def _take_steps(self, change: TableChange) -> None:
        self.steps.extend(change.steps)
        change.steps = []

    def _collect(self, change: TableChange) -> None:
        self._take_steps(change)
        self.later.extend(change.later)
        self.refusals.extend(change.refusals)
        self.questions.extend(change.questions)
        if change.reshaped:
            self.reshaped.add(change.table.name)
        applied = self.live.versions.get(change.table.name)
        if change.tightens and applied:
            before = tuple(map(int, applied.version.split(".")))
            collection = change.collection
            if collection.version[:2] == before[:2]:
                raised = f"{before[0]}.{before[1] + 1}.0.{collection.version[3]}"
                self.notes.append(
                    f"{collection.file}: {collection.version_text} adds a rule that rows can break; that is a minor "
                    f"version ({raised}) by the convention of db-manager.md."
                )

    def _rewrite(self, step: Step) -> None:
        """Views of what is rewritten are in the way, so they go and come in the same transaction."""
        scripts = self._all_scripts()
        if scripts or self._made():
            statements = (*step.statements, *self._script_statements(scripts))
            kept = (*step.remember, *self._script_records(scripts))
            step = msgspec.structs.replace(step, statements=statements, remember=kept, scripts=scripts)
            self.scripts_done = True
        self.steps.append(step)

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
        self.dropped.extend(sorted(self.live.versions.keys() - wanted))

    def _drop_tables(self) -> None:
        """Tables whose file is gone, when nothing refers to them any more."""
        standing = [name for name in self.dropped if name in self.live.tables]
        for name in standing:
            links = [one for one in self.live.tables[name].constraints.values() if one.kind == "foreign_key"]
            self.steps.extend(self._unlink(name, one.name) for one in links if one.target.split(".")[-1] in standing)
        folder = self.schema.file.rpartition("/")[0]
        for name in standing:
            table, full = self.live.tables[name], f"{self.schema.name}.{name}"
            rows = self._count(f"select count(*) from {full}") if table.size else 0  # noqa: S608 (checked names)
            file, danger = f"{folder}/collections/{name}.yaml", f"is gone, but the table {full} stands"
            drop = hazard("table.drop", full, file, danger, rows=rows, full=full)
            made = [(kind, key) for kind, key in self.live.objects if key == name or key.startswith(f"{name}.")]
            made += [(one.kind, one.name) for one in table.constraints.values()]
            made += [("index", one) for one in table.indexes]
            self._step(
                f"drop table {name}",
                "its file is gone",
                f"drop table {full}",
                collection=name,
                phase="contract",
                locks=brief(name),
                reversible=False,
                hazards=(drop,),
                remember=tuple(Remember(kind=kind, name=key) for kind, key in made if (kind, key) in self.live.objects),
            )

    def _unlink(self, table: str, name: str) -> Step:
        return Step(
            schema=self.schema.name,
            collection=table,
            kind="tx",
            phase="contract",
            what=f"unlink {name}",
            why="both tables go",
            statements=(f"alter table {self.schema.name}.{table} drop constraint {name}",),
            locks=brief(table),
            reversible=False,
            remember=(Remember(kind="foreign_key", name=name),),
        )

    def _count(self, question: str) -> int | None:
        self.questions.append(question)
        return self.whole.answers.get(question)

    def _unmanaged(self) -> list[str]:
        """What db-manager didn't make and leaves as it is."""
        objects, found = self.live.objects, []
        for name, table in sorted(self.live.tables.items()):
            if ("table", name) not in objects:
                found.append(f"table {name}")
                continue
            found += [f"column {name}.{one}" for one in table.columns if ("column", f"{name}.{one}") not in objects]
            rules = [one for one in table.constraints.values() if (one.kind, one.name) not in objects]
            found += [f"{one.kind.replace('_', ' ')} {name}.{one.name}" for one in rules]
            found += [f"index {name}.{one}" for one in table.indexes if ("index", one) not in objects]
        views = {f"view {name}" for kind, name in objects if kind == "script"}
        views |= {f"sequence {name}" for kind, name in objects if kind == "sequence"}
        known = {name for kind, name in objects if kind in {"made", "found"}} | views
        found += [one for one in self.live.others if one not in known]
        return found

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

    def _table_change(self, collection: Collection, migrations: tuple[Migration, ...]) -> TableChange | None:
        name = collection.name
        if name not in self.live.tables:
            return None
        if ("table", name) not in self.live.objects:
            message = f"has the table {self.schema.name}.{name}, which db-manager didn't make."
            mend = "Move it away (alter table ... rename to ...); taking over a table is not supported yet."
            self._refuse(collection, "collection", message, mend, name)
            return None
        change = TableChange(self.schema, collection, self.live, any(one.collection == name for one in migrations))
        change.answers, change.major = self.whole.answers, self.whole.major
        full = change.full
        change.pointing = tuple(
            (f"{self.schema.name}.{table.name}", one.name)
            for table in self.live.tables.values()
            for one in table.constraints.values()
            if one.kind == "foreign_key" and one.target == full
        )
        return change

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

    def _all_scripts(self) -> tuple[Script, ...]:
        view = render.enumerator_view(self.schema)
        return (*([view] if view else []), *self.schema.scripts)

    def _made(self) -> list[str]:
        return [name for kind, name in self.live.objects if kind == "made"]

    def _script_statements(self, scripts: tuple[Script, ...]) -> tuple[str, ...]:
        path = f"set local search_path = {self.schema.name}, pg_catalog"
        return (path, *(script.sql for script in scripts), *render.grants(self.schema)[2:7])

    def _script_records(self, scripts: tuple[Script, ...]) -> tuple[Remember, ...]:
        kept = [Remember(kind="script", name=script.name, digest=script.digest) for script in scripts]
        return (*kept, *(Remember(kind="script", name=name) for name in self._scripts_gone(scripts)))

    def _scripts_gone(self, scripts: tuple[Script, ...]) -> list[str]:
        kept = {script.name for script in scripts}
        return [name for kind, name in self.live.objects if kind == "script" and name not in kept]

    def _views_of_dropped_columns(self) -> None:
        """A view of a column is in its way, so views go and come in the transaction that drops columns."""
        drops = [step for step in self.later if step.what.startswith("drop column")]
        own = [one for one in self._made() if one != f"view {render.ENUMERATOR_VIEW}"]
        if not drops or not (own or self.schema.scripts) or self.scripts_done:
            return
        scripts = self._all_scripts()
        first = msgspec.structs.replace(
            drops[0],
            what=f"{'; '.join(step.what for step in drops)}; run scripts anew",
            statements=(*(one for step in drops for one in step.statements), *self._script_statements(scripts)),
            remember=(*(one for step in drops for one in step.remember), *self._script_records(scripts)),
            hazards=tuple(one for step in drops for one in step.hazards),
            scripts=scripts,
        )
        self.later = [step for step in self.later if step not in drops]
        self.later.append(first)
        self.scripts_done = True

    def _scripts(self) -> None:
        """What scripts made is dropped and made again as a whole: views of views need no thought."""
        scripts = self._all_scripts()
        recorded = {name: item.digest for (kind, name), item in self.live.objects.items() if kind == "script"}
        changed = [script for script in scripts if recorded.get(script.name) != script.digest]
        gone = self._scripts_gone(scripts)
        about = [one.name for one in self.schema.scripts if any(mentions(one.sql, table) for table in self.reshaped)]
        missing = [name for name in self._made() if name not in self.live.others]
        if self.scripts_done or not (changed or gone or about or missing):
            return
        if [one.name for one in changed] == [render.ENUMERATOR_VIEW] and not gone:
            what = f"list the enumerators in {render.ENUMERATOR_VIEW}"
        else:
            names = [one.name for one in changed or scripts] or [f"without {name}" for name in gone]
            what = f"run {', '.join(names)}"
        new = all(script.name not in recorded for script in changed) and not (gone or about or missing)
        self._step(
            what,
            "it is new" if new else "it changed, or what it is about did",
            *self._script_statements(scripts),
            locks=NEW if not self._made() else brief("the views it replaces"),
            scripts=scripts,
            remember=self._script_records(scripts),
        )

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


def _copy(live: LiveSchema) -> LiveSchema:
    """Planning one change shows the next what will be there by then."""
    tables = {name: _copy_table(table) for name, table in live.tables.items()}
    return msgspec.structs.replace(
        live, tables=tables, objects=dict(live.objects), versions=dict(live.versions), data=dict(live.data)
    )


def _copy_table(table: LiveTable) -> LiveTable:
    return msgspec.structs.replace(
        table, columns=dict(table.columns), constraints=dict(table.constraints), indexes=dict(table.indexes)
    )


def _version_change(collection: Collection, before: str) -> VersionChange:
    return VersionChange(
        collection=collection.name,
        before=before,
        after=collection.version_text,
        digest=collection.digest,
        types_digest=collection.types_digest,
    )
