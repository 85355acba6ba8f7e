"""Drift: how a database differs from the last apply, as something was changed or dropped by hand. Objects that
db-manager didn't make are no drift; a plan lists them as unmanaged."""

from collections.abc import Iterator, Mapping

import msgspec

from gatehouse_db_manager.database.snapshot import DatabaseState, LiveSchema, LiveTable, Recorded


class DriftDifference(msgspec.Struct, frozen=True, kw_only=True):
    """`recorded` and `live` are PostgreSQL's text of the object; empty if there is none."""

    schema: str
    kind: str
    name: str
    what: str
    recorded: str
    live: str


def differences(live: DatabaseState, definitions: Mapping[str, Mapping[str, str]]) -> tuple[DriftDifference, ...]:
    """The drift of all inspected schemas. `definitions` of views, functions and so on, by schema and name."""
    return tuple(
        one
        for name, schema in sorted(live.schemas.items())
        for one in _of_schema(live.major, name, schema, definitions.get(name, {}))
    )


def _of_schema(major: int, name: str, schema: LiveSchema, definitions: Mapping[str, str]) -> Iterator[DriftDifference]:
    found = dict(_live(schema))
    others = {
        *schema.others,
        *(f"sequence {one.sequence}" for table in schema.tables.values() for one in table.columns.values()),
    }
    for (kind, item), recorded in sorted(schema.objects.items()):
        if kind in {"schema", "script", "made", "found", "extension", "sequence"}:
            lost = {"made": item, "found": item, "sequence": f"sequence {item}"}.get(kind)
            words, now = _words(major, recorded), definitions.get(item)
            if lost in others and words and now and words != now:
                yield _difference(name, kind, item, "changed", words, now)
            elif lost and lost not in others:
                yield _difference(name, kind, item, "missing", item, "")
            continue
        words = _words(major, recorded)
        now = found.get((kind, item))
        if now is None:
            yield _difference(name, kind, item, "missing", words or "", "")
        elif words is not None and words != now:
            yield _difference(name, kind, item, "changed", words, now)


def _difference(schema: str, kind: str, name: str, what: str, recorded: str, live: str) -> DriftDifference:
    return DriftDifference(schema=schema, kind=kind, name=name, what=what, recorded=recorded, live=live)


def _words(major: int, recorded: Recorded) -> str | None:
    """PostgreSQL's text differs between major versions, so only the same version's text can be compared."""
    version, known, text = str(recorded.details.get("live", "")).partition(":")
    return text if known and version == str(major) else None


def _live(schema: LiveSchema) -> Iterator[tuple[tuple[str, str], str]]:
    for table in schema.tables.values():
        yield ("table", table.name), ""
        yield from _of_table(table)


def _of_table(table: LiveTable) -> Iterator[tuple[tuple[str, str], str]]:
    for column in table.columns.values():
        yield ("column", f"{table.name}.{column.name}"), column.words
    for rule in table.constraints.values():
        yield (rule.kind, f"{table.name}.{rule.name}"), rule.definition
    for index in table.indexes.values():
        yield ("index", index.name), index.definition
