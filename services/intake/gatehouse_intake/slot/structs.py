"""What callers send and get about the times at which introductions can be held."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Moment
from gatehouse_intake.enumerators import SlotState


class NewSlots(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times that the caller offers; a time that they offer already stays as it is."""

    begins: Annotated[list[Moment], Meta(min_length=1, max_length=50)]
    minutes: Annotated[int, Meta(ge=15, le=120)] = 30


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A time for an introduction. `person_id`: who comes."""

    id: UUID
    version: int
    host_id: UUID
    begins_at: datetime
    ends_at: datetime
    state: SlotState
    person_id: UUID | None
    changed_at: datetime


class OfferedSlots(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the times are new."""

    added: int


class SlotHost(msgspec.Struct, frozen=True):
    """Who holds an introduction, as they are called."""

    name: str
