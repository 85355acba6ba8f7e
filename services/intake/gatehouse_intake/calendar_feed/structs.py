"""What callers get about their calendar feed."""

from datetime import datetime
from uuid import UUID

import msgspec


class CalendarFeed(msgspec.Struct, frozen=True, kw_only=True):
    """That there is an address, since when. The address itself isn't kept."""

    id: UUID
    version: int
    person_id: UUID
    changed_at: datetime


class CalendarAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Shown once. Whoever has it reads when the person meets somebody, and nothing else."""

    url: str
