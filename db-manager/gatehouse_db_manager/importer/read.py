"""Reads an existing database, as PostgreSQL's text: all that `gate db import` writes to files or lists by name."""

from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse_db_manager.importer import queries

if TYPE_CHECKING:
    import psycopg


class FoundTable(msgspec.Struct, kw_only=True):
    """`special`: why it can't be a collection, such as "is partitioned"; `extras`: what its file can't express."""

    schema: str
    name: str
    description: str
    special: str
    options: str
    columns: list[dict[str, Any]] = []
    constraints: dict[str, str] = {}
    indexes: dict[str, str] = {}
    extras: list[str] = []


class FoundScript(msgspec.Struct, frozen=True):
    """SQL that creates a view, function, trigger or policy. `name` of the file; `table`: of a trigger or policy."""

    schema: str
    name: str
    what: str
    sql: str
    table: str = ""


class ImportFindings(msgspec.Struct, kw_only=True):
    """`others`: what import doesn't write to files, by name; it is left unchanged."""

    schemas: dict[str, str]
    extensions: list[tuple[str, str]]
    tables: list[FoundTable]
    scripts: list[FoundScript]
    others: list[tuple[str, str]]
    sequences: dict[str, dict[str, dict[str, Any]]] = {}


def read(connection: "psycopg.Connection[Any]", schemas: tuple[str, ...] | None = None) -> ImportFindings:
    """Reads all schemas but PostgreSQL's own and dbm, or those named, in one snapshot. Read-only."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        # With this path PostgreSQL qualifies every name.
        connection.execute("set local search_path = pg_catalog")
        about = {name: text for name, text in _rows(connection, queries.SCHEMAS) if not schemas or name in schemas}
        given = {"schemas": list(about)}
        found = ImportFindings(
            schemas=about,
            extensions=_rows(connection, queries.EXTENSIONS),
            tables=[
                FoundTable(schema=schema, name=name, description=text, special=special, options=options)
                for schema, name, text, special, options in _rows(connection, queries.TABLES, given)
            ],
            scripts=[],
            others=_rows(connection, queries.OTHERS, given),
        )
        tables = {(table.schema, table.name): table for table in found.tables}
        _columns(tables, _rows(connection, queries.COLUMNS, given))
        _constraints(tables, _rows(connection, queries.CONSTRAINTS, given))
        _indexes(tables, _rows(connection, queries.INDEXES, given))
        for schema, name, *values in _rows(connection, queries.SEQUENCES, given):
            keys = ("type", "start", "increment", "minimum", "maximum", "cache", "cycle", "owned_by")
            found.sequences.setdefault(schema, {})[name] = dict(zip(keys, values, strict=True))
        _functions(found, _rows(connection, queries.FUNCTIONS, given))
        _views(found, _rows(connection, queries.VIEWS, given))
        _triggers(found, _rows(connection, queries.TRIGGERS, given))
        _policies(found, _rows(connection, queries.SECURED, given), _rows(connection, queries.POLICIES, given))
    # An empty schema, such as an unused `public`, is not managed.
    used = {one.schema for one in (*found.tables, *found.scripts)} | {schema for schema, _ in found.others}
    used |= found.sequences.keys()
    found.others += [("", f"schema {name}: nothing is in it") for name in about if name not in {*used, "public"}]
    found.schemas = {name: text for name, text in about.items() if name in used or (schemas and name in schemas)}
    return found


def _rows(connection: "psycopg.Connection[Any]", query: str, given: dict[str, Any] | None = None) -> list[Any]:
    return connection.execute(query.encode(), given).fetchall()


def _columns(tables: dict[tuple[str, str], FoundTable], rows: list[Any]) -> None:
    names = ("name", "type", "required", "default", "generated", "identity", "description", "collation", "sequence")
    for schema, table, *values in rows:
        tables[schema, table].columns.append(dict(zip(names, values, strict=True)))


def _constraints(tables: dict[tuple[str, str], FoundTable], rows: list[Any]) -> None:
    for schema, table, name, _kind, valid, definition, comment in rows:
        found = tables[schema, table]
        if valid:
            found.constraints[name] = definition
        else:
            found.extras.append(f"constraint {name} of {schema}.{table}: it isn't valid for every row")
        if comment:
            found.extras.append(f"comment on constraint {name} of {schema}.{table}")


def _indexes(tables: dict[tuple[str, str], FoundTable], rows: list[Any]) -> None:
    for schema, table, name, valid, unique, definition, comment in rows:
        found = tables[schema, table]
        if valid:
            using = definition[definition.index(" USING ") + 1 :]
            found.indexes[name] = f"unique {using}" if unique else using
        else:
            found.extras.append(f"index {name} of {schema}.{table}: it was left half-built")
        if comment:
            found.extras.append(f"comment on index {name} of {schema}.{table}")


def _functions(found: ImportFindings, rows: list[Any]) -> None:
    for schema, name, kind, arguments, definition, signature, comment in rows:
        what = f"{'procedure' if kind == 'p' else 'function'} {schema}.{name}({arguments})"
        if definition is None:
            found.others.append(
                (schema, f"{'aggregate' if kind == 'a' else 'window function'} {schema}.{name}({arguments})")
            )
        else:
            sql = definition.rstrip() + ";\n"
            if comment:
                sql += f"comment on {'procedure' if kind == 'p' else 'function'} {signature} is {_quoted(comment)};\n"
            found.scripts.append(FoundScript(schema, name, what, sql))


def _views(found: ImportFindings, rows: list[Any]) -> None:
    for schema, name, kind, definition, options, comment, described in rows:
        full = f'"{schema}"."{name}"'
        if kind == "m":
            found.others.append((schema, f"materialized view {schema}.{name}"))
            continue
        given = f" with ({options})" if options else ""
        sql = f"create or replace view {full}{given} as\n{definition.rstrip().rstrip(';')};\n"
        if comment:
            sql += f"comment on view {full} is {_quoted(comment)};\n"
        for column, text in described:
            sql += f"comment on column {full}.{column} is {_quoted(text)};\n"
        found.scripts.append(FoundScript(schema, name, f"view {schema}.{name}", sql))


def _triggers(found: ImportFindings, rows: list[Any]) -> None:
    for schema, table, name, definition, enabled, constraint, comment in rows:
        what = f"trigger {name} on {schema}.{table}"
        if enabled != "O" or constraint:
            reason = "it is a constraint trigger" if constraint else "it isn't simply enabled"
            found.others.append((schema, f"{what}: {reason}"))
        else:
            sql = definition.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1) + ";\n"
            if comment:
                sql += f'comment on trigger "{name}" on "{schema}"."{table}" is {_quoted(comment)};\n'
            found.scripts.append(FoundScript(schema, f"{table}_{name}", what, sql, table))


def _policies(found: ImportFindings, secured: list[Any], policies: list[Any]) -> None:
    """One file per table: row-level security and its policies."""
    commands = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
    by_table: dict[tuple[str, str], list[str]] = {}
    for schema, table, enabled, forced in secured:
        lines = by_table.setdefault((schema, table), [])
        if enabled:
            lines.append(f'alter table "{schema}"."{table}" enable row level security;\n')
        if forced:
            lines.append(f'alter table "{schema}"."{table}" force row level security;\n')
    for schema, table, name, permissive, command, roles, using, check, comment in policies:
        sql = f'drop policy if exists "{name}" on "{schema}"."{table}";\n'
        kind = "permissive" if permissive else "restrictive"
        sql += f'create policy "{name}" on "{schema}"."{table}" as {kind} for {commands[command]} to {", ".join(roles)}'
        sql += f"\n    using ({using})" if using else ""
        sql += f"\n    with check ({check})" if check else ""
        sql += ";\n"
        if comment:
            sql += f'comment on policy "{name}" on "{schema}"."{table}" is {_quoted(comment)};\n'
        by_table.setdefault((schema, table), []).append(sql)
    for (schema, table), lines in by_table.items():
        what = f"row-level security of {schema}.{table}"
        found.scripts.append(FoundScript(schema, f"{table}_policies", what, "".join(lines), table))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
