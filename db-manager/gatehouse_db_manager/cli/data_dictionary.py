"""A data dictionary in Markdown and an entity diagram in Mermaid, from the configuration alone.

Written by `gate db docs --out DIR`; not committed, as it is derived from the configuration.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from gatehouse_db_manager.config.model import Collection, Column, Configuration, Schema

_REFERENCE = re.compile(r"foreign key \((\w+)\) references (\w+)\.(\w+)")
_ELSEWHERE = re.compile(r"Id of (\w+)\.(\w+)")


def documents(configuration: Configuration) -> dict[str, str]:
    """The files by name: index.md, and a page and a diagram per schema."""
    files = {"index.md": _index(configuration)}
    for schema in configuration.schemas:
        files[f"{schema.name}.md"] = _page(schema)
        files[f"{schema.name}.mmd"] = diagram(schema)
    return files


def write(configuration: Configuration, folder: Path) -> list[Path]:
    """Writes the documents into `folder`, creating it if needed. Other files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in documents(configuration).items():
        file = folder / name
        file.write_text(text, encoding="utf-8", newline="\n")
        written.append(file)
    return written


def diagram(schema: Schema) -> str:
    """An entity diagram. References to another schema are dotted: they are ids, not foreign keys."""
    lines = ["erDiagram"]
    for collection in schema.collections:
        lines.append(f"    {collection.name} {{")
        for column in collection.table.columns:
            marks = " ".join(_marks(collection, column))
            kind = re.sub(r"\W+", "_", column.base)
            lines.append(f"        {kind} {column.name}{' ' + marks if marks else ''}")
        lines.append("    }")
    for collection in schema.collections:
        for column, target in _references(collection):
            solid = target[0] == schema.name
            other = target[1] if solid else f'"{target[0]}.{target[1]}"'
            link = ("|o" if not column.required else "||") + ("--" if solid else "..") + "o{"
            lines.append(f"    {other} {link} {collection.name} : {column.name}")
    return "\n".join(lines) + "\n"


def _index(configuration: Configuration) -> str:
    lines = ["# Data dictionary", "", "| schema | description | collections |", "| --- | --- | --- |"]
    for schema in configuration.schemas:
        names = ", ".join(f"[{one.name}]({schema.name}.md#{one.name})" for one in schema.collections)
        lines.append(f"| [{schema.name}]({schema.name}.md) | {_cell(schema.description)} | {names} |")
    return "\n".join(lines) + "\n"


def _page(schema: Schema) -> str:
    lines = [f"# {schema.name}", "", f"{schema.description}.".replace("..", "."), ""]
    lines += [f"Written by the role `{schema.service_role}`, read by `{schema.reader_role}`.", ""]
    lines += ["```mermaid", diagram(schema).rstrip(), "```", ""]
    for collection in schema.collections:
        lines += _collection(collection)
    if schema.pinned:
        lines += _enumerators(schema)
    return "\n".join(lines).rstrip() + "\n"


def _collection(collection: Collection) -> Iterator[str]:
    yield from (f"## {collection.name}", "", f"{collection.table.description} (version {collection.version_text})", "")
    yield "| column | type | | what it means |"
    yield "| --- | --- | --- | --- |"
    for column in collection.table.columns:
        facts = [*_marks(collection, column), *(["required"] if column.required else [])]
        if column.default is not None:
            facts.append(f"default `{_cell(column.default)}`")
        if column.generated is not None:
            facts.append(f"generated: `{_cell(column.generated)}`")
        words = column.description + (f" One of: {', '.join(column.values)}." if column.values else "")
        yield f"| {column.name} | {column.sql_type} | {', '.join(facts)} | {_cell(words.strip())} |"
    yield ""
    rules = [f"- `{item.name}`: `{item.definition}`" for item in collection.table.constraints]
    rules += [
        f"- `{item.name}`: {'unique ' if item.unique else ''}index `{item.definition}`"
        for item in collection.table.indexes
    ]
    if rules:
        yield from ("Rules and indexes:", "", *rules, "")


def _enumerators(schema: Schema) -> Iterator[str]:
    snapshot = schema.pinned[-1]
    yield from ("## Enumerators", "", f"From snapshot {snapshot.number}.", "")
    yield from ("| enumerator | value | what it means |", "| --- | --- | --- |")
    for item in snapshot.values:
        yield f"| {item.enumerator} | {item.value} | {_cell(item.description)} |"


def _marks(collection: Collection, column: Column) -> Iterator[str]:
    """PK, FK and UK, in Mermaid's own letters and order."""
    marks = []
    for kind, mark in (("primary_key", "PK"), ("foreign_key", "FK"), ("unique", "UK")):
        if any(item.kind == kind and column.name in item.columns for item in collection.table.constraints):
            marks.append(mark)
    yield from [", ".join(marks)] if marks else []


def _references(collection: Collection) -> Iterator[tuple[Column, tuple[str, str]]]:
    columns = {column.name: column for column in collection.table.columns}
    for item in collection.table.constraints:
        if item.kind == "foreign_key" and (found := _REFERENCE.match(item.definition)):
            yield columns[found[1]], (found[2], found[3])
    for column in columns.values():
        if found := _ELSEWHERE.search(column.description):
            yield column, (found[1], found[2])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
