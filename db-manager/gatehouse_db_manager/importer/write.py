"""Writes what read.py found as configuration files, and lists by name what they can't express."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from gatehouse_db_manager.config.imported import SCRIPT_MARK
from gatehouse_db_manager.config.names import given_by_postgres, why_illegal
from gatehouse_db_manager.errors import Problem, RefusedError
from gatehouse_db_manager.importer.read import FoundTable, ImportFindings

FIRST_VERSION = "1.0.0.0"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """`files` by path below the root; `unmanaged`: what is left unchanged, by name, some with the reason."""

    files: dict[str, str]
    unmanaged: tuple[str, ...]
    schemas: tuple[str, ...]


def write(found: ImportFindings, root: Path) -> Imported:
    """Writes the files below `root`. Raises RefusedError, and writes nothing, if a schema is there already."""
    imported = files_of(found)
    existing = [schema for schema in imported.schemas if (root / "services" / schema / "database").exists()]
    if existing:
        problems = [
            Problem(
                file=f"services/{schema}/database",
                message="exists already; importing would overwrite it.",
                fix="Pass another folder with --out, or choose schemas with --schema.",
            )
            for schema in existing
        ]
        raise RefusedError(problems)
    for path, text in imported.files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    return imported


def files_of(found: ImportFindings) -> Imported:
    """The files as text; a pure function of what was found."""
    files: dict[str, str] = {}
    unmanaged: list[str] = []
    schemas = []
    for schema, description in found.schemas.items():
        if illegal := why_illegal(schema):
            unmanaged.append(f"schema {schema}: its name {illegal[0]}")
            continue
        left = {one.name for one in found.tables if one.schema == schema and _why_left(one)}
        scripts = [one for one in found.scripts if one.schema == schema and one.table not in left]
        managed = [one for one in found.tables if one.schema == schema and one.name not in left]
        lost = [one for one in found.scripts if one.schema == schema and one.table in left]
        unmanaged += [f"{one.what}: its table is not in the files" for one in lost]
        if schema == "public" and not (managed or scripts or found.sequences.get(schema)):
            # It exists in every database: import it only if there is something to manage.
            unmanaged += [
                f"table {schema}.{one.name}: it {_why_left(one)}" for one in found.tables if one.schema == schema
            ]
            continue
        schemas.append(schema)
        folder = f"services/{schema}/database"
        extensions = [name for name, place in found.extensions if place == "public"] if len(schemas) == 1 else []
        content: dict[str, Any] = {"imported": True, "schema": schema}
        if description:
            content["description"] = description
        if extensions:
            content["extensions"] = extensions
        content["roles"] = {"service": f"{schema}_service", "reader": f"{schema}_reader"}
        if sequences := dict(_sequences(schema, found, unmanaged)):
            content["sequences"] = sequences
        files[f"{folder}/schema.yaml"] = _yaml(content)
        _without_the_rest([one for one in found.tables if one.schema == schema], found.tables, unmanaged)
        for table in (one for one in found.tables if one.schema == schema):
            if why := _why_left(table):
                unmanaged.append(f"table {schema}.{table.name}: it {why}")
            else:
                files[f"{folder}/collections/{table.name}.yaml"] = _yaml(_collection(table, found, unmanaged))
        for number, script in enumerate(scripts, start=1):
            name = "".join(letter if letter.isalnum() else "_" for letter in script.name.lower())
            files[f"{folder}/repeatable/{number:03}_{name}.sql"] = f"{SCRIPT_MARK}{script.what}\n{script.sql}"
    unmanaged += [f"extension {name} (in {place})" for name, place in found.extensions if place != "public"]
    unmanaged += [name for schema, name in found.others if schema in {"", "public", *schemas}]
    return Imported(files=files, unmanaged=tuple(unmanaged), schemas=tuple(schemas))


def _sequences(schema: str, found: ImportFindings, unmanaged: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    tables = {one.name: one for one in found.tables if one.schema == schema}
    for name, options in found.sequences.get(schema, {}).items():
        table, _, column = (options["owned_by"] or "").partition(".")
        owner = tables.get(table)
        if owner and any(one["name"] == column and _is_serial(owner, one, found) for one in owner.columns):
            continue
        if illegal := why_illegal(name):
            unmanaged.append(f'sequence "{name}" of {schema}: its name {illegal[0]}')
            continue
        if table and (owner is None or _why_left(owner) or why_illegal(column)):
            unmanaged.append(f"sequence {schema}.{name}: the table or column that owns it is not in the files")
            continue
        yield name, {key: value for key, value in options.items() if value is not None}


def _without_the_rest(tables: list[FoundTable], everything: list[FoundTable], unmanaged: list[str]) -> None:
    """Leaves out rules about columns or tables that are left out: elsewhere they could not be created."""
    left = [one for one in everything if _why_left(one)]
    places = [f" REFERENCES {_ident(one.schema)}.{_ident(one.name)}(" for one in left]
    for table in tables:
        if _why_left(table):
            continue
        columns = [_ident(one["name"]) for one in table.columns if why_illegal(one["name"])]
        for kind, rules in (("constraint", table.constraints), ("index", table.indexes)):
            for name, definition in list(rules.items()):
                about = [one for one in (*columns, *places) if one in definition]
                if about and not why_illegal(name):
                    del rules[name]
                    what = about[0].removeprefix(" REFERENCES ").removesuffix("(")
                    unmanaged.append(f"{kind} {name} of {table.schema}.{table.name}: it is about {what}")


def _ident(name: str) -> str:
    return name if why_illegal(name) is None else '"' + name.replace('"', '""') + '"'


def _why_left(table: FoundTable) -> str:
    if table.special:
        return table.special
    if illegal := why_illegal(table.name):
        return f"has a name that {illegal[0]}"
    legal = [column for column in table.columns if not why_illegal(column["name"])]
    return "" if legal else "has no column that can be written down"


def _collection(table: FoundTable, found: ImportFindings, unmanaged: list[str]) -> dict[str, Any]:
    full = f"{table.schema}.{table.name}"
    unmanaged += table.extras
    if table.options:
        unmanaged.append(f"options of table {full}: {table.options}")
    columns = {}
    for column in table.columns:
        if illegal := why_illegal(column["name"]):
            unmanaged.append(f'column "{column["name"]}" of {full}: its name {illegal[0]}')
        else:
            columns[column["name"]] = dict(_column(table, column, found))
    content: dict[str, Any] = {"imported": True, "collection": table.name}
    if table.description:
        content["description"] = table.description
    content |= {"version": FIRST_VERSION, "columns": columns}
    for key, kind, items in (("constraints", "constraint", table.constraints), ("indexes", "index", table.indexes)):
        kept = {}
        for name, definition in items.items():
            if illegal := why_illegal(name):
                unmanaged.append(f'{kind} "{name}" of {full}: its name {illegal[0]}')
            else:
                kept[name] = definition
        if kept:
            content[key] = kept
    return content


def _column(table: FoundTable, column: dict[str, Any], found: ImportFindings) -> Iterator[tuple[str, Any]]:
    yield "type", column["type"]
    if column["required"]:
        yield "required", True
    if column["identity"]:
        yield "identity", {"a": "always", "d": "by default"}[column["identity"]]
    elif column["generated"]:
        yield "generated", column["default"]
        if column["generated"] == "v":
            yield "virtual", True
    elif column["default"] is not None:
        yield "default", column["default"]
        if _is_serial(table, column, found):
            yield "serial", True
    if column["collation"]:
        yield "collation", column["collation"]
    if column["description"]:
        yield "description", column["description"]


def _is_serial(table: FoundTable, column: dict[str, Any], found: ImportFindings) -> bool:
    """Whether it is what `serial` makes: the column owns the sequence of its default, of the usual name and options."""
    largest = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}.get(column["type"])
    name = given_by_postgres(table.name, column["name"], "seq")
    usual = {"type": column["type"], "start": 1, "increment": 1, "minimum": 1, "maximum": largest, "cache": 1}
    usual |= {"cycle": False, "owned_by": f"{table.name}.{column['name']}"}
    counts = column["default"] == f"nextval('{table.schema}.{name}'::regclass)"
    return counts and found.sequences.get(table.schema, {}).get(name) == usual


def _yaml(content: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(content, out)
    return out.getvalue()
