"""Once a week a mail to who hasn't looked at what happened: that there is news, and nothing of it."""

from datetime import timedelta
from uuid import UUID, uuid5

from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_communication.delivery.queries import order
from gatehouse_communication.notification.queries import with_unread_since
from gatehouse_communication.tables import DB

A_WEEK = timedelta(days=7)
WEEKS = UUID("6f2c2f5e-6a0b-5f0e-9a43-0b1d7a3c9e55")
"""Names the weeks of people, so that each gets one digest in each, whichever day its run falls on."""


async def weekly_digest(run: JobRun) -> None:
    """The job."""
    year, week, _ = run.now.isocalendar()
    for person in await with_unread_since(run.now - A_WEEK):
        async with DB.transaction():
            await order("weekly_digest", person, event_id=uuid5(WEEKS, f"{person} {year}-{week}"))
