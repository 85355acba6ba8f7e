"""SQL of the model. Names are validated, so none is quoted."""

from gatehouse_db_manager.config.model import Column, Constraint, Index, Schema, Script, Snapshot, Table, short_digest
from gatehouse_db_manager.config.names import LONGEST, given_by_postgres
from gatehouse_db_manager.config.values import quote

ENUMERATOR_VIEW = "enumerator_values"


def create_table(schema: Schema, table: Table) -> tuple[str, ...]:
    """Creates a table with everything but foreign keys, which wait until every table exists."""
    full = f"{schema.name}.{table.name}"
    lines = [column.definition for column in table.columns]
    own = [item for item in table.constraints if item.kind != "foreign_key"]
    # PostgreSQL silently makes only one of two constraints over the same columns in one statement.
    again = [item for number, item in enumerate(own) if any(_same(item, one) for one in own[:number])]
    lines += [f"constraint {item.name} {item.definition}" for item in own if item not in again]
    body = ",\n    ".join(lines)
    return (
        f"create table {full} (\n    {body}\n)",
        *(f"alter table {full} add constraint {item.name} {item.definition}" for item in again),
        *(create_index(schema.name, table.name, index) for index in table.indexes),
        f"comment on table {full} is {quote(table.description)}",
        *(comment_on_column(full, column) for column in table.columns if column.description),
        f"grant select, insert, update, delete on {full} to {schema.service_role}",
        f"grant select on {full} to {schema.reader_role}",
    )


def _same(one: Constraint, other: Constraint) -> bool:
    keys = {"primary_key", "unique"}
    if one.kind == "exclusion":
        return one.definition == other.definition
    return one.kind in keys and other.kind in keys and one.columns == other.columns


def create_index(schema: str, table: str, index: Index, *, concurrently: bool = False) -> str:
    kind = "unique index" if index.unique else "index"
    how = " concurrently" if concurrently else ""
    return f"create {kind}{how} {index.name} on {schema}.{table} {index.definition}"


def comment_on_column(full: str, column: Column) -> str:
    return f"comment on column {full}.{column.name} is {quote(column.description)}"


def number_column(schema: str, table: str, column: Column, *, identity: str) -> str:
    """Makes an existing column an identity (`identity`: its kind) or serial (empty). It goes on counting where the
    sequence was that it had, or after its highest number."""
    full, name = f"{schema}.{table}", column.name
    owned = f"pg_get_serial_sequence('{full}', '{name}')"
    if identity:
        old = f"execute 'alter table {full} alter column {name} drop default'; execute format('drop sequence %s', was);"
        kind = f"generated {identity} as identity"
        new = f"alter table {full} alter column {name} drop default, alter column {name} add {kind}"
    else:
        sequence = f"{schema}.{given_by_postgres(table, name, 'seq')}"
        old = f"execute 'alter table {full} alter column {name} drop identity if exists';"
        new = (
            f"create sequence if not exists {sequence} as {column.sql_type}; "
            f"alter sequence {sequence} owned by {full}.{name}; "
            f"alter table {full} alter column {name} set default nextval('{sequence}')"
        )
    first = f"greatest(coalesce(max({name}), 0) + 1, 1, kept)"
    return (
        f"do $$ declare was text := {owned}; kept bigint; begin "
        f"if was is not null then kept := nextval(was); {old} end if; {new}; "
        f"perform setval({owned}, {first}, false) from {full}; end $$"
    )


def create_role(role: str) -> str:
    """Roles are shared by the cluster: another database may create the same one concurrently."""
    return (
        f"do $$ begin create role {role} nologin; exception when duplicate_object or unique_violation then null; end $$"
    )


def create_schema(schema: Schema) -> tuple[str, ...]:
    return (
        *(f'create extension if not exists "{name}" with schema public' for name in schema.extensions),
        f"create schema if not exists {schema.name}",
        *([f"comment on schema {schema.name} is {quote(schema.description)}"] if schema.description else []),
    )


def grants(schema: Schema) -> tuple[str, ...]:
    """What the two roles of a schema may do, in it and in `dbm`. No statement takes a right from another role."""
    service, reader, name = schema.service_role, schema.reader_role, schema.name
    both = f"{service}, {reader}"
    connect = f"execute format('grant connect on database %I to {both}', current_database())"
    own = (
        f"select oid from pg_class where relkind = 'S' and relnamespace = '{name}'::regnamespace "  # noqa: S608 (checked)
        "and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'i')"
    )
    return (
        f"do $$ begin {connect}; end $$",
        f"grant usage on schema {name} to {both}",
        f"grant select, insert, update, delete on all tables in schema {name} to {service}",
        # Not sequences of identity columns: inserts need no right on them.
        f"do $$ declare one regclass; begin for one in {own} loop "
        f"execute format('grant usage, select on sequence %s to {service}', one); end loop; end $$",
        f"grant select on all tables in schema {name} to {reader}",
        f"grant execute on all routines in schema {name} to {both}",
        f"grant usage on schema dbm to {both}",
        f"grant select on dbm.version to {both}",
        f"grant execute on function dbm.uuid_v7() to {both}",
    )


def rights_of_tables(schema: Schema) -> tuple[str, ...]:
    """What both roles may do with the tables and sequences that stand; a script that runs next may take some of it."""
    tables = ", ".join(f"{schema.name}.{one.name}" for one in schema.collections)
    if not tables:
        return ()
    return (
        f"grant select, insert, update, delete on {tables} to {schema.service_role}",
        grants(schema)[3],
        f"grant select on {tables} to {schema.reader_role}",
    )


def rights_of_new(schema: Schema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What both roles may do with what scripts make: statements before they run, so that a script may say otherwise,
    and after."""
    service, both = schema.service_role, f"{schema.service_role}, {schema.reader_role}"
    rights = (
        ("select, insert, update, delete on tables", service),
        ("select on tables", schema.reader_role),
        ("usage, select on sequences", service),
        ("execute on routines", both),
    )
    place = f"alter default privileges in schema {schema.name}"
    everybody = "alter default privileges {} execute on routines {} public"
    # Everybody may run a new routine, unless it is said for all schemas that they may not.
    said = (
        "select from pg_default_acl where defaclrole = current_user::regrole and defaclnamespace = 0 "
        "and defaclobjtype = 'f'"
    )
    close = f"perform set_config('dbm.routines', 'closed', true); {everybody.format('revoke', 'from')}"
    opened = f"if current_setting('dbm.routines', true) = 'closed' then {everybody.format('grant', 'to')}; end if"
    return (
        (
            *(f"{place} grant {right} to {role}" for right, role in rights),
            f"do $$ begin if not exists ({said}) then {close}; end if; end $$",
        ),
        (
            *(f"{place} revoke {right} from {role}" for right, role in rights),
            f"do $$ begin {opened}; end $$",
        ),
    )


def shut_out(schema: Schema, role: str) -> str:
    """Revokes all rights of a former role in the schema, in `dbm` and to connect."""
    statements = (
        f"execute format('revoke all on database %I from {role}', current_database())",
        *(
            f"revoke all on all {kind} in schema {schema.name} from {role}"
            for kind in ("tables", "sequences", "routines")
        ),
        f"revoke all on schema {schema.name}, dbm from {role}",
        f"revoke all on dbm.version from {role}",
        f"revoke all on function dbm.uuid_v7() from {role}",
    )
    return f"do $$ begin if to_regrole('{role}') is not null then {'; '.join(statements)}; end if; end $$"


def enumerator_view(schema: Schema) -> Script | None:
    """The view of values that the newest pinned snapshot allows, with descriptions."""
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
    """The temporary name of a new definition of `name` while the old one exists."""
    return with_suffix(name, "__next")


def with_suffix(name: str, suffix: str) -> str:
    """A temporary name; if it would be too long, shortened but unique."""
    if len(name) + len(suffix) <= LONGEST:
        return name + suffix
    return f"{name[: LONGEST - len(suffix) - 9]}_{short_digest(name)[:8]}{suffix}"
