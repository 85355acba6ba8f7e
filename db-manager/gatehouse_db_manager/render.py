"""SQL text of what the model holds. Names are legal by validation, so none is quoted."""

from gatehouse_db_manager.model import Column, Index, Schema, Script, Snapshot, Table, short_digest
from gatehouse_db_manager.names import LONGEST
from gatehouse_db_manager.values import quote

ENUMERATOR_VIEW = "enumerator_values"


def create_table(schema: Schema, table: Table) -> tuple[str, ...]:
    """A new table with all that belongs to it but foreign keys, which wait until every table stands."""
    full = f"{schema.name}.{table.name}"
    lines = [column.definition for column in table.columns]
    lines += [f"constraint {item.name} {item.definition}" for item in table.constraints if item.kind != "foreign_key"]
    body = ",\n    ".join(lines)
    return (
        f"create table {full} (\n    {body}\n)",
        *(create_index(schema.name, table.name, index) for index in table.indexes),
        *comments(schema.name, table),
        f"grant select, insert, update, delete on {full} to {schema.service_role}",
        f"grant select on {full} to {schema.reader_role}",
    )


def create_index(schema: str, table: str, index: Index, *, name: str = "", concurrently: bool = False) -> str:
    kind = "unique index" if index.unique else "index"
    how = " concurrently" if concurrently else ""
    return f"create {kind}{how} {name or index.name} on {schema}.{table} {index.definition}"


def comments(schema: str, table: Table) -> tuple[str, ...]:
    """Every comment of a new table."""
    full = f"{schema}.{table.name}"
    described = [comment_on_column(full, column) for column in table.columns if column.description]
    return (f"comment on table {full} is {quote(table.description)}", *described)


def comment_on_column(full: str, column: Column) -> str:
    return f"comment on column {full}.{column.name} is {quote(column.description)}"


def create_role(role: str) -> str:
    """Roles belong to the whole cluster: another database may make the same one at the same moment."""
    return (
        f"do $$ begin create role {role} nologin; exception when duplicate_object or unique_violation then null; end $$"
    )


def create_schema(schema: Schema) -> tuple[str, ...]:
    return (
        *(f'create extension if not exists "{name}" with schema public' for name in schema.extensions),
        f"create schema if not exists {schema.name}",
        f"comment on schema {schema.name} is {quote(schema.description)}",
        f"revoke all on schema {schema.name} from public",
    )


def grants(schema: Schema) -> tuple[str, ...]:
    """What the two roles of a schema may do, in it and in `dbm`; nobody else may do anything."""
    service, reader, name = schema.service_role, schema.reader_role, schema.name
    both = f"{service}, {reader}"
    connect = f"execute format('grant connect on database %I to {both}', current_database())"
    return (
        f"do $$ begin {connect}; end $$",
        f"grant usage on schema {name} to {both}",
        f"grant select, insert, update, delete on all tables in schema {name} to {service}",
        f"grant usage, select on all sequences in schema {name} to {service}",
        f"grant select on all tables in schema {name} to {reader}",
        f"revoke all on all routines in schema {name} from public",
        f"grant execute on all routines in schema {name} to {both}",
        f"grant usage on schema dbm to {both}",
        f"grant select on dbm.version to {both}",
        f"grant execute on function dbm.uuid_v7() to {both}",
    )


def enumerator_view(schema: Schema) -> Script | None:
    """The values that the newest pinned snapshot allows, with their descriptions."""
    if not schema.pinned:
        return None
    snapshot: Snapshot = schema.pinned[-1]
    rows = [
        f"({quote(item.enumerator)}, {quote(item.value)}, {quote(item.description)}, {position}, {snapshot.number})"
        for enumerator in snapshot.enumerators
        for position, item in enumerate((one for one in snapshot.values if one.enumerator == enumerator), start=1)
    ]
    listed = ",\n    ".join(rows)
    sql = (
        f"create or replace view {schema.name}.{ENUMERATOR_VIEW} (name, value, description, position, snapshot) as\n"
        f"select * from (values\n    {listed}\n) as listed (name, value, description, position, snapshot)"
    )
    return Script(name=ENUMERATOR_VIEW, file=snapshot.file, digest=short_digest(sql), sql=sql)


def next_name(name: str) -> str:
    """The name that a new definition of `name` has while it stands beside the old one."""
    suffix = "__next"
    if len(name) + len(suffix) <= LONGEST:
        return name + suffix
    return f"{name[: LONGEST - len(suffix) - 9]}_{short_digest(name)[:8]}{suffix}"
