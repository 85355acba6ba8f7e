"""Piccolo's insert, of some columns only.

Piccolo 1.38's own insert names every column of the table. That would override the database's defaults, and break while
a new version of the schema, without one of the columns, is in place before the new code is.

    ADD = DB.prepare(
        InsertOf({Rating.id: arg(1), Rating.stars: arg(2)}).on_conflict(Rating.id).returning(Rating.id, Rating.version),
        RatingRow,
    )
"""

from collections.abc import Mapping, Sequence
from typing import Any

from piccolo.query.methods.insert import Insert
from piccolo.querystring import QueryString
from piccolo.utils.sql_values import convert_to_sql_value


class InsertOf(Insert):
    """`values`: what each column gets: `arg(n)`, a constant, or SQL as a QueryString. Columns of one table."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[Any, Any]) -> None:
        super().__init__(next(iter(values))._meta.table)
        self._values = dict(values)

    @property
    def default_querystrings(self) -> Sequence[QueryString]:
        names = ", ".join(f'"{column._meta.db_column_name}"' for column in self._values)
        places = ", ".join("{}" for _ in self._values)
        values = [convert_to_sql_value(value, column) for column, value in self._values.items()]
        table = self.table._meta.get_formatted_tablename()
        parts = [QueryString(f"INSERT INTO {table} ({names}) VALUES ({places})", *values)]  # noqa: S608 - names of the code
        conflict = self.on_conflict_delegate._on_conflict
        if conflict.on_conflict_items:
            parts.append(conflict.querystring)
        if self.returning_delegate._returning:
            parts.append(self.returning_delegate._returning.querystring)
        return [QueryString("{}" * len(parts), *parts)]
