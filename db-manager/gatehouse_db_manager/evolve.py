"""The steps that bring one existing table to its configuration while the service keeps reading and writing it.

Additive changes only. What could lose data, break running code or hold a lock for long is refused with the way round.
"""

from gatehouse_db_manager.evolve_columns import change_columns, change_comments, refuse_removed
from gatehouse_db_manager.evolve_rules import change_constraint, change_index, drop_unwanted
from gatehouse_db_manager.live import LiveSchema
from gatehouse_db_manager.model import Collection, Schema
from gatehouse_db_manager.table_change import TableChange


def evolve(schema: Schema, collection: Collection, live: LiveSchema) -> TableChange:
    """Columns come first, as new rules may be about them; what is no longer wanted goes last."""
    change = TableChange(schema, collection, live)
    change_columns(change)
    change_comments(change)
    refuse_removed(change)
    for constraint in collection.table.constraints:
        change_constraint(change, constraint)
    for index in collection.table.indexes:
        change_index(change, index)
    drop_unwanted(change)
    return change
