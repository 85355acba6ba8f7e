"""The files of `services/*/database` and `db-manager/types` as structs.

Only their shape; load.py and resolve.py check what the values mean together.
"""

from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_db_manager.config.documents import Document, Place, show
from gatehouse_db_manager.errors import Problem, nearest

Text = Annotated[str, Meta(min_length=1)]
Action = Literal["no action", "restrict", "cascade", "set null", "set default"]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Roles(_File, frozen=True, kw_only=True):
    """The two roles of a schema: `service` reads and writes its tables, `reader` reads them."""

    service: Text
    reader: Text


class SequenceFile(_File, frozen=True, kw_only=True):
    """A sequence, with the options of CREATE SEQUENCE. `owned_by`: `collection.column`, with which it is dropped."""

    type: Literal["smallint", "integer", "bigint"] = "bigint"
    start: int | UnsetType = UNSET
    increment: int = 1
    minimum: int | UnsetType = UNSET
    maximum: int | UnsetType = UNSET
    cache: int = 1
    cycle: bool = False
    owned_by: Text | UnsetType = UNSET


class SchemaFile(_File, frozen=True, kw_only=True):
    """services/<service>/database/schema.yaml. `includes`: collections that the chassis owns, in its folder schema/."""

    schema: Text
    description: str = ""
    imported: bool = False
    extensions: list[Text] = []
    roles: Roles | UnsetType = UNSET
    includes: list[Text] = []
    sequences: dict[str, SequenceFile] = {}


class PersonalFile(_File, frozen=True, kw_only=True):
    """What a column says of a person, and what becomes of it when they are erased (config/personal.py).

    `subject`: the column whose value is the id of the person or their account; `self`: the row's own id;
    `curriculum_id.person_id`: by way of a row of this schema; `mentioned`: whoever's id stands in the text.
    """

    subject: Text
    category: Literal[
        "identity", "contact", "profile", "learning", "opinion", "relationship", "consent", "access", "content", "trace"
    ]
    on_erasure: Literal["delete", "clear", "pseudonymise", "keep"]
    basis: Text | UnsetType = UNSET


class RetentionFile(_File, frozen=True, kw_only=True):
    """Rows go when `keep` has passed since the moment in the column `after`; rows without one stay."""

    after: Text
    keep: Annotated[str, Meta(pattern=r"^[1-9]\d{0,3} (minute|hour|day|month|year)s?$")]


class ColumnFile(_File, frozen=True, kw_only=True):
    """A column of a collection, or a part of a type of several columns."""

    type: Text
    description: str = ""
    required: bool | UnsetType = UNSET
    primary: bool = False
    unique: bool = False
    default: Any = UNSET
    of: Text | UnsetType = UNSET
    to: Text | UnsetType = UNSET
    schema: dict[str, Any] | UnsetType = UNSET
    generated: Text | UnsetType = UNSET
    identity: Literal["always", "by default"] | UnsetType = UNSET
    collation: Text | UnsetType = UNSET
    on_delete: Action | UnsetType = UNSET
    on_update: Action | UnsetType = UNSET
    renamed_from: Text | UnsetType = UNSET
    personal: PersonalFile | Literal["none"] | UnsetType = UNSET


class UniqueFile(_File, frozen=True, kw_only=True):
    """Columns whose values are unique; with `where`, only among matching rows."""

    columns: Annotated[list[Text], Meta(min_length=1)]
    where: Text | UnsetType = UNSET
    include: list[Text] = []
    nulls: Literal["distinct", "not_distinct"] = "distinct"
    deferrable: Literal["immediate", "deferred"] | UnsetType = UNSET


class ForeignKeyFile(_File, frozen=True, kw_only=True):
    """Columns that refer to another collection's; `key`: which of its columns, if not its primary key."""

    columns: Annotated[list[Text], Meta(min_length=1)]
    to: Text
    key: list[Text] = []
    on_delete: Action | UnsetType = UNSET
    on_update: Action | UnsetType = UNSET


class IndexFile(_File, frozen=True, kw_only=True):
    """An index over columns (`name`, `name desc`, `name text_pattern_ops`) and expressions. `options` are those of its
    method, such as fillfactor."""

    columns: list[Text] = []
    expressions: list[Text] = []
    unique: bool = False
    where: Text | UnsetType = UNSET
    include: list[Text] = []
    method: Literal["btree", "hash", "gin", "gist", "spgist", "brin"] = "btree"
    nulls: Literal["distinct", "not_distinct"] = "distinct"
    options: dict[str, int | bool | str] = {}


class ExclusionFile(_File, frozen=True, kw_only=True):
    """No two rows may match in all `elements` (column or expression -> operator)."""

    elements: Annotated[dict[str, Text], Meta(min_length=1)]
    using: Literal["gist", "spgist", "btree", "hash"] = "gist"
    where: Text | UnsetType = UNSET


class CollectionFile(_File, frozen=True, kw_only=True):
    """services/<service>/database/collections/<collection>.yaml"""

    collection: Text
    description: Text
    version: Annotated[str, Meta(pattern=r"^\d{1,5}\.\d{1,5}\.\d{1,5}\.\d{1,5}$")]
    columns: Annotated[dict[str, ColumnFile], Meta(min_length=1)]
    primary_key: list[Text] = []
    checks: dict[str, Text] = {}
    unique: dict[str, UniqueFile] = {}
    foreign_keys: dict[str, ForeignKeyFile] = {}
    indexes: dict[str, IndexFile] = {}
    exclusions: dict[str, ExclusionFile] = {}
    deprecated: dict[str, Text] = {}
    renamed_from: Text | UnsetType = UNSET
    history: bool = False
    retention: RetentionFile | UnsetType = UNSET


class EnumValue(_File, frozen=True, kw_only=True):
    """One value of an enumerator. `label`: what people read, where it isn't the value with a capital and spaces."""

    value: Annotated[str, Meta(min_length=1, max_length=63)]
    description: Text
    label: Text | Literal[""] = ""


class TypeFile(_File, frozen=True, kw_only=True):
    """db-manager/types/<type>.yaml: a base type with checks, or several columns. `{column}` stands for the column."""

    type: Text
    description: Text
    base: Text | UnsetType = UNSET
    columns: dict[str, ColumnFile] | UnsetType = UNSET
    checks: dict[str, Text] = {}
    default: Any = UNSET


def decode(document: Document, shape: type, problems: list[Problem]) -> Any:
    """The document as `shape`, or None with problems added; reports every wrong key, not just the first."""
    found = len(problems)
    value = _decode(document, document.value, shape, (), problems)
    return value if len(problems) == found else None


def decode_values(document: Document, value: object, place: Place, problems: list[Problem]) -> tuple[EnumValue, ...]:
    """The values of an enumerator."""
    if not isinstance(value, list) or not value:
        fix = "Write a list such as [{value: active, description: Takes part}]."
        problems.append(document.problem(place, "is not a list of values.", fix, value))
        return ()
    found = len(problems)
    values = [_decode(document, item, EnumValue, (*place, number), problems) for number, item in enumerate(value)]
    return tuple(values) if len(problems) == found else ()


def _decode(document: Document, value: Any, shape: Any, place: Place, problems: list[Problem]) -> Any:
    if not isinstance(value, dict):
        name = shape.__name__.removesuffix("File").lower()
        problems.append(document.problem(place, f"is not a {name}.", "Write `key: value` pairs.", value or "nothing"))
        return None
    fields = _fields(shape)
    for key in value.keys() - fields.keys():
        # `{description: Two words, encrypted}`: YAML takes what follows the comma for a key of its own.
        fix = "Quote text that contains a comma inside {...}." if value[key] is None else nearest(str(key), fields)
        problems.append(document.problem((*place, key), "is not a known key.", fix, value[key]))
    missing = [name for name, field in fields.items() if field.required and name not in value]
    for name in missing:
        problems.append(document.problem((*place, name), "is missing.", "Add it."))
    known = {
        key: _field(document, value[key], fields[key].type, (*place, key), problems)
        for key in value.keys() & fields.keys()
    }
    return None if missing else shape(**known)


@cache
def _fields(shape: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """By name. msgspec reads a class's annotations anew each time: a third of the time of loading."""
    return {field.name: field for field in msgspec.structs.fields(shape)}


def _field(document: Document, value: Any, kind: Any, place: Place, problems: list[Problem]) -> Any:
    inner = _inner_shape(kind, value)
    if inner is not None:
        return _decode(document, value, inner, place, problems)
    entry = _inner_shape(_dict_values(kind))
    if entry is not None and isinstance(value, dict) and value:
        return {key: _decode(document, item, entry, (*place, key), problems) for key, item in value.items()}
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message = str(error).partition(" - at")[0]
        if place[-1] == "version":
            message = "is not four numbers such as 1.0.0.1 (major.minor.patch.enumerators)"
        problems.append(document.problem(place, message[0].lower() + message[1:] + ".", _fix(kind), show(value)))
        return None


def _fix(kind: Any) -> str:
    options = [item for part in getattr(kind, "__args__", ()) for item in [part] if isinstance(part, str)]
    return f"One of: {', '.join(options)}." if options else "Give a value of that kind."


def _bare(kind: Any) -> list[Any]:
    """The alternatives of a type without UNSET and annotations."""
    kind = getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind
    args = getattr(kind, "__args__", ())
    is_union = type(kind).__name__ in {"UnionType", "_UnionGenericAlias", "Union"}
    return [part for part in args if part is not UnsetType] if is_union else [kind]


def _inner_shape(kind: Any, value: Any = None) -> Any:
    """The struct that the value is to be; of a struct and other things, only where the value is a mapping."""
    (first, *rest) = _bare(kind)
    fits = isinstance(value, dict) or not rest
    return first if fits and isinstance(first, type) and issubclass(first, msgspec.Struct) else None


def _dict_values(kind: Any) -> Any:
    (first, *_) = _bare(kind)
    return first.__args__[1] if getattr(first, "__origin__", None) is dict else None
