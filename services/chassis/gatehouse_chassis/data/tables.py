"""The columns that every aggregate's table has, as a mixin for Piccolo tables.

class Person(Tracked, Table, db=DB, tablename="person", schema="person"):
    name = Text()
"""

from piccolo.columns import UUID, Integer, Text, Timestamptz


class Tracked:
    """An id, two breadcrumbs (db-manager/types/breadcrumb.yaml) and the version that optimistic locking compares."""

    id = UUID(primary_key=True, default=None)
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)
    changed_at = Timestamptz()
    changed_by = UUID(null=True, default=None)
    changed_request = Text(null=True)
    version = Integer()
