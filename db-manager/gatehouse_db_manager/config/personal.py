"""What each column says of a person: `personal:` of the collection files, and which of those that need one lack it.

From it follow the register of processing (cli/personal_data.py), and export, erasure, history and retention in the
chassis. A column of text, bytes, ids or a document may hold personal data, so it says so, or `personal: none`.
What is missing turns `gate db check` red; it doesn't keep older files from being applied.
"""

import itertools
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import UNSET

from gatehouse_db_manager.config.documents import Document, Place
from gatehouse_db_manager.config.formats import CollectionFile, ColumnFile, PersonalFile, TypeFile
from gatehouse_db_manager.config.model import Collection, Column, PersonalColumn, Retention
from gatehouse_db_manager.errors import Problem, nearest

PEOPLE = frozenset({"person.person", "identity.account"})
"""The collections whose ids name a person: the one that they are, and the one that they sign in with."""
IDS = "any($1::uuid[])"
MENTIONED = "exists (select 1 from unnest($1::uuid[]) as person (id) where strpos({column}::text, person.id::text) > 0)"
_MAY_HOLD = frozenset({"text", "text_list", "document", "bytes", "uuid", "uuid_list"})
_LABEL = "'erased-' || left(gen_random_uuid()::text, 8)"
_PSEUDONYMS = {
    **dict.fromkeys(("text", "word", "sentence", "markdown"), _LABEL),
    "email": "'erased-' || gen_random_uuid()::text || '@erased.invalid'",
    "url": "'https://erased.invalid/' || gen_random_uuid()::text",
}
Files = Mapping[str, tuple[Document, CollectionFile]]


def without_declarations(custom: TypeFile) -> TypeFile:
    """The type as far as it shapes a table: declarations are no change of the schema."""
    if custom.columns is UNSET:
        return msgspec.structs.replace(custom, description="")
    parts = {name: msgspec.structs.replace(part, personal=UNSET) for name, part in custom.columns.items()}
    return msgspec.structs.replace(custom, description="", columns=parts)


def declared(
    files: Files, collections: Iterable[Collection], types: Mapping[str, TypeFile], schema: str
) -> list[Collection]:
    """The collections with what their files declare."""
    return [_Declarations(files, types, schema, one).collection() if one.name in files else one for one in collections]


class _Declarations:
    """Reads those of one collection."""

    def __init__(self, files: Files, types: Mapping[str, TypeFile], schema: str, collection: Collection) -> None:
        self._files = files
        self._types = types
        self._schema = schema
        self._collection = collection
        self._document, self._content = files[collection.name]
        self._problems: list[Problem] = []

    def collection(self) -> Collection:
        found = []
        for column in self._collection.table.columns:
            place: Place = ("columns", column.key, "personal")
            given = self._given(column)
            if given is UNSET:
                self._missing(column, place)
            elif isinstance(given, PersonalFile):
                found += self._personal(column, given, place)
        self._all_or_none(found)
        retention = self._retention()
        return msgspec.structs.replace(
            self._collection,
            personal=tuple(found),
            undeclared=tuple(self._problems),
            retention=retention,
            history=self._content.history,
        )

    def _given(self, column: Column) -> object:
        """What the column declares, or its part of a type, where the type does so for all."""
        file = self._content.columns[column.key]
        custom = self._types.get(file.type)
        if custom is None or custom.columns is UNSET:
            return file.personal
        part = custom.columns[column.name.removeprefix(f"{column.key}_")]
        if isinstance(part.personal, PersonalFile):
            subject = part.personal.subject.replace("{column}", column.key)
            return msgspec.structs.replace(part.personal, subject=subject)
        return file.personal if part.personal is UNSET else part.personal

    def _missing(self, column: Column, place: Place) -> None:
        file = self._content.columns[column.key]
        if file.type in {"enum", "enum_list", "identity"} or column.generated is not None:
            return
        if file.type == "reference":
            if self._target(file) not in PEOPLE:
                return
            message = "is missing, and the column refers to a person."
        elif column.base in _MAY_HOLD:
            message = f"is missing, and a {column.base} may hold personal data."
        else:
            return
        fix = "Add {subject: ..., category: ..., on_erasure: ...}, or `none`: see docs/how-to/declare-personal-data.md."
        self._refuse(place, message, fix)

    def _target(self, file: ColumnFile) -> str:
        to = "" if file.to is UNSET else file.to
        return to if "." in to else f"{self._schema}.{to}"

    def _personal(self, column: Column, given: PersonalFile, place: Place) -> Iterable[PersonalColumn]:
        where = (
            MENTIONED.format(column=column.name)
            if given.subject == "mentioned"
            else self._where(self._collection.name, given.subject, (*place, "subject"))
        )
        if given.on_erasure == "keep" and given.basis is UNSET:
            self._refuse((*place, "basis"), "is missing.", "Say on what ground it is kept when the person is erased.")
        replacement = self._replacement(column, given, (*place, "on_erasure"))
        if where:
            yield PersonalColumn(
                name=column.name,
                subject=given.subject,
                where=where,
                category=given.category,
                on_erasure=given.on_erasure,
                basis="" if given.basis is UNSET else given.basis,
                replacement=replacement,
            )

    def _where(self, collection: str, path: str, place: Place) -> str:
        """The condition on `collection` for a path of columns; empty, with a problem, where it leads nowhere."""
        name, _, rest = path.partition(".")
        content = self._files[collection][1]
        if path == "self":
            name = next((key for key, column in content.columns.items() if column.primary), "")
        bases = {
            column.name: (column, content.columns[column.key])
            for column in self._columns(collection)
            if column.key in content.columns
        }
        column, file = bases.get(name, (None, None))
        if column is None or file is None or column.base != "uuid":
            known = [one for one, (column, _) in bases.items() if column.base == "uuid"]
            fix = f"Name the column with the id of the person or account. {nearest(name, known)}".strip()
            self._refuse(place, f"leads to no column of ids in {collection}.", fix, path)
            return ""
        if not rest:
            return f"{name} = {IDS}"
        schema, _, target = self._target(file).partition(".") if file.type == "reference" else ("", "", "")
        if schema != self._schema or target not in self._files:
            fix = "Lead through references within the schema."
            self._refuse(place, f"leads through {name}, which refers to no collection of this schema.", fix, path)
            return ""
        key = next((one for one, column in self._files[target][1].columns.items() if column.primary), "id")
        inner = self._where(target, rest, place)
        return f"{name} in (select {key} from {schema}.{target} where {inner})" if inner else ""  # noqa: S608 - names that were checked

    def _columns(self, collection: str) -> Iterable[Column]:
        """Of another collection only those whose name and base follow from its file alone."""
        if collection == self._collection.name:
            return self._collection.table.columns
        content = self._files[collection][1]
        return [
            Column(name=key, key=key, base="uuid", sql_type="uuid")
            for key, column in content.columns.items()
            if column.type in {"uuid", "reference", "identity"}
        ]

    def _replacement(self, column: Column, given: PersonalFile, place: Place) -> str:
        if given.on_erasure == "clear":
            if not column.required:
                return "null"
            if column.default is None:
                self._refuse(place, "can't clear a required column without a default.", "Pseudonymise it.", "clear")
            return column.default or ""
        if given.on_erasure == "pseudonymise":
            kind = self._content.columns[column.key].type
            if kind not in _PSEUDONYMS:
                fix = f"Clear it. Types that can be: {', '.join(sorted(_PSEUDONYMS))}."
                self._refuse(place, f"has no pseudonym for the type {kind}.", fix, "pseudonymise")
                return ""
            pseudonym = _PSEUDONYMS[kind]
            return pseudonym if column.required else f"case when {column.name} is not null then {pseudonym} end"
        return ""

    def _all_or_none(self, found: list[PersonalColumn]) -> None:
        """A row goes as a whole."""
        for subject, columns in itertools.groupby(sorted(found, key=lambda one: one.subject), lambda one: one.subject):
            fates = {column.name: column.on_erasure for column in columns}
            if "delete" in fates.values() and set(fates.values()) != {"delete"}:
                kept = next(name for name, fate in fates.items() if fate != "delete")
                message = f"is not `delete`, while other columns about the same {subject} are: a row goes as a whole."
                self._refuse(("columns", kept, "personal", "on_erasure"), message, "Say the same of all of them.")

    def _retention(self) -> Retention | None:
        given = self._content.retention
        if given is UNSET:
            return None
        moments = [column.name for column in self._collection.table.columns if column.base == "timestamp"]
        if given.after not in moments:
            fix = nearest(given.after, moments) or "Name a column of type timestamp."
            self._refuse(("retention", "after"), "is no moment in this collection.", fix, given.after)
            return None
        return Retention(after=given.after, keep=given.keep)

    def _refuse(self, place: Place, message: str, fix: str, value: object = None) -> None:
        self._problems.append(self._document.problem(place, message, fix, value))
