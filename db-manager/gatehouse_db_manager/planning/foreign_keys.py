"""Foreign keys that rest on a key which another one of the same columns takes the place of.

They go and come again in the transaction that changes the key: no moment is without them. The rows that were there
are checked in a second transaction.
"""

from gatehouse_db_manager.config.model import Constraint
from gatehouse_db_manager.planning.indexes import let_go
from gatehouse_db_manager.planning.table_change import TableChange

Resting = list[tuple[str, Constraint]]


def resting_on(change: TableChange, index: str) -> Resting:
    """Foreign keys that stay though the key goes that they rest on: there is another one of the same columns."""
    wanted = {(one.name, item.name): item for one in change.schema.collections for item in one.table.constraints}
    return [
        (f"{change.schema.name}.{table.name}", wanted[table.name, name])
        for table in change.tables.values()
        for name, live in table.constraints.items()
        if live.rests_on == index and (table.name, name) in wanted and wanted[table.name, name].kind == "foreign_key"
    ]


def unchanged(change: TableChange, index: str) -> Resting:
    """Those that are to be just what they are; the others come again when they change."""
    known = {name: one.digest for (kind, name), one in change.objects.items() if kind == "foreign_key"}
    return [(table, item) for table, item in resting_on(change, index) if known.get(item.name) == item.digest]


def taken_down(resting: Resting) -> list[str]:
    """Statements before the key changes."""
    return let_go((table, item.name) for table, item in resting)


def put_up(resting: Resting) -> list[str]:
    """Statements after it, in the same transaction."""
    return [f"alter table {table} add constraint {item.name} {item.definition} not valid" for table, item in resting]


def checked(resting: Resting) -> tuple[str, str, list[str]]:
    """What a step of its own does then, why, and its statements."""
    what = f"check every row against {', '.join(item.name for _, item in resting)}"
    statements = [f"alter table {table} validate constraint {item.name}" for table, item in resting]
    return what, "they rest on another key of the same columns now", statements
