"""What open pages are told of: a curriculum changed, or who saw it may see it no longer.

person says when a mentorship ends, by an event; each task then forgets what it knew of that member's relationships and
asks again for every socket. So a former mentor's page is cut off within two seconds, by an idle service too.
"""

from typing import Any

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_chassis.live.changes import Changes
from gatehouse_curriculum.tables import DB

CHANGES = Changes(DB)


async def end_mentoring(event: PublishedEvent, prepared: Any) -> None:
    """The former mentor's pages on the member's plan end."""
    CHANGES.recheck(event.read("member_id"))


HANDLERS = {"end_mentoring": EventHandler(end_mentoring)}
