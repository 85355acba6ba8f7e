"""Removes rows whose time is over, some at a time, so that no transaction is long and nobody waits for one.

SESSIONS = Sweep(tables.Session, tables.Session.ends_at)      # by id; the column has an index

async def forget_sessions(run: JobRun) -> None:
    await SESSIONS.before(run.now - timedelta(days=30))
"""

from datetime import datetime
from typing import Any

from piccolo.columns import Column
from piccolo.table import Table

from gatehouse_chassis.data.database import database_of
from gatehouse_chassis.data.statements import arg

AT_ONCE = 1000


class Sweep:
    """The rows of a table, by the column that says when their time is over."""

    def __init__(self, table: type[Table], column: Column) -> None:
        id: Any = table._meta.primary_key
        some = table.select(id).where(column < arg(1)).order_by(column).limit(AT_ONCE)
        gone = table.delete().where(id.is_in(some.lock_rows("UPDATE", skip_locked=True)))
        self._remove = database_of(table).prepare(gone)

    async def before(self, moment: datetime) -> None:
        """Removes those whose time was over before `moment`; rows that somebody is changing are left for next time."""
        while await self._remove.execute(moment) == AT_ONCE:
            pass
