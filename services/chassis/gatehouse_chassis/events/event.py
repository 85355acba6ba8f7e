"""An event as the feed gives it, and a place in a feed."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from gatehouse_chassis.base.problems import Invalid

LARGEST_TX = 2**64
CHANNEL = "gatehouse_events"
"""What followers LISTEN to; the payload is the producer. Any role may send one: it only makes them look."""


class FeedPosition(NamedTuple):
    """A place in a feed, compared as the database compares its columns.

    `epoch` counts the clusters that the database has lived in: in a new one transaction ids begin anew.
    """

    epoch: int
    tx: int
    id: UUID

    def __str__(self) -> str:
        return f"{self.epoch}.{self.tx}.{self.id.hex}"


START = FeedPosition(0, 0, UUID(int=0))


def position_of(text: str) -> FeedPosition:
    """What `str` made of a position. Raises Invalid."""
    parts = text.split(".")
    try:
        epoch, tx, id = int(parts[0]), int(parts[1]), UUID(hex=parts[2])
        if len(parts) != 3 or not (0 <= epoch < 2**31 and 0 <= tx < LARGEST_TX):
            raise ValueError
    except (ValueError, IndexError):
        raise Invalid({"after": "is no place in this feed; send `next` of an earlier answer"}) from None
    return FeedPosition(epoch, tx, id)


class PublishedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact: ids and enum words only. `subject_version` is the subject's after the change."""

    epoch: int
    tx: int
    id: UUID
    type: str
    subject_id: UUID
    subject_version: int
    at: datetime
    actor_id: UUID | None = None
    request_id: UUID | None = None
    trace_id: str | None = None
    ids: dict[str, Any] = {}

    @property
    def position(self) -> FeedPosition:
        return FeedPosition(self.epoch, self.tx, self.id)

    def read(self, name: str) -> UUID:
        """One of `ids` as a UUID. Raises KeyError or ValueError."""
        return UUID(self.ids[name])


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Events in the order of the feed; `next` continues after them.

    `held_seconds` is how long the oldest committed event has waited for a transaction that began before it, 0 when none
    waits. `left` counts those after this page, up to a limit; None when it wasn't asked for.
    """

    events: list[PublishedEvent]
    next: str
    held_seconds: float = 0.0
    left: int | None = None
