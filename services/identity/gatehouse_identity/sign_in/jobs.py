"""The job that removes sign-ins whose time is over, finished or not."""

from datetime import timedelta

from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_identity.sign_in.queries import SIGN_INS

KEPT_AFTER_EXPIRY = timedelta(hours=1)


async def forget_sign_ins(run: JobRun) -> None:
    await SIGN_INS.before(run.now - KEPT_AFTER_EXPIRY)
