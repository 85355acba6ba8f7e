"""`/jobs`, at the root of a service's port: what operators see of its jobs, and the button that runs one now."""

from litestar import Router, get, post

from gatehouse_chassis.http.guards import operators
from gatehouse_chassis.jobs.runner import JobRunner
from gatehouse_chassis.jobs.structs import JobState


def job_routes(jobs: JobRunner) -> Router:
    """The router with these routes."""

    @get("/", guards=[operators], operation_id="ListJobs", summary="Jobs: when, how often and how", tags=["platform"])
    async def list_jobs() -> list[JobState]:
        return await jobs.states()

    @post(
        "/{name:str}/run",
        guards=[operators],
        operation_id="RunJob",
        status_code=202,
        summary="Make a job due now; 409 while it runs",
        tags=["platform"],
    )
    async def run_job(name: str) -> None:
        await jobs.run_now(name)

    return Router(path="/jobs", route_handlers=[list_jobs, run_job])
