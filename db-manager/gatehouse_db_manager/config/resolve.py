"""One collection file -> one table: custom types become base types with checks, enumerators the values of the pinned
snapshot, references foreign keys. Contradictions are problems with their line."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from gatehouse_db_manager.config.documents import Place
from gatehouse_db_manager.config.formats import ColumnFile, TypeFile
from gatehouse_db_manager.config.model import Column, Table
from gatehouse_db_manager.config.names import why_illegal
from gatehouse_db_manager.config.resolve_rules import DEFERRABLE, Rules, actions
from gatehouse_db_manager.config.values import BASE_TYPES, literal, quote, why_unfit
from gatehouse_db_manager.errors import nearest

SPECIAL_TYPES = ("enum", "enum_list", "reference")
_COLLATION = re.compile(r"[A-Za-z][A-Za-z0-9_@.-]*\Z")
_VOLATILE_SHORTHANDS = {"timestamp": {"now", "now()"}, "date": {"today", "now", "current_date"}}


class Resolver(Rules):
    """Resolves one collection; `table` is only valid if `problems` stays empty."""

    def table(self) -> Table:
        for name, column in self.content.columns.items():
            self._column(name, column)
        self.rules()
        self._deprecated()
        return Table(
            name=self.content.collection,
            description=self.content.description,
            columns=tuple(self.columns),
            constraints=tuple(self.constraints),
            indexes=tuple(self.indexes),
        )

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
                self._refuse((*place, key), f"is for columns of type {where} only.", "Remove it.", value)
        self._alone(place, column, base)

    def _alone(self, place: Place, column: ColumnFile, base: Any) -> None:
        """Keys that exclude each other, or need certain types."""
        if column.generated is not UNSET and column.default is not UNSET:
            self._refuse(
                (*place, "default"), "can't be combined with `generated`.", "Keep one of the two.", column.default
            )
        if column.identity is not UNSET:
            if base not in {"integer", "bigint"}:
                fix = "Use integer or bigint."
                self._refuse((*place, "identity"), "is for integer columns only.", fix, column.identity)
            if column.default is not UNSET or column.generated is not UNSET:
                self._refuse(
                    (*place, "identity"), "can't be combined with `default` or `generated`.", "Keep one of them."
                )
        if column.collation is not UNSET and not _COLLATION.match(column.collation):
            fix = 'Write it as PostgreSQL has it, such as "C" or "de-x-icu".'
            self._refuse((*place, "collation"), "is not the name of a collation.", fix, column.collation)

    def _add(self, name: str, key: str, base: str, column: ColumnFile, place: Place, **more: Any) -> None:
        if illegal := why_illegal(name):
            self._refuse(place, *illegal, name)
        if any(other.name == name for other in self.columns):
            self._refuse(place, f"makes a second column {name}.", "Rename one.")
        if column.generated is not UNSET:
            self._is_one_expression(column.generated, (*place, "generated"))
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
            expression = str(default["expression"])
            return expression if self._is_one_expression(expression, place) else None
        if isinstance(default, str) and default.strip().lower() in _VOLATILE_SHORTHANDS.get(base, ()):
            return "now()" if base == "timestamp" else "current_date"
        if why := why_unfit(base, default):
            fix = f"Give a value of type {base}, or {{expression: ...}} for SQL."
            self._refuse(place, f"{why}, so it can't be the default.", fix, default)
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
            fix = "Give {" + ", ".join(f"{part}: ..." for part in parts) + "}."
            self._refuse((*place, "default"), f"doesn't name the parts of {column.type}.", fix, defaults)
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
                self._refuse((*place, "default"), f"is not a value of {column.of}.", nearest(str(value), values), value)
        listed = ", ".join(quote(value) for value in values)
        test = f"{name} <@ array[{listed}]::text[]" if is_list else f"{name} in ({listed})"
        self._constraint(f"{name}_enumerator", place, "check", f"check ({test})", (name,), values)

    def _allowed(self, column: ColumnFile, place: Place) -> tuple[str, ...]:
        snapshot = self.context.snapshot
        number = self.content.version.rpartition(".")[2]
        if column.of is UNSET:
            self._refuse((*place, "of"), "is missing.", "Name the enumerator, such as `of: person_status`.")
        elif number == "0":
            fix = "End the version with the number of the file in enumerators/ that it uses, such as 1.0.0.1."
            self._refuse(("version",), "pins no enumerators (the last number is 0), but a column uses one.", fix)
        elif snapshot is not None:
            if values := snapshot.of(column.of):
                return values
            hint = nearest(column.of, snapshot.enumerators)
            self._refuse((*place, "of"), f"is not an enumerator in {snapshot.file}.", hint, column.of)
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
        if (column.to if elsewhere else table) in self.context.unreadable:
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
        self._constraint(f"{name}_reference", place, "foreign_key", definition + actions(column) + DEFERRABLE, (name,))

    def _shape(self, name: str, schema: dict[str, Any], place: Place) -> None:
        """The part of a JSON Schema that a simple CHECK can express: the top level's type and required keys."""
        import jsonschema  # noqa: PLC0415 (takes 60 ms, and few collections need it)

        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            where = ".".join(map(str, error.absolute_path))
            self._refuse(
                (*place, "schema"), f"is not a JSON Schema (2020-12): {where}: {error.message}.", "Correct the schema."
            )
            return
        tests = []
        if schema.get("type") in {"object", "array", "string", "number", "boolean"}:
            tests.append(f"jsonb_typeof({name}) = {quote(schema['type'])}")
        if schema.get("type") == "object" and schema.get("required"):
            keys = ", ".join(quote(key) for key in schema["required"])
            tests.append(f"{name} ?& array[{keys}]::text[]")
        if tests:
            self._constraint(f"{name}_shape", place, "check", f"check ({' and '.join(tests)})", (name,))

    def _deprecated(self) -> None:
        for name, reason in self.content.deprecated.items():
            known = {column.key for column in self.columns} | {column.name for column in self.columns}
            if name not in known:
                self._refuse(("deprecated", name), "is not a column.", nearest(name, known))
            for number, column in enumerate(self.columns):
                if name in {column.name, column.key}:
                    text = ". ".join(text for text in (column.description, f"Deprecated: {reason}") if text)
                    self.columns[number] = msgspec.structs.replace(column, description=text)
