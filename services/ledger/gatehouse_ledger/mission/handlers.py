"""What the board's figures of the mission are made of: each event of other services is kept once, with its ids only."""

from datetime import UTC
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_ledger.enumerators import MissionEventKind
from gatehouse_ledger.tables import DB, MissionEvent

_KEEP = DB.prepare(
    InsertOf(
        {
            MissionEvent.id: arg(1),
            MissionEvent.event_id: arg(2),
            MissionEvent.kind: arg(3),
            MissionEvent.happened_on: arg(4),
            MissionEvent.member_id: arg(5),
            MissionEvent.mentor_id: arg(6),
        }
    ).on_conflict()
)


async def _keep(kind: MissionEventKind, event: PublishedEvent, member: UUID, mentor: UUID | None = None) -> None:
    """The day is UTC's, as that of every figure."""
    await _KEEP.execute(uuid7(), event.id, kind, event.at.astimezone(UTC).date(), member, mentor)


async def person_joined(event: PublishedEvent, prepared: Any) -> None:
    await _keep("joined", event, event.subject_id)


async def mentoring_started(event: PublishedEvent, prepared: Any) -> None:
    await _keep("mentoring_started", event, event.read("member_id"), event.read("mentor_id"))


async def mentoring_ended(event: PublishedEvent, prepared: Any) -> None:
    await _keep("mentoring_ended", event, event.read("member_id"), event.read("mentor_id"))


async def encounter_held(event: PublishedEvent, prepared: Any) -> None:
    await _keep("encounter_held", event, event.read("member_id"), event.read("mentor_id"))


async def encounter_missed(event: PublishedEvent, prepared: Any) -> None:
    await _keep("no_show", event, event.read("member_id"), event.read("mentor_id"))


async def assignment_learned(event: PublishedEvent, prepared: Any) -> None:
    await _keep("learned", event, event.read("person_id"))


async def assignment_completed(event: PublishedEvent, prepared: Any) -> None:
    await _keep("completed", event, event.read("person_id"))


HANDLERS = {
    "assignment_completed": EventHandler(assignment_completed),
    "assignment_started": EventHandler(assignment_learned),
    "assignment_used": EventHandler(assignment_learned),
    "encounter_held": EventHandler(encounter_held),
    "encounter_missed": EventHandler(encounter_missed),
    "mentoring_ended": EventHandler(mentoring_ended),
    "mentoring_started": EventHandler(mentoring_started),
    "person_joined": EventHandler(person_joined),
}
