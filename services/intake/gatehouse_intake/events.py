"""What happens to sign-ups that other services may follow."""

from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_intake.enumerators import SignUpSource
from gatehouse_intake.tables import DB


class ReceivedIds(msgspec.Struct, frozen=True):
    """Of a sign-up, the event's subject: by which door it came."""

    source: SignUpSource


class SignUpIds(msgspec.Struct, frozen=True):
    """Of a sign-up, the event's subject: whose it is."""

    person_id: UUID


class MatchIds(msgspec.Struct, frozen=True):
    """The two whom a coordinator brought together; the match is the event's subject."""

    member_id: UUID
    mentor_id: UUID


class MentorIds(msgspec.Struct, frozen=True):
    """Of a mentor's capacity, the event's subject: whose it is."""

    person_id: UUID


OUTBOX = Outbox(
    DB,
    {
        "intake.received": ReceivedIds,
        "intake.duplicate": SignUpIds,
        "intake.introduction.scheduled": SignUpIds,
        "intake.introduction.held": SignUpIds,
        "intake.application.received": None,
        "intake.match.proposed": MatchIds,
        "intake.match.started": MatchIds,
        "intake.mentor.asked": MentorIds,
        "intake.mentor.paused": MentorIds,
    },
)
