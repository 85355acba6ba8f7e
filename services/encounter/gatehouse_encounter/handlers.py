"""What other services publish and encounters follow: a mentorship that ends leaves nothing planned for the two."""

from typing import Any

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_encounter.encounter.queries import end_pair


async def end_mentoring(event: PublishedEvent, prepared: Any) -> None:
    await end_pair(event.read("member_id"), event.read("mentor_id"), None)


HANDLERS = {"end_mentoring": EventHandler(end_mentoring)}
