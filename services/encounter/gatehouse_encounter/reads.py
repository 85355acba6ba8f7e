"""Coordinators read of meetings that aren't theirs: each read is noted, and shown to the member."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.privacy.reads import ReadLog
from gatehouse_encounter.tables import DB

READS = ReadLog(DB)


class AboutMember(Protocol):
    """Something that was written, or agreed on, about a member."""

    @property
    def member_id(self) -> UUID: ...


async def note_reads(actor: Actor, seen: Iterable[AboutMember], what: str) -> None:
    """To be called before the operation `what` gives it away. What they wrote themselves is none."""
    if actor.has("coordinator"):
        own = {"mentor_id", "author_id"}
        people = (one.member_id for one in seen if not any(actor.is_person(getattr(one, name, None)) for name in own))
        await READS.note(actor, dict.fromkeys(people), what=what, why="coordinator")
