"""The phases in which an existing table changes while services keep reading and writing it: expand, enforce, link,
loosen.

First what only adds; then, once migrations have moved the data, the rules; last what removes something. What could
lose data, break running code or hold a lock for long needs approval or is refused.
"""

from gatehouse_db_manager.planning.columns import (
    change_columns,
    change_comments,
    drop_columns,
    number_columns,
    relax,
    require_columns,
)
from gatehouse_db_manager.planning.constraints import change_constraint
from gatehouse_db_manager.planning.drops import drop_unwanted
from gatehouse_db_manager.planning.indexes import change_index
from gatehouse_db_manager.planning.table_change import TableChange, space


def expand(change: TableChange) -> None:
    """Adds columns: migrations fill them, and new rules may use them."""
    change_columns(change)
    change_comments(change)


def enforce(change: TableChange) -> None:
    """Adds rules about the table alone, including keys."""
    require_columns(change)
    number_columns(change)
    for constraint in change.table.constraints:
        if constraint.kind != "foreign_key" and space(constraint) not in change.handled:
            change_constraint(change, constraint)
    for index in change.table.indexes:
        if space(index) not in change.handled:
            change_index(change, index)


def link(change: TableChange, fallen: set[tuple[str, str]]) -> None:
    """Adds foreign keys; the keys that they need exist by now.

    `fallen`: foreign keys (table, name) that were dropped because the key they need was replaced.
    """
    change.without({name for table, name in fallen if table == change.full})
    for constraint in change.table.constraints:
        if constraint.kind == "foreign_key" and space(constraint) not in change.handled:
            change_constraint(change, constraint)


def loosen(change: TableChange) -> None:
    """Drops what nothing needs any more, and makes columns nullable."""
    relax(change)
    drop_unwanted(change)
    drop_columns(change)
