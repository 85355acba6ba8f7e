"""How long events are kept: 13 months, and of what happened to each subject the last of its type for good.

So a consumer that is added later hears of everything that is kept, and how each subject came to be as it is.
"""

from datetime import timedelta

from gatehouse_catalog.structs import Job
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.jobs.structs import Handler, JobRun

KEPT = timedelta(days=396)
AT_ONCE = 1000


def jobs(database: Database) -> dict[str, tuple[Job, Handler]]:
    """The job that removes what is older, some at a time, so that no transaction is long."""
    event = f"{database.schema}.event"
    # By hand: a later event of the same subject and type, compared by three columns.
    remove = database.prepare_sql(
        f"delete from {event} where (epoch, tx, id) in (select e.epoch, e.tx, e.id from {event} e "  # noqa: S608 - ours
        f"where e.at < $1 and exists (select from {event} later where later.type = e.type "
        "and later.subject_id = e.subject_id and (later.epoch, later.tx, later.id) > (e.epoch, e.tx, e.id)) "
        f"limit {AT_ONCE})"
    )

    async def forget_events(run: JobRun) -> None:
        while await remove.execute(run.now - KEPT) == AT_ONCE:
            pass

    declared = Job(help="Removes events after 13 months, but the last of each subject and type", every="24h")
    return {"forget_events": (declared, forget_events)}
