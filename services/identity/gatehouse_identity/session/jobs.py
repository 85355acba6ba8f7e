"""The job that removes what has long ended."""

from datetime import timedelta

from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_identity.session.queries import SESSIONS

# Long enough to answer who was signed in when something happened.
KEPT_AFTER_END = timedelta(days=30)


async def forget_sessions(run: JobRun) -> None:
    await SESSIONS.before(run.now - KEPT_AFTER_END)
