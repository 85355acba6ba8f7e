"""What happens to people by themselves: a mark that somebody is to be reminded of the introduction, and the time-out.

Source of both rules: "Introductions" in the institute's defaults (a reminder on day 7, timed out on day 14). The
mark is what a coordinator sees; communication writes to the person.
"""

from datetime import timedelta
from uuid import UUID

import structlog

from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_person.events import OUTBOX, StatusIds
from gatehouse_person.person import queries, rules
from gatehouse_person.person.structs import StatusChange
from gatehouse_person.tables import DB

log = structlog.get_logger()


async def mark_intro_reminders(run: JobRun) -> None:
    """Each in a transaction of its own: nobody waits, and what was done stays when one fails."""
    after = timedelta(days=run.service.settings.integer("intro_reminder_days"))
    for id in await queries.UNMARKED_SINCE.values(run.now - after):
        async with DB.transaction():
            record = await queries.PERSON.get(id, lock=True)
            if rules.reminder_due(record):  # nothing of it changed meanwhile
                row = await queries.PERSON.change(id, record.version, {"intro_reminder_at": run.now}, by=None)
                await OUTBOX.publish("person.introduction.awaited", row, by=None, ids=StatusIds(row.status))


async def time_out(run: JobRun) -> None:
    days = run.service.settings.integer("intro_timeout_days")
    change = StatusChange(status="timed_out", reason=f"Scheduled no introduction within {days} days")
    for id in await queries.NO_INTRO_SINCE.values(run.now - timedelta(days=days)):
        await _time_out(id, change, run, timedelta(days=days))


async def _time_out(id: UUID, change: StatusChange, run: JobRun, after: timedelta) -> None:
    async with DB.transaction():
        record = await queries.PERSON.get(id, lock=True)
        try:
            rules.refuse_transition(record, change.status, run.now, after)
        except Conflict:
            return  # they scheduled one meanwhile, or somebody moved them
        await queries.move(record, change, run.now, by=None)
    log.info("timed out", person_id=id)
