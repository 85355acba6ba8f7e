"""The plan between two configurations, without a database, as shown in a promotion's preview.

It assumes a database that matches the older configuration and has rows in every table, so each step shows the locks it
would take in production. Only a real plan knows how many rows are affected.
"""

from gatehouse_db_manager.config.model import Configuration, Schema, Table
from gatehouse_db_manager.config.names import given_by_postgres
from gatehouse_db_manager.database.bookkeeping import LAYOUT
from gatehouse_db_manager.database.snapshot import (
    AppliedVersion,
    DatabaseState,
    LiveColumn,
    LiveConstraint,
    LiveIndex,
    LiveSchema,
    LiveTable,
    Recorded,
)
from gatehouse_db_manager.planning.plan import Plan, SchemaPlan
from gatehouse_db_manager.planning.planner import make_plan

SOME_ROWS = 8192  # bytes: one page, so not empty


def plan_between(before: Configuration, after: Configuration) -> Plan:
    """Plans the change from `before` to `after`. A schema that `before` lacks is new."""
    return make_plan(as_applied(before), after)


def as_applied(configuration: Configuration) -> DatabaseState:
    """The state of a database right after `apply`, as far as planning needs it."""
    schemas = configuration.schemas
    empty = DatabaseState(bootstrapped=True, layout=LAYOUT)
    first = {plan.schema: plan for plan in make_plan(empty, configuration).schemas}
    return DatabaseState(
        bootstrapped=True,
        layout=LAYOUT,
        roles=frozenset(role for schema in schemas for role in (schema.service_role, schema.reader_role)),
        schemas={schema.name: _schema(schema, first[schema.name]) for schema in schemas},
    )


def _schema(schema: Schema, plan: SchemaPlan) -> LiveSchema:
    kept = [item for step in plan.steps for item in step.remember if item.digest is not None]
    # What a script makes is unknown before it runs; a view of its name stands in for it.
    views = [f"view {item.name}" for item in kept if item.kind == "script"]
    return LiveSchema(
        exists=True,
        tables={one.name: _table(schema, one.table) for one in schema.collections},
        objects={
            **{(item.kind, item.name): Recorded(digest=item.digest or "", details=dict(item.details)) for item in kept},
            **{("made", view): Recorded(digest="") for view in views},
        },
        others=views,
        versions={
            one.name: AppliedVersion(
                version=one.version_text, digest=one.digest, types_digest=one.types_digest, applied_at=""
            )
            for one in schema.collections
        },
        snapshots={one.number: one.digest for one in schema.pinned},
        data={(one.collection, one.kind): one.digest for one in schema.data},
        migrations=frozenset(one.key for one in schema.migrations),
    )


def _table(schema: Schema, table: Table) -> LiveTable:
    return LiveTable(
        name=table.name,
        size=SOME_ROWS,
        description=table.description,
        columns={
            one.name: LiveColumn(
                name=one.name,
                sql_type=one.sql_type,
                required=one.required,
                default=one.generated or one.default,
                generated=one.generated is not None,
                virtual=one.virtual,
                sequence=given_by_postgres(table.name, one.name, "seq") if one.serial else "",
                description=one.description,
            )
            for one in table.columns
        },
        constraints={
            one.name: LiveConstraint(
                name=one.name, kind=one.kind, valid=True, definition=one.definition, columns=one.columns
            )
            for one in table.constraints
        },
        indexes={
            one.name: LiveIndex(name=one.name, valid=True, unique=one.unique, definition=one.definition)
            for one in table.indexes
        },
    )
