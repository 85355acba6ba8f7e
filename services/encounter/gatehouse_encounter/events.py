"""What happens at encounters that other services may follow: ids and enum words, never what was written."""

from uuid import UUID

import msgspec

from gatehouse_chassis.events.outbox import Outbox
from gatehouse_encounter.enumerators import FollowUpSide
from gatehouse_encounter.tables import DB


class PairIds(msgspec.Struct, frozen=True):
    """The two who meet."""

    member_id: UUID
    mentor_id: UUID


class FinishedIds(PairIds, frozen=True):
    """The two, and the now-list that they agreed on, in its order. Empty: they agreed on none, and none changes."""

    assignment_ids: list[UUID]


class FollowUpIds(PairIds, frozen=True):
    """The two, and which of them had promised it."""

    encounter_id: UUID
    side: FollowUpSide


OUTBOX = Outbox(
    DB,
    {
        "encounter.planned": PairIds,
        "encounter.opened": PairIds,
        "encounter.finished": FinishedIds,
        "encounter.no_show": PairIds,
        "encounter.void": PairIds,
        "encounter.follow_up.done": FollowUpIds,
        "encounter.texts.opened": PairIds,
    },
)
