"""Frees names that another object is about to take. Index names are unique in a schema, so one that is dropped from one
table may be needed by another, or by a new table. Until it is dropped, the old object gets a temporary name."""

from collections.abc import Iterator

import msgspec

from gatehouse_db_manager.config.model import Schema
from gatehouse_db_manager.database.snapshot import LiveSchema, Recorded
from gatehouse_db_manager.planning.ddl import with_suffix
from gatehouse_db_manager.planning.plan import Remember, Step
from gatehouse_db_manager.planning.rename_columns import follow, statements
from gatehouse_db_manager.planning.rename_tables import move_table
from gatehouse_db_manager.planning.table_change import WITHOUT_INDEX, brief


def make_way(schema: Schema, live: LiveSchema) -> Iterator[Step]:
    """Changes `live` in place: what follows is planned as if the renames had run."""
    wanted = dict(_wanted(schema))
    for name in list(live.tables):
        if wanted.get(name) and ("table", name) in live.objects:
            yield move_table(schema, live, name, with_suffix(name, "__gone"))
    for table in live.tables.values():
        for place in table.rules:
            for name, item in list(place.items()):
                kind = getattr(item, "kind", "index")
                taken = kind not in WITHOUT_INDEX and wanted.get(name, table.name) != table.name
                recorded = live.objects.get((kind, name))
                if not taken or recorded is None:
                    continue
                other = with_suffix(name, "__gone")
                place[other] = msgspec.structs.replace(place.pop(name), name=other)
                details = {key: value for key, value in recorded.details.items() if key != "live"}
                del live.objects[kind, name]
                live.objects[kind, other] = Recorded(digest=recorded.digest, details=details)
                follow(live.tables.values(), [(kind, name, other)])
                yield Step(
                    schema=schema.name,
                    collection=table.name,
                    kind="tx",
                    what=f"rename {name} of {table.name} to {other}",
                    why=f"{wanted[name] or 'the schema'} needs the name",
                    statements=tuple(statements(schema.name, table.name, [(kind, name, other)])),
                    locks=brief(table.name),
                    reversible=True,
                    remember=(
                        Remember(kind=kind, name=name),
                        Remember(kind=kind, name=other, digest=recorded.digest, details=details),
                    ),
                )


def _wanted(schema: Schema) -> Iterator[tuple[str, str]]:
    """Each wanted name with its table; "" for a table's own name."""
    for collection in schema.collections:
        yield collection.name, ""
        for item in (*collection.table.constraints, *collection.table.indexes):
            if getattr(item, "kind", "index") not in WITHOUT_INDEX:
                yield item.name, collection.name
