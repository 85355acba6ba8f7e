"""The columns that resources, skills, topics and paths have in common."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Row(Struct, kw_only=True):
    """What every aggregate has."""

    id: UUID
    version: int
    name: str
    description: str | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None
