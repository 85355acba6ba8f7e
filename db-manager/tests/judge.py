"""What must come of the rows when one made-up database becomes another: an oracle that knows nothing of plans.

The rows that were there are put into a database that was made as B from the start, each value cast to its new type.
If B takes them, the change must succeed and the rows be just these; if it doesn't, the change must be refused or fail.
"""

import shutil
from random import Random
from typing import Any

import psycopg

from gatehouse_db_manager import load
from gatehouse_db_manager.config.values import BASE_TYPES
from gatehouse_db_manager.planning.rename_columns import due

from .generated import PARTS, SNAPSHOTS, Content, Databases, base_of, bases, primary_key
from .world import Checkout, Database

FOLDER = "services/person/database"
_NUMBERS = {"integer", "bigint", "numeric"}
Rows = dict[str, list[dict[str, str | None]]]


def write(checkout: Checkout, databases: Databases, number: int) -> Any:
    """The files of these collections and of no others, as version 1.<number>.0."""
    shutil.rmtree(checkout.root / FOLDER, ignore_errors=True)
    checkout.schema("person")
    for snapshot, values in SNAPSHOTS.items():
        checkout.enumerators(snapshot, **values)
    for name, content in databases.items():
        given = {key: value for key, value in content.items() if key != "snapshot"}
        given |= {"collection": name, "version": f"1.{number}.0.{content['snapshot']}"}
        checkout.write(f"{FOLDER}/collections/{name}.yaml", given)
    return load(checkout.root)


# Rows


def fill(database: Database, databases: Databases, random: Random, count: int) -> None:
    """Rows with values that any type may be made of, where their rules allow; references point at rows that exist."""
    styles = {name: random.randrange(6) for content in databases.values() for name in content["columns"]}
    holes = {(name, n): random.random() < 0.15 for name in styles for n in range(1, count + 1)}
    with database.connect() as connection:
        for empty_links in (False, True):
            try:
                with connection.transaction():
                    connection.execute("set constraints all deferred")
                    for table in databases:
                        for n in range(1, count + 1):
                            _insert(connection, databases, table, n, (styles, holes, empty_links))
                    connection.execute("set constraints all immediate")
            except psycopg.IntegrityError:
                continue
            return


def _insert(connection: Any, databases: Databases, table: str, n: int, how: tuple[Any, Any, bool]) -> None:
    styles, holes, empty_links = how
    content, given = databases[table], {}
    linked = {one for key in content.get("foreign_keys", {}).values() for one in key["columns"]}
    for name, column in content["columns"].items():
        kind = column["type"]
        needed = column.get("required") or name in primary_key(content) or "identity" in column
        link = name in linked or (kind == "reference" and "." not in column["to"])
        if "generated" in column or (not needed and (holes[name, n] or (link and empty_links))):
            continue
        if kind in PARTS:
            given |= dict(zip([f"{name}_{part}" for part in PARTS[kind]], _of_parts(kind, n), strict=True))
        else:
            given[name] = _value(databases, table, name, n, styles)
    types = bases(databases, content)
    columns, marks = ", ".join(given), ", ".join(f"%s::text::{BASE_TYPES[types[name]]}" for name in given)
    statement = f"insert into person.{table} ({columns}) overriding system value values ({marks})"
    if not given:
        statement = f"insert into person.{table} default values"
    try:
        with connection.transaction():
            connection.execute(statement.encode(), list(given.values()) or None)
    except (psycopg.IntegrityError, psycopg.DataError):
        return


def _of_parts(kind: str, n: int) -> list[str]:
    return [str(n), "EUR"] if kind == "money" else [f"2000-01-0{n}T00:00:00Z", _uuid(n), f"r{n}"]


def _uuid(n: int) -> str:
    return f"019a0000-0001-7000-8000-00000000000{n}"


def _value(databases: Databases, table: str, name: str, n: int, styles: dict[str, int], depth: int = 0) -> str:
    """Row n refers to row n: so it has the value of what it refers to."""
    content = databases[table]
    column = content["columns"].get(name)
    if column is None:
        part = next(
            one for one in content["columns"] if name.startswith(f"{one}_") and content["columns"][one]["type"] in PARTS
        )
        kind = content["columns"][part]["type"]
        return dict(zip(PARTS[kind], _of_parts(kind, n), strict=True))[name.removeprefix(f"{part}_")]
    if column["type"] == "reference" and "." not in column["to"] and depth < 4:
        (key,) = primary_key(databases[column["to"]])
        return _value(databases, column["to"], key, n, styles, depth + 1)
    for link in content.get("foreign_keys", {}).values():
        if name in link["columns"] and depth < 4:
            key = link.get("key") or primary_key(databases[link["to"]])
            return _value(databases, link["to"], key[link["columns"].index(name)], n, styles, depth + 1)
    kind, base = column["type"], base_of(databases, column)
    if kind in {"enum", "enum_list"}:
        values = SNAPSHOTS[content["snapshot"]][column["of"]]
        value = values[n % len(values)].replace("'", "''")
        return value.replace("''", "'") if kind == "enum" else '{"' + value.replace("''", "'") + '"}'
    special = {
        "email": f"p{n}@example.org",
        "url": f"https://example.org/{n}",
        "phone": f"+493012345{n}",
        "rating": str(n),
        "markdown": f"# it's {n}",
    }
    if kind in special:
        return special[kind]
    style = styles.get(name, 0)
    texts = [str(n), f"text {n}", _uuid(n), f'{{"kind": {n}}}', f"2000-01-0{n}", "true" if n % 2 else "false"]
    values = {
        "text": texts[style],
        "number": str(n) if style % 2 else f"{n}.50",
        "boolean": "true" if n % 2 else "false",
        "date": f"2000-01-0{n}",
        "timestamp": f"2000-01-0{n}T00:00:00Z" if style % 2 else f"2000-01-0{n}T12:30:00Z",
        "uuid": _uuid(n),
        "document": f'{{"kind": {n}}}' if style % 2 or column.get("schema") else str(n),
        "text_list": f"{{a,{n}}}",
        "uuid_list": f"{{{_uuid(n)}}}",
        "bytes": f"\\x0{n}",
        "interval": f"{n} hours",
    }
    return values.get(base, str(n))


def rows(database: Database) -> Rows:
    """Every table's rows, each value as PostgreSQL's text, with its type in front."""
    found: Rows = {}
    with database.connect() as connection:
        for name, columns in _tables(connection).items():
            listed = ", ".join(f"{column}::text" for column in columns)
            query = f"select {listed} from person.{name}"
            found[name] = [
                dict(zip(columns, row, strict=True)) for row in connection.execute(query.encode()).fetchall()
            ]
    return found


def types(database: Database) -> dict[str, dict[str, str]]:
    with database.connect() as connection:
        return _tables(connection)


def _tables(connection: Any) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    query = """select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
        from pg_class c left join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
        where relnamespace = 'person'::regnamespace and relkind = 'r' order by c.relname, attnum"""
    for table, column, kind in connection.execute(query).fetchall():
        found.setdefault(table, {})
        if column:
            found[table][column] = kind
    return found


# What must come of them


def sources(one: Databases, other: Databases) -> dict[str, str]:
    """Each table of B that was a table of A: under its own name, or the one that it says it had."""
    return _origins(one, other)


def _origins(one: Content, other: Content) -> dict[str, str]:
    """For tables, or columns, of the same names: which of A each one of B was."""
    given = {name: what["renamed_from"] for name, what in other.items() if "renamed_from" in what}
    moved = due(given, one, other, lambda new, old: one[new].get("renamed_from") == old)
    kept = {name: name for name in other if name in one and name not in moved.values()}
    return kept | moved


def column_sources(one: Content, other: Content, was: dict[str, str], now: dict[str, str]) -> dict[str, str]:
    """The same for the columns of one table; a type of several columns has each of its own."""
    return _origins(_real(one["columns"], was), _real(other["columns"], now))


def _real(columns: Content, real: dict[str, str]) -> Content:
    found = {}
    for key, column in columns.items():
        for part in PARTS.get(column["type"], {"": ""}):
            tail = f"_{part}" if part else ""
            found[f"{key}{tail}"] = {word: was + tail for word, was in column.items() if word == "renamed_from"}
    return {name: given for name, given in found.items() if name in real}


def expected(
    made: Database, before: Rows, was: dict[str, dict[str, str]], one: Databases, other: Databases
) -> Rows | psycopg.Error:
    """The rows in B, or why B can't hold them. `made`: an empty database made as B; it stays so."""
    with made.connect() as connection:
        known = _tables(connection)
        query = "select attrelid::regclass::text, attname from pg_attribute where attgenerated <> ''"
        generated = {(table.rpartition(".")[2], column) for table, column in connection.execute(query).fetchall()}
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("set constraints all deferred")
                for table, old in sources(one, other).items():
                    for row in before[old]:
                        places = column_sources(one[old], other[table], was[old], known[table])
                        given = {name: one for name, one in places.items() if (table, name) not in generated}
                        _carry(connection, table, given, row, (was[old], known[table]))
                connection.execute("set constraints all immediate")
                found: Rows = {}
                for name, columns in known.items():
                    listed = ", ".join(f"{column}::text" for column in columns)
                    result = connection.execute(f"select {listed} from person.{name}".encode()).fetchall()
                    found[name] = [dict(zip(columns, row, strict=True)) for row in result]
                return found
        except psycopg.Error as error:
            return error


def _carry(
    connection: Any,
    table: str,
    places: dict[str, str],
    row: dict[str, str | None],
    kinds: tuple[dict[str, str], dict[str, str]],
) -> None:
    was, now = kinds
    names, marks, values = [], [], []
    for name, kind in now.items():
        old = places.get(name)
        if old is None:
            continue
        names.append(name)
        direct = {was[old], kind} <= _NUMBERS or {was[old], kind} == {"integer", "boolean"}
        cast = f"{was[old]}::{kind}" if direct or was[old] == kind else kind
        marks.append(f"%s::text::{cast}")
        values.append(row[old])
        if was[old] not in {kind, "text"} and row[old] is not None:
            back = f"%s::text::{cast}::{'' if direct else 'text::'}{was[old]}"
            found = connection.execute(
                f"select {back} is not distinct from %s::text::{was[old]}".encode(), [row[old]] * 2
            )
            if not found.fetchone()[0]:
                raise psycopg.DataError(f"{row[old]} is another {kind}")
    statement = f"insert into person.{table} ({', '.join(names)}) overriding system value values ({', '.join(marks)})"
    if not names:
        statement = f"insert into person.{table} default values"
    connection.execute(statement.encode(), values or None)


def lost(before: Rows, one: Databases, other: Databases, now: dict[str, dict[str, str]], was: Any) -> list[str]:
    """Columns with values that B has no place for, as `table.column`; tables with rows as `table`."""
    found = []
    places = {old: name for name, old in sources(one, other).items()}
    for table, listed in before.items():
        if table not in places:
            found += [table] if listed else []
            continue
        name = places[table]
        taken = set(column_sources(one[table], other[name], was[table], now[name]).values())
        found += [
            f"{name}.{column}"
            for column in was[table]
            if column not in taken and any(row[column] is not None for row in listed)
        ]
    return found


def compare(expected: Rows, found: Rows, one: Databases, other: Databases, was: Any, now: Any) -> None:
    """Every value that was carried over, or is a constant default, is as it must be."""
    origins = sources(one, other)
    for table, content in other.items():
        old = origins.get(table)
        places = column_sources(one[old], content, was[old], now[table]) if old else {}
        columns = [name for name in now[table] if _is_fixed(content, name, name in places)]
        rows_expected, rows_found = (
            sorted(str([row[name] for name in columns]) for row in some[table]) for some in (expected, found)
        )
        assert rows_expected == rows_found, (table, columns)


def _is_fixed(content: Content, name: str, carried: bool) -> bool:
    column = content["columns"].get(name)
    if column is None:
        return carried or name.endswith(("_amount", "_currency"))
    if "generated" in column or carried:
        return "generated" not in column
    default = column.get("default")
    varies = isinstance(default, dict) or default in ("now", "today") or "identity" in (*column, column["type"])
    return not varies
