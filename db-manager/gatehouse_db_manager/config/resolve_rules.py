"""The rules of a collection file -> constraints and indexes, once its columns are known (resolve.py)."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from gatehouse_db_manager.config.documents import Document, Place
from gatehouse_db_manager.config.formats import CollectionFile, ColumnFile, ForeignKeyFile, IndexFile, TypeFile
from gatehouse_db_manager.config.model import Column, Constraint, Index, Snapshot, Table
from gatehouse_db_manager.config.names import MOST_COLUMNS, why_illegal
from gatehouse_db_manager.config.sql_text import is_expression
from gatehouse_db_manager.config.values import BASE_TYPES
from gatehouse_db_manager.errors import Problem, nearest

# Deferrable, so that data with rows that refer to each other can be loaded in any order.
DEFERRABLE = " deferrable initially immediate"
_ORDER = re.compile(r"(?: [a-z][a-z0-9_]*_ops)?(?: asc| desc)?(?: nulls (?:first|last))?\Z")
_OPTION = re.compile(r"[a-z][a-z0-9_]*\Z")


class ReferenceTarget(msgspec.Struct, frozen=True):
    """What a reference may point at: the primary key of a collection."""

    table: str
    column: str
    base: str


class Context(msgspec.Struct):
    """What a collection may refer to. `targets` by `collection` or `schema.collection`; None: no single-column key."""

    schema: str
    types: Mapping[str, TypeFile]
    snapshot: Snapshot | None
    targets: Mapping[str, ReferenceTarget | None]
    schemas: frozenset[str]
    collections: Collection[str] = ()
    unreadable: Collection[str] = ()


def primary_key_of(content: CollectionFile) -> list[str]:
    """The names of the primary key's columns, as the file has them."""
    return content.primary_key or [name for name, column in content.columns.items() if column.primary]


def target_of(content: CollectionFile, types: Mapping[str, TypeFile]) -> ReferenceTarget | None:
    """What a reference to this collection points at, if its primary key is one plain column."""
    key = primary_key_of(content)
    column = content.columns.get(key[0]) if len(key) == 1 else None
    if column is None:
        return None
    custom = types.get(column.type)
    base = custom.base if custom and custom.base is not UNSET else column.type
    return ReferenceTarget(content.collection, key[0], str(base)) if base in BASE_TYPES else None


def target_of_table(table: Table) -> ReferenceTarget | None:
    """The same for an imported table."""
    columns = {column.name: column for column in table.columns}
    key = [columns[name] for name in table.primary_key if name in columns]
    plain = len(key) == 1 and key[0].base in BASE_TYPES
    return ReferenceTarget(table.name, key[0].name, key[0].base) if plain else None


class Rules:
    """Resolves the rules of one collection; `problems` grows as it goes."""

    def __init__(self, document: Document, content: CollectionFile, context: Context) -> None:
        self.document = document
        self.content = content
        self.context = context
        self.problems: list[Problem] = []
        self.columns: list[Column] = []
        self.constraints: list[Constraint] = []
        self.indexes: list[Index] = []

    def rules(self) -> None:
        """Resolves everything but the columns."""
        self._primary_key()
        for name, expression in self.content.checks.items():
            self._check(name, expression, ("checks", name))
        self._uniques()
        self._foreign_keys()
        for name, index in self.content.indexes.items():
            self._index(name, index)
        self._exclusions()
        self._index_references()
        self._names()

    def _refuse(self, place: Place, message: str, fix: str, value: object = None) -> None:
        self.problems.append(self.document.problem(place, message, fix, value))

    def _constraint(
        self,
        name: str,
        place: Place,
        kind: Any,
        definition: str,
        columns: tuple[str, ...] = (),
        values: tuple[str, ...] | None = None,
    ) -> None:
        full = f"{self.content.collection}_{name}"
        key = ".".join(map(str, place))
        self.constraints.append(
            Constraint(name=full, key=key, kind=kind, definition=definition, columns=columns, values=values)
        )

    def _check(self, name: str, expression: str, place: Place) -> None:
        if self._is_one_expression(expression, place):
            self._constraint(name, place, "check", f"check ({expression})")

    def _is_one_expression(self, text: str, place: Place) -> bool:
        if not is_expression(text):
            self._refuse(place, "is not a single SQL expression.", "Write an expression without ; and --.", text)
            return False
        return True

    def _known(self, names: list[str], place: Place) -> bool:
        columns = {column.name: column for column in self.columns}
        unknown = [name for name in names if name not in columns]
        # A column that couldn't be resolved has been reported already.
        misread = self.content.columns.keys() - {column.key for column in self.columns}
        for name in [name for name in unknown if name not in misread]:
            parts = [column.name for column in self.columns if column.key == name]
            hint = f"Use one of its parts: {', '.join(parts)}." if parts else nearest(name, columns)
            self._refuse(place, "is not a column.", hint, name)
        return not unknown

    def _primary_key(self) -> None:
        marked = [name for name, column in self.content.columns.items() if column.primary]
        if marked and self.content.primary_key:
            self._refuse(("primary_key",), "is combined with `primary` on a column.", "Keep one of the two.")
        names = primary_key_of(self.content)
        place: Place = ("primary_key",) if self.content.primary_key else ("columns",)
        if not names:
            fix = "Mark a column, such as `id: {type: identity, primary: true}`."
            self._refuse(place, "has no primary key.", fix)
        elif self._known(names, place):
            key = tuple(names)
            self._constraint("primary_key", place, "primary_key", f"primary key ({', '.join(key)})", key)

    def _uniques(self) -> None:
        for name, unique in self.content.unique.items():
            place = ("unique", name)
            if not self._known(unique.columns, (*place, "columns")):
                continue
            columns = ", ".join(unique.columns)
            nulls = " nulls not distinct" if unique.nulls == "not_distinct" else ""
            if not self._known(unique.include, (*place, "include")):
                continue
            include = f" include ({', '.join(unique.include)})" if unique.include else ""
            if unique.where is UNSET:
                later = "" if unique.deferrable is UNSET else f" deferrable initially {unique.deferrable}"
                definition = f"unique{nulls} ({columns}){include}{later}"
                self._constraint(name, place, "unique", definition, tuple(unique.columns))
            elif unique.deferrable is not UNSET:
                self._refuse((*place, "deferrable"), "can't be combined with `where`.", "Keep one of the two.")
            elif self._is_one_expression(unique.where, (*place, "where")):
                definition = f"using btree ({columns}){include}{nulls} where {unique.where}"
                self._add_index(name, place, definition, unique=True)

    def _index(self, name: str, index: IndexFile) -> None:
        place = ("indexes", name)
        plain = [text.split(" ")[0] for text in index.columns]
        ordered = all(self._is_order(text, (*place, "columns")) for text in index.columns)
        known = self._known(plain, (*place, "columns")) and self._known(index.include, (*place, "include"))
        sound = all(self._is_one_expression(text, (*place, "expressions")) for text in index.expressions)
        if not index.columns and not index.expressions:
            self._refuse(place, "has neither columns nor expressions.", "Name at least one.")
            return
        if index.unique and index.method != "btree":
            self._refuse((*place, "method"), "can't be unique.", "Use btree.", index.method)
        if not all(_OPTION.match(key) and re.fullmatch(r"[\w.]+", str(value)) for key, value in index.options.items()):
            self._refuse((*place, "options"), "has an invalid option.", "Write {fillfactor: 80}.", index.options)
            return
        if not (ordered and known and sound):
            return
        keys = [*index.columns, *map(_as_key, index.expressions)]
        definition = f"using {index.method} ({', '.join(keys)})"
        if index.include:
            definition += f" include ({', '.join(index.include)})"
        if index.nulls == "not_distinct":
            definition += " nulls not distinct"
        if index.options:
            options = (f"{key} = {str(value).lower()}" for key, value in index.options.items())
            definition += f" with ({', '.join(options)})"
        if index.where is not UNSET and self._is_one_expression(index.where, (*place, "where")):
            definition += f" where {index.where}"
        self._add_index(name, place, definition, unique=index.unique)

    def _is_order(self, text: str, place: Place) -> bool:
        if _ORDER.match(text[len(text.split(" ", maxsplit=1)[0]) :]):
            return True
        fix = "Write `name`, `name desc`, `name desc nulls last` or `name text_pattern_ops`."
        self._refuse(place, "is not a column with an order.", fix, text)
        return False

    def _add_index(self, name: str, place: Place, definition: str, *, unique: bool = False) -> None:
        full = f"{self.content.collection}_{name}"
        self.indexes.append(Index(name=full, key=".".join(map(str, place)), definition=definition, unique=unique))

    def _exclusions(self) -> None:
        for name, exclusion in self.content.exclusions.items():
            elements = ", ".join(
                f"{element if element in {column.name for column in self.columns} else f'({element})'} with {operator}"
                for element, operator in exclusion.elements.items()
            )
            place = ("exclusions", name)
            texts = [*exclusion.elements, *([] if exclusion.where is UNSET else [exclusion.where])]
            if not all(self._is_one_expression(text, place) for text in texts):
                continue
            where = "" if exclusion.where is UNSET else f" where ({exclusion.where})"
            definition = f"exclude using {exclusion.using} ({elements}){where}"
            self._constraint(name, ("exclusions", name), "exclusion", definition)

    def _foreign_keys(self) -> None:
        for name, given in self.content.foreign_keys.items():
            place = ("foreign_keys", name)
            if given.to in self.context.unreadable:
                continue
            if given.to not in self.context.collections:
                fix = nearest(given.to, self.context.collections)
                self._refuse((*place, "to"), "is not a collection of this schema.", fix, given.to)
            elif self._known(given.columns, (*place, "columns")):
                key = f" ({', '.join(given.key)})" if given.key else ""
                target = f"references {self.context.schema}.{given.to}{key}"
                definition = f"foreign key ({', '.join(given.columns)}) {target}{actions(given)}{DEFERRABLE}"
                self._constraint(name, place, "foreign_key", definition, tuple(given.columns))

    def _index_references(self) -> None:
        """PostgreSQL doesn't index foreign keys; without an index, deleting a target row scans the whole table."""
        for item in [item for item in self.constraints if item.kind == "foreign_key"]:
            name = item.columns[0]
            full = f"{self.content.collection}_{name}_index"
            if any(leads == name for leads in self._leading_columns()) or any(one.name == full for one in self.indexes):
                continue
            self._add_index(f"{name}_index", tuple(item.key.split(".")), f"using btree ({', '.join(item.columns)})")

    def _leading_columns(self) -> Iterator[str]:
        yield from (item.columns[0] for item in self.constraints if item.kind in {"primary_key", "unique"})
        for index in self.content.indexes.values():
            if index.columns and index.where is UNSET and index.method == "btree":
                yield index.columns[0].split(" ")[0]

    def _names(self) -> None:
        for column in self.columns[MOST_COLUMNS : MOST_COLUMNS + 1]:
            fix = f"Split the collection: PostgreSQL keeps {MOST_COLUMNS:,} columns in a table."
            self._refuse(("columns", column.key), f"is column {MOST_COLUMNS + 1:,}.", fix)
        seen: set[str] = set()
        for item in (*self.constraints, *self.indexes):
            place = tuple(item.key.split("."))
            if illegal := why_illegal(item.name):
                self._refuse(place, f"makes the name {item.name}, which {illegal[0]}", illegal[1])
            elif isinstance(item, Constraint) and item.name.endswith("_not_null"):
                message = f"makes the name {item.name}; PostgreSQL uses such names for NOT NULL constraints."
                self._refuse(place, message, "Rename it.")
            elif item.name in seen:
                self._refuse(place, f"makes the name {item.name} a second time.", "Rename one.")
            seen.add(item.name)


def actions(given: ColumnFile | ForeignKeyFile) -> str:
    """The ON DELETE and ON UPDATE clauses."""
    words = (("on delete", given.on_delete), ("on update", given.on_update))
    return "".join(f" {word} {action}" for word, action in words if action is not UNSET)


def _as_key(expression: str) -> str:
    """An expression as an index key. `(lower(name)) text_pattern_ops` includes its operator class."""
    depth = 0
    place = 0
    for place, letter in enumerate(expression):  # noqa: B007 (where the first bracket closes is used below)
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            break
    rest = expression[place + 1 :] if expression.startswith("(") else "no"
    return expression if rest and _ORDER.match(rest) else f"({expression})"
