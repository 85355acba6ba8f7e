"""What happens to what there is to learn that other services may follow."""

from typing import Literal
from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_topics.enumerators import LinkStatus
from gatehouse_topics.tables import DB

Stars = Literal["one", "two", "three", "four", "five"]
STARS: tuple[Stars, ...] = ("one", "two", "three", "four", "five")


class ResourceIds(msgspec.Struct, frozen=True):
    """How a resource's link was when it was last looked at."""

    link_status: LinkStatus


class RatingIds(msgspec.Struct, frozen=True):
    """Of a rating, the event's subject."""

    resource_id: UUID
    person_id: UUID
    stars: Stars


OUTBOX = Outbox(
    DB,
    {
        "topics.resource.created": ResourceIds,
        "topics.resource.changed": ResourceIds,
        "topics.resource.archived": None,
        "topics.path.changed": None,
        "topics.rating.given": RatingIds,
    },
)
