"""One collection file -> one table: custom types become base types with checks, enumerators become the values that the
pinned snapshot allows, references become foreign keys. What doesn't fit together is a problem with its line."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from gatehouse_db_manager.documents import Document, Place
from gatehouse_db_manager.errors import Problem, nearest
from gatehouse_db_manager.formats import CollectionFile, ColumnFile, ForeignKeyFile, IndexFile, TypeFile
from gatehouse_db_manager.model import Column, Constraint, Index, Snapshot, Table
from gatehouse_db_manager.names import why_illegal
from gatehouse_db_manager.values import BASE_TYPES, literal, quote, why_unfit

SPECIAL_TYPES = ("enum", "enum_list", "reference")
# Deferrable, so that data with rows that refer to each other can be loaded in any order.
_DEFERRABLE = " deferrable initially immediate"
_COLLATION = re.compile(r"[A-Za-z][A-Za-z0-9_@.-]*\Z")
_ORDER = re.compile(r"(?: [a-z][a-z0-9_]*_ops)?(?: asc| desc)?(?: nulls (?:first|last))?\Z")
_OPTION = re.compile(r"[a-z][a-z0-9_]*\Z")
_VOLATILE_SHORTHANDS = {"timestamp": {"now", "now()"}, "date": {"today", "now", "current_date"}}


class Target(msgspec.Struct, frozen=True):
    """What a reference may point at: the primary key of a collection."""

    table: str
    column: str
    base: str


class Context(msgspec.Struct):
    """What a collection may refer to. `targets` by `collection` or `schema.collection`; None: no single-column key."""

    schema: str
    types: Mapping[str, TypeFile]
    snapshot: Snapshot | None
    targets: Mapping[str, Target | None]
    schemas: frozenset[str]
    collections: Collection[str] = ()


def primary_key_of(content: CollectionFile) -> list[str]:
    """The names of the primary key's columns, as the file has them."""
    return content.primary_key or [name for name, column in content.columns.items() if column.primary]


def target_of(content: CollectionFile, types: Mapping[str, TypeFile]) -> Target | None:
    """What a reference to this collection points at, if its primary key is one plain column."""
    key = primary_key_of(content)
    column = content.columns.get(key[0]) if len(key) == 1 else None
    if column is None:
        return None
    custom = types.get(column.type)
    base = custom.base if custom and custom.base is not UNSET else column.type
    return Target(content.collection, key[0], str(base)) if base in BASE_TYPES else None


class Resolver:
    """Resolves one collection; `problems` grows as it goes, and `table` is only worth having if it didn't."""

    def __init__(self, document: Document, content: CollectionFile, context: Context) -> None:
        self.document = document
        self.content = content
        self.context = context
        self.problems: list[Problem] = []
        self.columns: list[Column] = []
        self.constraints: list[Constraint] = []
        self.indexes: list[Index] = []

    def table(self) -> Table:
        for name, column in self.content.columns.items():
            self._column(name, column)
        self._primary_key()
        for name, expression in self.content.checks.items():
            self._check(name, expression, ("checks", name))
        self._uniques()
        self._foreign_keys()
        for name, index in self.content.indexes.items():
            self._index(name, index)
        self._exclusions()
        self._index_references()
        self._deprecated()
        self._names()
        return Table(
            name=self.content.collection,
            description=self.content.description,
            columns=tuple(self.columns),
            constraints=tuple(self.constraints),
            indexes=tuple(self.indexes),
        )

    def _refuse(self, place: Place, message: str, mend: str = "", value: object = None) -> None:
        self.problems.append(self.document.problem(place, message, mend, value))

    # Columns

    def _column(self, name: str, column: ColumnFile) -> None:
        place = ("columns", name)
        self._misplaced(place, column)
        custom = self.context.types.get(column.type)
        if custom is not None:
            self._custom(name, column, custom, place)
        elif column.type in BASE_TYPES:
            shape = None if column.schema is UNSET else column.schema
            self._add(name, name, column.type, column, place, shape=shape)
            if shape is not None:
                self._shape(name, shape, place)
        elif column.type in {"enum", "enum_list"}:
            self._enumerator(name, column, place)
        elif column.type == "reference":
            self._reference(name, column, place)
        else:
            known = [*BASE_TYPES, *SPECIAL_TYPES, *self.context.types]
            self._refuse((*place, "type"), "is not a known type.", nearest(column.type, known), column.type)

    def _misplaced(self, place: Place, column: ColumnFile) -> None:
        custom = self.context.types.get(column.type)
        base = custom.base if custom and custom.base is not UNSET else column.type
        belongs = {
            "of": (column.of, column.type in {"enum", "enum_list"}, "enum and enum_list"),
            "to": (column.to, column.type == "reference", "reference"),
            "schema": (column.schema, base == "document", "document"),
            "on_delete": (column.on_delete, column.type == "reference", "reference"),
            "on_update": (column.on_update, column.type == "reference", "reference"),
        }
        for key, (value, fits, where) in belongs.items():
            if value is not UNSET and not fits:
                self._refuse((*place, key), f"belongs to columns of type {where} only.", "Remove it.", value)
        self._alone(place, column, base)

    def _alone(self, place: Place, column: ColumnFile, base: Any) -> None:
        """What can't stand together, or only with some types."""
        if column.generated is not UNSET and column.default is not UNSET:
            self._refuse((*place, "default"), "can't stand beside `generated`.", "Keep one of the two.", column.default)
        if column.identity is not UNSET:
            if base not in {"integer", "bigint"}:
                mend = "Use integer or bigint."
                self._refuse((*place, "identity"), "belongs to whole numbers only.", mend, column.identity)
            if column.default is not UNSET or column.generated is not UNSET:
                self._refuse((*place, "identity"), "can't stand beside `default` or `generated`.", "Keep one of them.")
        if column.collation is not UNSET and not _COLLATION.match(column.collation):
            mend = 'Write it as PostgreSQL has it, such as "C" or "de-x-icu".'
            self._refuse((*place, "collation"), "is no name of a collation.", mend, column.collation)

    def _add(self, name: str, key: str, base: str, column: ColumnFile, place: Place, **more: Any) -> None:
        if illegal := why_illegal(name):
            self._refuse(place, *illegal, name)
        if any(other.name == name for other in self.columns):
            self._refuse(place, f"makes a second column {name}.", "Rename one.")
        added = Column(
            name=name,
            key=key,
            base=base,
            sql_type=BASE_TYPES[base],
            required=column.required is True
            or column.primary
            or key in self.content.primary_key
            or column.identity is not UNSET,
            default=more.pop("default", None) or self._default(base, column.default, (*place, "default")),
            generated=None if column.generated is UNSET else column.generated,
            identity="" if column.identity is UNSET else column.identity,
            collation="" if column.collation is UNSET else f'"{column.collation}"',
            description=more.pop("description", "") or column.description,
            renamed_from=None if column.renamed_from is UNSET else column.renamed_from + name.removeprefix(key),
            **more,
        )
        self.columns.append(added)
        if column.unique:
            self._constraint(f"{name}_unique", place, "unique", f"unique ({name})", (name,))

    def _default(self, base: str, default: Any, place: Place) -> str | None:
        if default is UNSET or default is None:
            return None
        if isinstance(default, dict) and default.keys() == {"expression"} and base != "document":
            return str(default["expression"])
        if isinstance(default, str) and default.strip().lower() in _VOLATILE_SHORTHANDS.get(base, ()):
            return "now()" if base == "timestamp" else "current_date"
        if why := why_unfit(base, default):
            mend = f"Give a value of type {base}, or {{expression: ...}} for SQL."
            self._refuse(place, f"{why}, so it can't be the default.", mend, default)
            return None
        return literal(base, default)

    def _custom(self, name: str, column: ColumnFile, custom: TypeFile, place: Place) -> None:
        if custom.base is not UNSET:
            default = custom.default if column.default is UNSET and column.generated is UNSET else column.default
            used = msgspec.structs.replace(column, default=default)
            self._add(name, name, custom.base, used, place, description=column.description or custom.description)
        elif custom.columns is not UNSET:
            self._parts(name, column, custom.columns, place)
        for check, expression in custom.checks.items():
            self._check(f"{name}_{check}", expression.replace("{column}", name), place)

    def _parts(self, name: str, column: ColumnFile, parts: Mapping[str, ColumnFile], place: Place) -> None:
        for key in ("primary", "unique"):
            if getattr(column, key):
                self._refuse((*place, key), f"isn't possible for {column.type}: it has several columns.", "Remove it.")
        defaults = {} if column.default is UNSET else column.default
        if not isinstance(defaults, dict) or defaults.keys() - parts.keys():
            mend = "Give {" + ", ".join(f"{part}: ..." for part in parts) + "}."
            self._refuse((*place, "default"), f"doesn't name the parts of {column.type}.", mend, defaults)
            defaults = {}
        for part, shape in parts.items():
            required = column.required if shape.required is UNSET else shape.required
            default = defaults.get(part, shape.default)
            used = msgspec.structs.replace(shape, required=required, default=default, renamed_from=column.renamed_from)
            words = [text for text in (column.description, shape.description) if text]
            self._add(f"{name}_{part}", name, shape.type, used, place, description=": ".join(words))

    def _enumerator(self, name: str, column: ColumnFile, place: Place) -> None:
        values = self._allowed(column, place)
        is_list = column.type == "enum_list"
        self._add(name, name, "text_list" if is_list else "text", column, place, values=values)
        if not values:
            return
        default = column.default if isinstance(column.default, list) else [column.default]
        for value in default if column.default not in (UNSET, None) else []:
            if not isinstance(value, str) or value not in values:
                self._refuse((*place, "default"), f"is no value of {column.of}.", nearest(str(value), values), value)
        listed = ", ".join(quote(value) for value in values)
        test = f"{name} <@ array[{listed}]::text[]" if is_list else f"{name} in ({listed})"
        self._constraint(f"{name}_enumerator", place, "check", f"check ({test})", (name,), values)

    def _allowed(self, column: ColumnFile, place: Place) -> tuple[str, ...]:
        snapshot = self.context.snapshot
        number = self.content.version.rpartition(".")[2]
        if column.of is UNSET:
            self._refuse((*place, "of"), "is missing.", "Name the enumerator, such as `of: person_status`.")
        elif number == "0":
            mend = "End the version with the number of the file in enumerators/ that it uses, such as 1.0.0.1."
            self._refuse(("version",), "pins no enumerators (the last number is 0), but a column uses one.", mend)
        elif snapshot is not None:
            if values := snapshot.of(column.of):
                return values
            hint = nearest(column.of, snapshot.enumerators)
            self._refuse((*place, "of"), f"is no enumerator of {snapshot.file}.", hint, column.of)
        return ()

    def _reference(self, name: str, column: ColumnFile, place: Place) -> None:
        if column.to is UNSET:
            self._refuse((*place, "to"), "is missing.", "Name the collection, such as `to: person`.")
            return
        schema, _, table = column.to.rpartition(".")
        elsewhere = bool(schema) and schema != self.context.schema
        if elsewhere and schema not in self.context.schemas:
            # A database image holds one service only: the other's collections can't be looked up there.
            described = ". ".join(text for text in (column.description, f"Id of {column.to}") if text)
            self._add(name, name, "uuid", column, place, description=described)
            return
        target = self.context.targets.get(column.to if elsewhere else table)
        if target is None:
            exists = (column.to if elsewhere else table) in self.context.targets
            hint = "Refer to a collection with one key column." if exists else nearest(column.to, self.context.targets)
            message = "has a primary key of several columns." if exists else "is not a collection."
            self._refuse((*place, "to"), message, hint, column.to)
            return
        if elsewhere:
            described = ". ".join(text for text in (column.description, f"Id of {column.to}") if text)
            self._add(name, name, target.base, column, place, description=described)
            return
        self._add(name, name, target.base, column, place)
        definition = f"foreign key ({name}) references {self.context.schema}.{table} ({target.column})"
        self._constraint(
            f"{name}_reference", place, "foreign_key", definition + _actions(column) + _DEFERRABLE, (name,)
        )

    def _foreign_keys(self) -> None:
        for name, given in self.content.foreign_keys.items():
            place = ("foreign_keys", name)
            if given.to not in self.context.collections:
                mend = nearest(given.to, self.context.collections)
                self._refuse((*place, "to"), "is not a collection of this schema.", mend, given.to)
            elif self._known(given.columns, (*place, "columns")):
                key = f" ({', '.join(given.key)})" if given.key else ""
                target = f"references {self.context.schema}.{given.to}{key}"
                definition = f"foreign key ({', '.join(given.columns)}) {target}{_actions(given)}{_DEFERRABLE}"
                self._constraint(name, place, "foreign_key", definition, tuple(given.columns))

    def _shape(self, name: str, schema: dict[str, Any], place: Place) -> None:
        """What of a JSON Schema can be said as a simple CHECK: the top level's type and its required keys."""
        import jsonschema  # noqa: PLC0415 (takes 60 ms, and few collections need it)

        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            where = ".".join(map(str, error.absolute_path))
            self._refuse((*place, "schema"), f"is no JSON Schema (2020-12): {where}: {error.message}.", "Mend it.")
            return
        tests = []
        if schema.get("type") in {"object", "array", "string", "number", "boolean"}:
            tests.append(f"jsonb_typeof({name}) = {quote(schema['type'])}")
        if schema.get("type") == "object" and schema.get("required"):
            keys = ", ".join(quote(key) for key in schema["required"])
            tests.append(f"{name} ?& array[{keys}]::text[]")
        if tests:
            self._constraint(f"{name}_shape", place, "check", f"check ({' and '.join(tests)})", (name,))

    # Constraints and indexes

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
        if ";" in text or "--" in text or text.count("(") != text.count(")"):
            self._refuse(place, "is not one SQL expression.", "Write a condition without ; and --.", text)
            return False
        return True

    def _known(self, names: list[str], place: Place) -> bool:
        columns = {column.name: column for column in self.columns}
        unknown = [name for name in names if name not in columns]
        for name in unknown:
            parts = [column.name for column in self.columns if column.key == name]
            hint = f"Use one of its parts: {', '.join(parts)}." if parts else nearest(name, columns)
            self._refuse(place, "is not a column.", hint, name)
        return not unknown

    def _primary_key(self) -> None:
        marked = [name for name, column in self.content.columns.items() if column.primary]
        if marked and self.content.primary_key:
            self._refuse(("primary_key",), "stands beside `primary` on a column.", "Keep one of the two.")
        names = primary_key_of(self.content)
        place: Place = ("primary_key",) if self.content.primary_key else ("columns",)
        if not names:
            mend = "Mark a column, such as `id: {type: identity, primary: true}`."
            self._refuse(place, "has no primary key.", mend)
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
                self._refuse((*place, "deferrable"), "can't stand beside `where`.", "Keep one of the two.")
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
            self._refuse((*place, "options"), "has what is no option.", "Write {fillfactor: 80}.", index.options)
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
        mend = "Write `name`, `name desc`, `name desc nulls last` or `name text_pattern_ops`."
        self._refuse(place, "is not a column with an order.", mend, text)
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
            where = "" if exclusion.where is UNSET else f" where ({exclusion.where})"
            definition = f"exclude using {exclusion.using} ({elements}){where}"
            self._constraint(name, ("exclusions", name), "exclusion", definition)

    def _index_references(self) -> None:
        """PostgreSQL doesn't index foreign keys; without one, deleting a target row reads the whole table."""
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

    def _deprecated(self) -> None:
        for name, reason in self.content.deprecated.items():
            known = {column.key for column in self.columns} | {column.name for column in self.columns}
            if name not in known:
                self._refuse(("deprecated", name), "is not a column.", nearest(name, known))
            for number, column in enumerate(self.columns):
                if name in {column.name, column.key}:
                    text = ". ".join(text for text in (column.description, f"Deprecated: {reason}") if text)
                    self.columns[number] = msgspec.structs.replace(column, description=text)

    def _names(self) -> None:
        seen: set[str] = set()
        for item in (*self.constraints, *self.indexes):
            place = tuple(item.key.split("."))
            if illegal := why_illegal(item.name):
                self._refuse(place, f"makes the name {item.name}, which {illegal[0]}", illegal[1])
            elif item.name in seen:
                self._refuse(place, f"makes the name {item.name} a second time.", "Rename one.")
            seen.add(item.name)


def _actions(given: ColumnFile | ForeignKeyFile) -> str:
    """What happens to a row whose target goes or changes its key."""
    words = (("on delete", given.on_delete), ("on update", given.on_update))
    return "".join(f" {word} {action}" for word, action in words if action is not UNSET)


def _as_key(expression: str) -> str:
    """An expression as an index has it. `(lower(name)) text_pattern_ops` says its operator class itself."""
    depth = 0
    place = 0
    for place, letter in enumerate(expression):  # noqa: B007 (where the first bracket closes is used below)
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            break
    rest = expression[place + 1 :] if expression.startswith("(") else "no"
    return expression if rest and _ORDER.match(rest) else f"({expression})"
