"""The steps that bring one existing table to its configuration while the service keeps reading and writing it.

First what only adds; then, when migrations have moved the data, the rules; last what takes something away. What
could lose data, break running code or hold a lock for long needs an approval, or is refused with the way round.
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
    """Columns come first: migrations fill them, and new rules may be about them."""
    change_columns(change)
    change_comments(change)


def enforce(change: TableChange) -> None:
    """The rules about the table alone, keys among them."""
    require_columns(change)
    number_columns(change)
    for constraint in change.table.constraints:
        if constraint.kind != "foreign_key" and space(constraint) not in change.handled:
            change_constraint(change, constraint)
    for index in change.table.indexes:
        if space(index) not in change.handled:
            change_index(change, index)


def link(change: TableChange, fallen: set[tuple[str, str]]) -> None:
    """What refers to other tables, whose keys are in place by now.

    `fallen`: foreign keys (table, name) that gave way to another key in the table that they refer to.
    """
    change.without({name for table, name in fallen if table == change.full})
    for constraint in change.table.constraints:
        if constraint.kind == "foreign_key" and space(constraint) not in change.handled:
            change_constraint(change, constraint)


def loosen(change: TableChange) -> None:
    """What goes, when nothing needs it any more: columns of a primary key can't be empty until it is another."""
    relax(change)
    drop_unwanted(change)
    drop_columns(change)
