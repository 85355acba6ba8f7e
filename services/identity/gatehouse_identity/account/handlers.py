"""What identity does with events of other services."""

from typing import Any

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_identity.account import queries


async def end_account(event: PublishedEvent, prepared: Any) -> None:
    """Who is archived signs in no more. Raises Conflict for the last administrator: somebody has to look."""
    await queries.archive_account_of(event.subject_id, by=event.actor_id)


HANDLERS = {"end_account": EventHandler(end_account)}
