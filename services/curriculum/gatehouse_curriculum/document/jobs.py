"""Puts documents together anew, so that within a day nothing is left of what was deleted from them."""

from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_curriculum.document import queries


async def rebuild_documents(run: JobRun) -> None:
    """Doing it twice is as good as once. More than one run reads is left to the next."""
    for id in await queries.due(run.now):
        await queries.rebuild(id)
