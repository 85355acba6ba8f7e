"""Who reads whose private data is noted, and shown to whoever it is about."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.privacy.reads import ReadLog
from gatehouse_person.roles import MENTOR
from gatehouse_person.tables import DB

READS = ReadLog(DB)


class SeenPerson(Protocol):
    """Whose private data the caller gets."""

    @property
    def id(self) -> UUID: ...
    @property
    def mentor_id(self) -> UUID | None: ...


async def note_reads(actor: Actor, people: Iterable[SeenPerson], what: str) -> None:
    """To be called before the operation `what` gives the data away."""
    by_reason: dict[str, list[UUID]] = {"mentor": [], "staff": []}
    for person in people:
        mentors = actor.has(MENTOR) and actor.is_person(person.mentor_id)
        by_reason["mentor" if mentors else "staff"].append(person.id)
    for why, ids in by_reason.items():
        await READS.note(actor, ids, what=what, why=why)
