"""The collection job (schema/job.yaml) as Piccolo sees it, in the schema of a service."""

from piccolo.columns import JSONB, UUID, Integer, Text, Timestamptz
from piccolo.table import Table, create_table_class

from gatehouse_chassis.data.database import Database


def job_table(database: Database) -> type[Table]:
    columns = {
        "id": UUID(primary_key=True, default=None),
        "name": Text(),
        "key": Text(),
        "schedule": Text(null=True),
        "arguments": JSONB(),
        "due_at": Timestamptz(null=True, default=None),
        "failures": Integer(),
        "lease": UUID(null=True, default=None),
        "leased_until": Timestamptz(null=True, default=None),
        "started_at": Timestamptz(null=True, default=None),
        "succeeded_at": Timestamptz(null=True, default=None),
        "failed_at": Timestamptz(null=True, default=None),
        "milliseconds": Integer(null=True),
        "last_error": Text(null=True),
        "discarded_at": Timestamptz(null=True, default=None),
        "discarded_by": UUID(null=True, default=None),
        "discarded_reason": Text(null=True),
        "created_at": Timestamptz(),
        "created_by": UUID(null=True, default=None),
        "created_request": Text(null=True),
    }
    where = {"db": database, "tablename": "job", "schema": database.schema}
    return create_table_class("Job", class_kwargs=where, class_members=columns)
