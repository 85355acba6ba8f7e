"""Foreign keys that depend on a key which is replaced by one with the same columns.

They are dropped and added again in the transaction that changes the key, so they are never missing. Existing rows are
validated in a second transaction.
"""

from gatehouse_db_manager.config.model import Constraint
from gatehouse_db_manager.planning.indexes import let_go
from gatehouse_db_manager.planning.table_change import TableChange

Resting = list[tuple[str, Constraint]]


def resting_on(change: TableChange, index: str) -> Resting:
    """Foreign keys that stay although the key they depend on goes: there is another with the same columns."""
    wanted = {(one.name, item.name): item for one in change.schema.collections for item in one.table.constraints}
    return [
        (f"{change.schema.name}.{table.name}", wanted[table.name, name])
        for table in change.tables.values()
        for name, live in table.constraints.items()
        if live.rests_on == index and (table.name, name) in wanted and wanted[table.name, name].kind == "foreign_key"
    ]


def unchanged(change: TableChange, index: str) -> Resting:
    """Those whose definition doesn't change."""
    known = {name: one.digest for (kind, name), one in change.objects.items() if kind == "foreign_key"}
    return [(table, item) for table, item in resting_on(change, index) if known.get(item.name) == item.digest]


def taken_down(resting: Resting) -> list[str]:
    """Statements before the key changes."""
    return let_go((table, item.name) for table, item in resting)


def put_up(resting: Resting) -> list[str]:
    """Statements after it, in the same transaction."""
    return [f"alter table {table} add constraint {item.name} {item.definition} not valid" for table, item in resting]


def checked(resting: Resting) -> tuple[str, str, list[str]]:
    """The step that validates them: what, why and statements."""
    what = f"validate {', '.join(item.name for _, item in resting)}"
    statements = [f"alter table {table} validate constraint {item.name}" for table, item in resting]
    return what, "they now depend on another key with the same columns", statements
