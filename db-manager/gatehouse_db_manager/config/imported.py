"""Collection files written by `gate db import` (`imported: true`): names, types and rules are PostgreSQL's text, as
another tool chose them. Otherwise they are collections like any other; write new ones in the ordinary format
(formats.py)."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_db_manager.config.documents import Document, Place, digest, read_yaml
from gatehouse_db_manager.config.formats import Text, decode
from gatehouse_db_manager.config.model import Collection, Column, Constraint, ConstraintKind, Index, Table
from gatehouse_db_manager.config.names import MOST_COLUMNS, why_illegal
from gatehouse_db_manager.config.sql_text import is_expression
from gatehouse_db_manager.config.values import BASE_TYPES
from gatehouse_db_manager.errors import Problem

_KINDS: dict[str, ConstraintKind] = {
    "primary key": "primary_key",
    "unique": "unique",
    "check": "check",
    "foreign key": "foreign_key",
    "exclude": "exclusion",
}
_MARK = re.compile(r'^[{\s]*"?imported"?:\s*true', re.MULTILINE)
SCRIPT_MARK = "-- Imported: "
_BASES = {sql_type: base for base, sql_type in BASE_TYPES.items()}


class _ImportedFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class ImportedColumn(_ImportedFile, frozen=True, kw_only=True):
    """`type`, `default` and `generated` are SQL; `serial`: a number from a sequence of the column's own."""

    type: Text
    description: str = ""
    required: bool = False
    default: Text | UnsetType = UNSET
    generated: Text | UnsetType = UNSET
    virtual: bool = False
    renamed_from: Text | UnsetType = UNSET
    identity: Literal["always", "by default"] | UnsetType = UNSET
    serial: bool = False
    collation: Text | UnsetType = UNSET


class ImportedFile(_ImportedFile, frozen=True, kw_only=True):
    """services/<service>/database/collections/<collection>.yaml of an imported table."""

    imported: Literal[True]
    collection: Text
    description: str = ""
    version: Annotated[str, Meta(pattern=r"^\d{1,5}\.\d{1,5}\.\d{1,5}\.0$")]
    columns: Annotated[dict[str, ImportedColumn], Meta(min_length=1)]
    constraints: dict[str, Text] = {}
    indexes: dict[str, Text] = {}
    deprecated: dict[str, Text] = {}
    renamed_from: Text | UnsetType = UNSET


def is_imported(text: str) -> bool:
    """Whether a collection file is imported. Searches its text, as every run checks every file."""
    return bool(_MARK.search(text))


def has_imported(folder: Path) -> bool:
    """Whether a schema's folder has an imported collection or script."""
    texts = [file.read_text(encoding="utf-8-sig", errors="replace") for file in folder.glob("*/*.*") if file.is_file()]
    return any(is_imported(text) or text.startswith(SCRIPT_MARK) for text in texts)


def read_imported(file: Path, label: str, problems: list[Problem]) -> Collection | None:
    """The collection, or None with the problems added."""
    document = read_yaml(file, label)
    content: ImportedFile | None = decode(document, ImportedFile, problems)
    if content is None:
        return None
    if content.collection != file.stem:
        fix = f'Write "{file.stem}", or rename the file.'
        problems.append(document.problem(("collection",), "is not the name of its file.", fix, content.collection))
    version = tuple(map(int, content.version.split(".")))
    return Collection(
        name=content.collection,
        file=label,
        version=(version[0], version[1], version[2], version[3]),
        digest=document.digest,
        types_digest=digest("[]"),
        table=_table(document, content, problems),
        renamed_from=None if content.renamed_from is UNSET else content.renamed_from,
    )


def _table(document: Document, content: ImportedFile, problems: list[Problem]) -> Table:
    constraints = []
    _check_texts(document, content, problems)
    for name, definition in content.constraints.items():
        kind = next((kind for word, kind in _KINDS.items() if definition.lower().startswith(word)), None)
        if kind is None:
            fix = f"Start with one of: {', '.join(_KINDS)}."
            problems.append(document.problem(("constraints", name), "is not a constraint.", fix, definition))
            continue
        columns = _columns_of(definition) if kind in {"primary_key", "unique", "foreign_key"} else ()
        constraints.append(
            Constraint(name=name, key=f"constraints.{name}", kind=kind, definition=definition, columns=columns)
        )
    return Table(
        name=content.collection,
        description=content.description,
        columns=tuple(_column(name, column, content) for name, column in content.columns.items()),
        constraints=tuple(constraints),
        indexes=tuple(_index(name, definition) for name, definition in content.indexes.items()),
    )


def _check_texts(document: Document, content: ImportedFile, problems: list[Problem]) -> None:
    """Names and SQL in the file: they become part of statements."""
    texts: list[tuple[Place, str]] = [(("constraints", name), text) for name, text in content.constraints.items()]
    texts += [(("indexes", name), text) for name, text in content.indexes.items()]
    for name, column in content.columns.items():
        given = {"type": column.type, "default": column.default, "generated": column.generated}
        texts += [(("columns", name, key), text) for key, text in given.items() if isinstance(text, str)]
    for place, text in texts:
        if not is_expression(text):
            problems.append(document.problem(place, "is not a single SQL expression.", "Remove what follows it.", text))
    names: list[tuple[Place, str]] = [
        ((), content.collection),
        *((("columns", name), name) for name in content.columns),
    ]
    names += [(("constraints", name), name) for name in content.constraints]
    names += [(("indexes", name), name) for name in content.indexes]
    for place, name in names:
        if illegal := why_illegal(name):
            problems.append(document.problem(place, *illegal, name))
    for name in list(content.columns)[MOST_COLUMNS : MOST_COLUMNS + 1]:
        fix = f"Split the collection: PostgreSQL keeps {MOST_COLUMNS:,} columns in a table."
        problems.append(document.problem(("columns", name), f"is column {MOST_COLUMNS + 1:,}.", fix))


def _column(name: str, column: ImportedColumn, content: ImportedFile) -> Column:
    reason = content.deprecated.get(name)
    parts = (column.description, f"Deprecated: {reason}" if reason else "")
    more: dict[str, Any] = {
        "default": None if column.default is UNSET else column.default,
        "generated": None if column.generated is UNSET else column.generated,
        "identity": "" if column.identity is UNSET else column.identity,
        "collation": "" if column.collation is UNSET else column.collation,
    }
    return Column(
        name=name,
        key=name,
        base=_BASES.get(column.type, "sql"),
        # PostgreSQL words a type of `public`, where db-manager looks for names, without its schema.
        sql_type=column.type.removeprefix("public."),
        required=column.required,
        description=". ".join(part for part in parts if part),
        serial=column.serial,
        virtual=column.virtual,
        renamed_from=None if column.renamed_from is UNSET else column.renamed_from,
        **more,
    )


def _index(name: str, definition: str) -> Index:
    unique = definition.lower().startswith("unique ")
    text = definition[len("unique ") :] if unique else definition
    return Index(name=name, key=f"indexes.{name}", definition=text, unique=unique)


def _columns_of(definition: str) -> tuple[str, ...]:
    """The columns of `primary key (a, b)`, `unique nulls not distinct (a)` or `foreign key (a) references ...`."""
    inner = definition.partition("(")[2].partition(")")[0]
    return tuple(part.strip() for part in inner.split(","))
