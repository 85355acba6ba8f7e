"""The planner: a pure function (live database, configuration) -> ordered steps, and reasons to refuse.

The order within a schema: roles, the schema, new tables, new columns, migrations, rules, rewrites, foreign keys of new
tables, views and functions, data, and last what removes something. The same input gives the same plan, and after it is
applied the plan is empty; tests check both.
"""

from typing import Any

import msgspec

from gatehouse_db_manager.config.model import Collection, Configuration, Data, Migration, Schema, short_digest
from gatehouse_db_manager.database.snapshot import DatabaseState, LiveSchema, LiveTable
from gatehouse_db_manager.hazards.sql_lint import pending_problems
from gatehouse_db_manager.hazards.violations import target_of
from gatehouse_db_manager.planning import ddl
from gatehouse_db_manager.planning.columns import change_columns, change_comments, drop_columns, relax
from gatehouse_db_manager.planning.constraints import change_constraints, enforce
from gatehouse_db_manager.planning.dependents import DependencyGraph
from gatehouse_db_manager.planning.drops import drop_tables, drop_unwanted, unlink_tables
from gatehouse_db_manager.planning.existing_rows import refuse_violations
from gatehouse_db_manager.planning.guards import guards, missing, problem, small_key, snapshots, versions
from gatehouse_db_manager.planning.migrations import pending, plan_migrations
from gatehouse_db_manager.planning.plan import Plan, SchemaPlan, Step
from gatehouse_db_manager.planning.rename_columns import rename_columns
from gatehouse_db_manager.planning.rename_tables import make_way, remember_table, rename_tables
from gatehouse_db_manager.planning.schema_objects import LET_IN, close_schema, open_schema, own_sequences
from gatehouse_db_manager.planning.scripts import Scripts
from gatehouse_db_manager.planning.table_change import NOTHING, PlanningState, TableChange, brief, remember
from gatehouse_db_manager.planning.table_rewrite import Rewrite


def make_plan(
    live: DatabaseState, configuration: Configuration, *, environment: str = "", test_data: bool = False
) -> Plan:
    """Plans every schema. `environment`: the one the caller expects; empty skips that check."""
    guarded = tuple(guards(live, environment, test_data))
    with_tests = test_data and not guarded
    planned = [_Planner(live, one, with_tests).plan() for one in configuration.schemas]
    graph = DependencyGraph(live, planned, configuration.schemas)
    schemas = tuple(graph.in_order())
    guarded += tuple(graph.refusals())
    if guarded and schemas:
        first = msgspec.structs.replace(schemas[0], refusals=(*guarded, *schemas[0].refusals))
        schemas = (first, *schemas[1:])
    return Plan(schemas=schemas, environment=live.environment)


class _Planner(PlanningState):
    """Plans one schema."""

    def __init__(self, live: DatabaseState, schema: Schema, test_data: bool) -> None:
        super().__init__(live, _copy(live.schema(schema.name)), schema)
        self.test_data = test_data
        self.notes: list[str] = []
        self.dropped: list[str] = []
        self.scripts = Scripts(schema, self.live)
        # Tables whose columns changed: their views are made again.
        self.reshaped: set[str] = set()

    def plan(self) -> SchemaPlan:
        unmanaged = tuple(self._unmanaged())
        renamed = tuple(rename_tables(self.schema, self.live))
        changed, wrong = versions(self.schema, self.live)
        self.refusals.extend(wrong)
        migrations = pending(self.schema, self.live)
        self.refusals.extend(pending_problems(self.schema, self.live, migrations))
        pins, wrong = snapshots(self.schema, self.live)
        self.refusals.extend(wrong)
        opened = tuple(open_schema(self.whole, self.live, self.schema))
        self.steps.extend(opened)
        for step in renamed:
            names = [item.name for item in step.remember if item.kind == "table" and item.digest is not None]
            clears = tuple(one for name in names for one in self.scripts.in_the_way(name))
            self.steps.append(msgspec.structs.replace(step, clears=clears))
        self.reshaped |= {step.collection for step in renamed}
        self.steps.extend(make_way(self.schema, self.live))
        self._missing_files()
        self.refusals.extend(missing(self.schema, self.live, self.whole, self.ask))
        self.refusals.extend(self.scripts.missing_relations(self.ask))
        fresh = [one for one in self.schema.collections if one.name not in self.live.tables]
        for one in self.scripts.below(fresh):
            self._create(one) if isinstance(one, Collection) else self.steps.append(one)
        # Rows that keys of existing tables need.
        needed = self._needed_rows({one.name for one in fresh})
        self._data(needed)
        self._change(migrations)
        self._references(fresh)
        self.steps.extend(own_sequences(self.live, self.schema))
        before = self.live.tables.values()
        links = list(unlink_tables(self.schema, self.live, self.dropped, {step.collection for step in self.later}))
        drops = list(drop_tables(self.schema, self.live, self.dropped, self.ask))
        self.later = sorted(self.later, key=_when)
        if any(self.scripts.takes(name) for name in self.dropped):
            self.later = [self.scripts.around_all([*links, *self.later, *drops])]
            links = []
            drops = []
        else:
            self.later = self.scripts.around_drops(self.later)
        self.steps.extend(self.scripts.run(self.reshaped, again=any(step.what == LET_IN for step in opened)))
        self._data([one for one in self._rows() if one not in needed])
        self.steps.extend(plan_migrations(self.schema, self.live, migrations, "contract"))
        self.steps.extend((*links, *self.later, *drops))
        self.steps.extend(self.scripts.leave(before))
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
            versions=tuple(changed),
            snapshots=tuple(pins),
            refusals=tuple(self.refusals),
            notes=tuple(self.notes),
            unmanaged=unmanaged,
            dropped=tuple(self.dropped),
            approved=resumed.approved if resumed else (),
            origin=resumed.fingerprint if resumed else "",
            questions=tuple(self.questions),
            roles=self.schema.roles,
            unmade=self.scripts.unmade,
        )

    def _change(self, migrations: tuple[Migration, ...]) -> None:
        """Existing tables: first new columns, then migrations, then rules."""
        changes = [change for one in self.schema.collections if (change := self._table_change(one, migrations))]
        rows = {one.collection: [] for one in self.schema.data}
        for one in self._rows():
            rows[one.collection].append(one)
        for change in changes:
            rename_columns(change)
            refuse_violations(change, rows)
        rewritten = Rewrite(self.schema, self.live.tables, changes).plan()
        for change in changes:
            change_columns(change)
            change_comments(change)
        for kind in ("expand", "backfill"):
            self.steps.extend(plan_migrations(self.schema, self.live, migrations, kind))
        for change in changes:
            enforce(change)
        fallen = {reference for change in changes for reference in change.fallen}
        for change in changes:
            # The keys that they need exist by now; some were dropped together with those.
            change.without({name for table, name in fallen if table == change.full})
            change_constraints(change, "foreign_key")
        if rewritten is not None:
            self.steps.append(self.scripts.around(rewritten))
        for change in changes:
            relax(change)
            drop_unwanted(change)
            drop_columns(change)
            if change.reshaped:
                self.reshaped.add(change.table.name)
            self._note_version(change)

    def _note_version(self, change: TableChange) -> None:
        applied = self.live.versions.get(change.table.name)
        if not (change.tightens and applied):
            return
        before, collection = tuple(map(int, applied.version.split("."))), change.collection
        # With the same version, what was dropped by hand is restored.
        if collection.version[:2] == before[:2] and collection.version != before:
            raised = f"{before[0]}.{before[1] + 1}.0.{collection.version[3]}"
            self.notes.append(
                f"{collection.file}: {collection.version_text} adds a rule that rows can violate; by convention "
                f"that is a minor version ({raised})."
            )

    def _step(self, what: str, why: str, *statements: str, collection: str = "", **more: Any) -> None:
        base: dict[str, Any] = {"schema": self.schema.name, "collection": collection, "what": what, "why": why}
        self.steps.append(Step(**base, statements=statements, **more))

    def _missing_files(self) -> None:
        """Collections without a file; a table from a failed run has no version yet."""
        wanted = {collection.name for collection in self.schema.collections}
        made = {name for kind, name in self.live.objects if kind == "table" and name in self.live.tables}
        self.dropped.extend(sorted((self.live.versions.keys() | made) - wanted))

    def _unmanaged(self) -> list[str]:
        """What db-manager didn't make and leaves unchanged."""
        objects, found = self.live.objects, []
        strange = tuple(f" on {name}" for name in self.live.tables if ("table", name) not in objects)
        for name, table in sorted(self.live.tables.items()):
            if ("table", name) not in objects:
                found.append(f"table {name}")
                continue
            found += [f"column {name}.{one}" for one in table.columns if ("column", f"{name}.{one}") not in objects]
            rules = [one for one in table.constraints.values() if (one.kind, f"{name}.{one.name}") not in objects]
            found += [f"{one.kind.replace('_', ' ')} {name}.{one.name}" for one in rules]
        known = {name for kind, name in objects if kind in {"made", "found"}}
        known |= {f"sequence {name}" for kind, name in objects if kind == "sequence"}
        others = [one for one in self.live.others if one not in known]
        return found + [one for one in others if not (one.startswith("index ") and one.endswith(strange))]

    # Steps

    def _create(self, collection: Collection) -> None:
        table = collection.table
        if note := small_key(collection):
            self.notes.append(note)
        made = [item for item in (*table.constraints, *table.indexes) if getattr(item, "kind", "") != "foreign_key"]
        self._step(
            f"create table {table.name}",
            "it is new",
            *ddl.create_table(self.schema, table),
            collection=table.name,
            clears=self.scripts.in_the_way(table.name),
            remember=(
                remember_table(collection),
                *(remember(table.name, item) for item in (*table.columns, *made)),
            ),
        )

    def _table_change(self, collection: Collection, migrations: tuple[Migration, ...]) -> TableChange | None:
        name = collection.name
        if name not in self.live.tables:
            return None
        if ("table", name) not in self.live.objects:
            message = f"has the table {self.schema.name}.{name}, which db-manager didn't make."
            take = f"gate db import --table {self.schema.name}.{name}"
            fix = f"Move it away (alter table ... rename to ...), or take it over: {take}."
            self.refusals.append(problem(collection, "collection", message, fix, name))
            return None
        return TableChange(self, collection, migrates=any(one.collection == name for one in migrations))

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
                remember=tuple(remember(collection.name, item) for item in keys),
            )

    def _rows(self) -> list[Data]:
        """New or changed data."""
        return [
            data
            for data in self.schema.data
            if self.live.data.get((data.collection, data.kind)) != data.digest
            and (data.kind == "reference" or self.test_data)
        ]

    def _needed_rows(self, fresh: set[str]) -> list[Data]:
        """Data of new tables to which a foreign key of an existing table refers."""
        rules = [rule for one in self.schema.collections if one.name not in fresh for rule in one.table.constraints]
        targets = {target_of(rule.definition)[0] for rule in rules if rule.kind == "foreign_key"}
        names = {target.rpartition(".")[2] for target in targets} & fresh
        return [data for data in self._rows() if data.collection in names]

    def _data(self, changed: list[Data]) -> None:
        if not changed:
            return
        rows = sum(len(data.rows) for data in changed)
        names = ", ".join(data.collection for data in changed)
        self._step(
            f"load {rows:,} rows of {' and '.join(sorted({data.kind for data in changed}))} data",
            f"into {names}: inserts new rows and updates changed ones",
            locks=NOTHING,
            reversible=False,
            # 725 rows take 40 ms on two cores.
            seconds=rows / 15_000,
            data=tuple(changed),
        )


def _when(step: Step) -> int:
    """Of what goes: what refers to something goes before it, whatever their tables; columns after their keys."""
    first = step.remember[0]
    return 2 if first.kind == "column" else 0 if (first.kind, first.digest) == ("foreign_key", None) else 1


def _copy(live: LiveSchema) -> LiveSchema:
    """A copy, as planning updates it to what later steps will find."""
    tables = {name: _copy_table(table) for name, table in live.tables.items()}
    return msgspec.structs.replace(
        live,
        tables=tables,
        objects=dict(live.objects),
        versions=dict(live.versions),
        data=dict(live.data),
        others=list(live.others),
    )


def _copy_table(table: LiveTable) -> LiveTable:
    return msgspec.structs.replace(
        table, columns=dict(table.columns), constraints=dict(table.constraints), indexes=dict(table.indexes)
    )
