"""Retention: rows go when their time is over, by what the collections declare, on a clock and not by traffic."""

# ruff: noqa: S608 - names come from the collection files

from gatehouse_catalog.structs import Job
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.jobs.structs import Handler, JobRun
from gatehouse_chassis.privacy.declared import PersonalData

AT_ONCE = 1000
NAME = "apply_retention"


def retention_jobs(database: Database, declared: PersonalData) -> dict[str, tuple[Job, Handler]]:
    """The chassis's job; none where no collection declares a time."""
    timed = [(one.name, one.retention) for one in declared.collections if one.retention]
    # By hand: the key of these collections, and whether Piccolo knows them, is unknown here; ctid is a row's place.
    sweeps = [
        database.prepare_sql(
            f"delete from {declared.schema}.{name} where ctid = any(array(select ctid from {declared.schema}.{name} "
            f"where {retention.after} < $1::timestamptz - interval '{retention.keep}' "
            f"order by {retention.after} limit {AT_ONCE} for update skip locked))"
        )
        for name, retention in timed
    ]

    async def apply_retention(run: JobRun) -> None:
        for sweep in sweeps:
            while await sweep.execute(run.now) == AT_ONCE:
                pass

    names = ", ".join(name for name, _ in timed)
    job = Job(help=f"Removes rows whose time is over, as their collections declare: {names}", every="1h")
    return {NAME: (job, apply_retention)} if timed else {}
