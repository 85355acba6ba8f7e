"""What happens to people that other services may follow."""

from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_person.enumerators import ConsentKind, PersonStatus
from gatehouse_person.tables import DB


class StatusIds(msgspec.Struct, frozen=True):
    """A person's status, as it became."""

    status: PersonStatus


class MentoringIds(msgspec.Struct, frozen=True):
    """Of a mentor assignment, the event's subject."""

    member_id: UUID
    mentor_id: UUID


class ConsentIds(msgspec.Struct, frozen=True):
    """Of a consent, the event's subject."""

    person_id: UUID
    kind: ConsentKind


OUTBOX = Outbox(
    DB,
    {
        "person.joined": StatusIds,
        "person.status_changed": StatusIds,
        "person.archived": None,
        "person.introduction.awaited": StatusIds,
        "person.mentoring.started": MentoringIds,
        "person.mentoring.ended": MentoringIds,
        "person.consent.given": ConsentIds,
        "person.consent.withdrawn": ConsentIds,
    },
)
