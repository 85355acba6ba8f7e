"""Reads `services/*/database` and returns what the database should look like.

Reports all problems of all files at once. Needs no database.
"""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import UNSET

from gatehouse_db_manager.config import names
from gatehouse_db_manager.config.documents import Document, UnreadableError, digest, normalised, read_yaml
from gatehouse_db_manager.config.formats import CollectionFile, SchemaFile, TypeFile, decode, decode_values
from gatehouse_db_manager.config.imported import has_imported, is_imported, read_imported
from gatehouse_db_manager.config.migration_files import read_migrations
from gatehouse_db_manager.config.model import (
    Collection,
    Configuration,
    Data,
    EnumeratorValue,
    Schema,
    Script,
    Sequence,
    Snapshot,
)
from gatehouse_db_manager.config.personal import declared, without_declarations
from gatehouse_db_manager.config.resolve import SPECIAL_TYPES, Resolver
from gatehouse_db_manager.config.resolve_rules import Context, ReferenceTarget, target_of, target_of_table
from gatehouse_db_manager.config.row_checks import row_problems
from gatehouse_db_manager.config.values import BASE_TYPES
from gatehouse_db_manager.errors import ConfigurationError, Problem, nearest

# Collections that every service may include instead of copying them: those of what the chassis does.
INCLUDED = "services/chassis/gatehouse_chassis/schema"
_DATA_FOLDERS: dict[str, Literal["reference", "test"]] = {"reference-data": "reference", "test-data": "test"}


class _Source(msgspec.Struct):
    """One schema's files, read but not yet resolved."""

    folder: Path
    label: str
    document: Document
    content: SchemaFile
    collections: dict[str, tuple[Document, CollectionFile]] = {}
    # Files that couldn't be read: a reference to them is not reported as well.
    unreadable: set[str] = set()
    snapshots: dict[int, Snapshot] = {}
    imported: list[Collection] = []


def load(root: Path, schemas: Iterable[str] | None = None) -> Configuration:
    """The configuration of all schemas below `root`, or of those named.

    Raises ConfigurationError with every problem found.
    """
    root = Path(root)
    problems: list[Problem] = []
    types = _read_types(root, problems)
    wanted = None if schemas is None else set(schemas)
    sources = []
    known = []
    for file in sorted(root.glob("services/*/database/schema.yml")):
        label = file.relative_to(root).as_posix()
        problems.append(Problem(file=label, message="is not read under this name.", fix="Rename it to schema.yaml."))
    for file in sorted(root.glob("services/*/database/schema.yaml")):
        source = _read_schema(root, file, problems)
        if source is not None:
            known.append(source.content.schema)
            if wanted is None or source.content.schema in wanted:
                sources.append(source)
    for name in sorted((wanted or set()) - set(known)):
        if not problems:
            problems.append(
                Problem(file="services", key="schema", value=name, message="is unknown.", fix=nearest(name, known))
            )
    for source in sources:
        _read_collections(root, source, problems)
        _read_snapshots(source, problems)
    problems.extend(_shared_names(sources))
    targets = _targets(sources, types)
    resolved = [_resolve(root, source, sources, types, targets, problems) for source in sources]
    if problems:
        raise ConfigurationError(problems)
    return Configuration(root=root, schemas=tuple(sorted(resolved, key=lambda schema: schema.name)))


def _read(path: Path, label: str, shape: type, problems: list[Problem]) -> tuple[Document, Any] | None:
    try:
        document = read_yaml(path, label)
    except UnreadableError as error:
        problems.append(error.problem)
        return None
    content = decode(document, shape, problems)
    return None if content is None else (document, content)


def _read_types(root: Path, problems: list[Problem]) -> dict[str, TypeFile]:
    types: dict[str, TypeFile] = {}
    for file, label in _yaml_files(root / "db-manager" / "types", "db-manager", problems):
        found = _read(file, label, TypeFile, problems)
        if found is None:
            continue
        document, content = found
        _must_match(document, ("type",), content.type, file.stem, problems)
        if content.type in BASE_TYPES or content.type in SPECIAL_TYPES:
            problems.append(
                document.problem(("type",), "is the name of a base type.", "Use another name.", content.type)
            )
        if (content.base is UNSET) == (content.columns is UNSET):
            problems.append(document.problem((), "needs either `base` or `columns`.", "Give one of the two."))
        parts = [] if content.columns is UNSET else [part.type for part in content.columns.values()]
        for base in [*parts, *([] if content.base is UNSET else [content.base])]:
            if base not in BASE_TYPES:
                problems.append(document.problem(("base",), "is not a base type.", nearest(base, BASE_TYPES), base))
        for name, expression in content.checks.items():
            if "{column}" not in expression:
                fix = "Write {column} where the column's name belongs."
                problems.append(document.problem(("checks", name), "doesn't contain {column}.", fix, expression))
        types[content.type] = content
    return types


def _must_match(document: Document, place: tuple[str], given: str, expected: str, problems: list[Problem]) -> None:
    if given != expected:
        fix = f'Write "{expected}", or rename the file.'
        problems.append(document.problem(place, "is not the name of its file.", fix, given))


def _read_schema(root: Path, file: Path, problems: list[Problem]) -> _Source | None:
    label = file.parent.relative_to(root).as_posix()
    found = _read(file, f"{label}/schema.yaml", SchemaFile, problems)
    if found is None:
        return None
    document, content = found
    if not content.imported and not content.description:
        problems.append(document.problem(("description",), "is missing.", "Add it: what the schema is about."))
    # No service owns `public`, but imported objects may live there.
    foreign = content.schema == "public" and (content.imported or has_imported(file.parent))
    if not foreign and (illegal := names.why_illegal_schema(content.schema)):
        problems.append(document.problem(("schema",), *illegal, content.schema))
    return _Source(file.parent, label, document, content)


def _read_collections(root: Path, source: _Source, problems: list[Problem]) -> None:
    for file, label in _yaml_files(source.folder / "collections", source.label, problems):
        try:
            if is_imported(normalised(file, label)):
                collection = read_imported(file, label, problems)
                source.imported += [collection] if collection else []
            else:
                _read_collection(source, file, label, problems)
        except UnreadableError as error:
            problems.append(error.problem)
            source.unreadable.add(file.stem)
    for file in _included(root, source, problems):
        _read_collection(source, file, file.relative_to(root).as_posix(), problems)


def _read_collection(source: _Source, file: Path, label: str, problems: list[Problem]) -> None:
    found = _read(file, label, CollectionFile, problems)
    if found is None:
        source.unreadable.add(file.stem)
        return
    document, content = found
    _must_match(document, ("collection",), content.collection, file.stem, problems)
    if illegal := names.why_illegal(content.collection):
        problems.append(document.problem(("collection",), *illegal, content.collection))
    source.collections[content.collection] = (document, content)


def _included(root: Path, source: _Source, problems: list[Problem]) -> Iterable[Path]:
    """The files of the shared collections that a schema includes: one file for all services."""
    shared = {file.stem: file for file in (root / INCLUDED).glob("*.yaml")}
    own = {*source.collections, *source.unreadable, *(one.name for one in source.imported)}
    for number, name in enumerate(source.content.includes):
        place = ("includes", number)
        if name not in shared:
            message = f"is not a collection in {INCLUDED}."
            problems.append(source.document.problem(place, message, nearest(name, shared) or "Remove it.", name))
        elif name in own:
            fix = f"Remove {source.label}/collections/{name}.yaml, or the name here."
            problems.append(source.document.problem(place, "is a collection of this schema already.", fix, name))
        elif name in source.content.includes[:number]:
            problems.append(source.document.problem(place, "is included twice.", "Keep one.", name))
        else:
            yield shared[name]


def _yaml_files(folder: Path, label: str, problems: list[Problem]) -> Iterable[tuple[Path, str]]:
    """The files of a folder with their labels. Of item.yaml and item.yml only one would count."""
    seen: dict[str, str] = {}
    for file in sorted(folder.glob("*.y*ml")):
        named = f"{label}/{folder.name}/{file.name}"
        first = seen.setdefault(file.stem, file.name)
        if first != file.name:
            problems.append(Problem(file=named, message=f"is there as {first} too.", fix="Delete one of the two."))
        else:
            yield file, named


def _read_snapshots(source: _Source, problems: list[Problem]) -> None:
    for file, label in _yaml_files(source.folder / "enumerators", source.label, problems):
        if not file.stem.isdigit() or int(file.stem) == 0:
            problems.append(Problem(file=label, message="is not named by a number.", fix="Use 1.yaml, 2.yaml, ..."))
            continue
        try:
            document = read_yaml(file, label)
        except UnreadableError as error:
            problems.append(error.problem)
            continue
        values = []
        for name, listed in (document.value if isinstance(document.value, dict) else {}).items():
            seen: set[str] = set()
            if illegal := names.why_illegal(name):
                problems.append(document.problem((name,), *illegal))
            for item in decode_values(document, listed, (name,), problems):
                if item.value in seen:
                    problems.append(document.problem((name,), "has a value twice.", "Keep one.", item.value))
                seen.add(item.value)
                described = {"description": item.description, "label": item.label}
                values.append(EnumeratorValue(enumerator=name, value=item.value, **described))
        number = int(file.stem)
        source.snapshots[number] = Snapshot(number=number, file=label, digest=document.digest, values=tuple(values))


def _shared_names(sources: list[_Source]) -> Iterable[Problem]:
    """Schemas and roles are unique in a database: two services can't share a name."""
    seen: dict[str, str] = {}
    for source in sources:
        roles = _roles(source.content)
        for key, name in (("schema", source.content.schema), ("roles.service", roles[0]), ("roles.reader", roles[1])):
            place = tuple(key.split("."))
            kind = "schema" if key == "schema" else "role"
            first = seen.setdefault(f"{kind} {name}", source.label)
            if first != source.label or (kind == "role" and roles[0] == roles[1]):
                yield source.document.problem(place, f"is already used in {first}.", "Use another name.", name)
            if illegal := names.why_illegal(name) if kind == "role" else None:
                yield source.document.problem(place, *illegal, name)


def _roles(content: SchemaFile) -> tuple[str, str]:
    if content.roles is UNSET:
        return f"{content.schema}_service", f"{content.schema}_reader"
    return content.roles.service, content.roles.reader


def _targets(sources: list[_Source], types: Mapping[str, TypeFile]) -> dict[str, ReferenceTarget | None]:
    targets: dict[str, ReferenceTarget | None] = {}
    for source in sources:
        for name, (_, content) in source.collections.items():
            targets[f"{source.content.schema}.{name}"] = target_of(content, types)
        for one in source.imported:
            targets[f"{source.content.schema}.{one.name}"] = target_of_table(one.table)
    return targets


def _resolve(
    root: Path,
    source: _Source,
    sources: list[_Source],
    types: Mapping[str, TypeFile],
    targets: Mapping[str, ReferenceTarget | None],
    problems: list[Problem],
) -> Schema:
    name = source.content.schema
    schemas = frozenset(target.partition(".")[0] for target in targets)
    own = {key.partition(".")[2]: value for key, value in targets.items() if key.partition(".")[0] == name}
    unreadable = {*source.unreadable, *(f"{one.content.schema}.{bad}" for one in sources for bad in one.unreadable)}
    collections = list(source.imported)
    taken: dict[str, str] = dict.fromkeys(source.collections, "a collection's table")
    for document, content in source.collections.values():
        number = int(content.version.rpartition(".")[2])
        snapshot = source.snapshots.get(number)
        if number and snapshot is None:
            there = [str(known) for known in source.snapshots]
            fix = f"Add enumerators/{number}.yaml. {nearest(str(number), there)}"
            message = f"pins enumerators/{number}.yaml, which isn't there."
            problems.append(document.problem(("version",), message, fix, content.version))
        there = {*source.collections, *(one.name for one in source.imported)}
        context = Context(name, types, snapshot, {**targets, **own}, schemas, there, unreadable)
        resolver = Resolver(document, content, context)
        table = resolver.table()
        problems.extend(resolver.problems)
        for item in (*table.constraints, *table.indexes):
            first = taken.setdefault(item.name, f"{content.collection}: {item.key}")
            if first != f"{content.collection}: {item.key}" and not resolver.problems:
                message = f"makes the name {item.name}, which {first} has already."
                problems.append(document.problem(tuple(item.key.split(".")), message, "Rename one."))
        used = sorted({column.type for column in content.columns.values()} & types.keys())
        shapes = [without_declarations(types[one]) for one in used]
        version = tuple(map(int, content.version.split(".")))
        collections.append(
            Collection(
                name=content.collection,
                file=document.file,
                version=(version[0], version[1], version[2], version[3]),
                digest=document.digest,
                types_digest=digest(msgspec.json.encode(shapes).decode()),
                table=table,
                renamed_from=None if content.renamed_from is UNSET else content.renamed_from,
            )
        )
    collections = declared(source.collections, collections, types, name)
    known = [collection.name for collection in collections]
    service, reader = _roles(source.content)
    return Schema(
        name=name,
        description=source.content.description,
        file=source.document.file,
        service_role=service,
        reader_role=reader,
        extensions=tuple(source.content.extensions),
        sequences=tuple(_sequences(source, collections, taken, problems)),
        collections=tuple(collections),
        snapshots=tuple(snapshot for _, snapshot in sorted(source.snapshots.items())),
        scripts=tuple(_read_scripts(source, problems)),
        migrations=tuple(read_migrations(root, source.folder, [*known, *source.unreadable], problems)),
        data=tuple(_read_data(source, collections, problems)),
    )


def _sequences(
    source: _Source, collections: list[Collection], taken: Mapping[str, str], problems: list[Problem]
) -> Iterable[Sequence]:
    document = source.document
    columns = {one.name: {column.name for column in one.table.columns} for one in collections}
    for name, given in source.content.sequences.items():
        place = ("sequences", name)
        if illegal := names.why_illegal(name):
            problems.append(document.problem(place, *illegal))
        if name in taken:
            problems.append(document.problem(place, f"is a name that {taken[name]} has already.", "Rename one."))
        low = "no minvalue" if given.minimum is UNSET else f"minvalue {given.minimum}"
        high = "no maxvalue" if given.maximum is UNSET else f"maxvalue {given.maximum}"
        if given.increment == 0:
            problems.append(document.problem((*place, "increment"), "is 0.", "Count up or down."))
        first = (given.minimum, 1) if given.increment > 0 else (given.maximum, -1)
        start = next(one for one in (given.start, *first) if one is not UNSET)
        definition = (
            f"as {given.type} increment by {given.increment} {low} {high} start with {start} "
            f"cache {given.cache} {'' if given.cycle else 'no '}cycle"
        )
        owner = "" if given.owned_by is UNSET else given.owned_by
        table, _, column = owner.partition(".")
        if owner and column not in columns.get(table, ()):
            known = [f"{one}.{name}" for one, names_of in columns.items() for name in names_of]
            message = "is not a column of this schema, as `collection.column`."
            problems.append(document.problem((*place, "owned_by"), message, nearest(owner, known), owner))
        yield Sequence(name=name, definition=definition, owned_by=owner)


def _read_scripts(source: _Source, problems: list[Problem]) -> Iterable[Script]:
    for file in sorted((source.folder / "repeatable").glob("*.sql")):
        label = f"{source.label}/repeatable/{file.name}"
        try:
            text = normalised(file, label)
        except UnreadableError as error:
            problems.append(error.problem)
            continue
        yield Script(name=file.stem, file=label, digest=digest(text), sql=text)


def _read_data(source: _Source, collections: list[Collection], problems: list[Problem]) -> Iterable[Data]:
    tables = {collection.name: collection.table for collection in collections}
    for folder, kind in _DATA_FOLDERS.items():
        for file in sorted((source.folder / folder).glob("*.json")):
            label = f"{source.label}/{folder}/{file.name}"
            table = tables.get(file.stem)
            if table is None:
                fix = f"Name the file after one. {nearest(file.stem, source.collections)}"
                if file.stem not in {*source.collections, *source.unreadable}:
                    problems.append(Problem(file=label, message="belongs to no collection.", fix=fix))
                continue
            try:
                text = normalised(file, label)
                rows = msgspec.json.decode(text)
            except UnreadableError as error:
                problems.append(error.problem)
                continue
            except (msgspec.DecodeError, RecursionError) as error:
                problems.append(Problem(file=label, message=f"is not JSON: {error}.", fix="Correct it there."))
                continue
            if not isinstance(rows, list):
                problems.append(Problem(file=label, message="is not a list of rows.", fix="Write [{...}, ...]."))
                continue
            if not problems:
                problems.extend(itertools.islice(row_problems(label, table, rows), 20))
            yield Data(collection=file.stem, kind=kind, file=label, digest=digest(text), rows=tuple(rows))
