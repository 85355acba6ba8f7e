"""`/jobs`, at the root of a service's port: what operators see of its jobs, and what they decide of them."""

from uuid import UUID

from litestar import Router, get, post

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.http.guards import operators
from gatehouse_chassis.jobs.runner import JobRunner
from gatehouse_chassis.jobs.structs import DiscardReason, ListedJob


def job_routes(jobs: JobRunner) -> Router:
    """The router with these routes."""

    @get("/", guards=[operators], operation_id="ListJobs", summary="Jobs: when, how often and how", tags=["platform"])
    async def list_jobs() -> list[ListedJob]:
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

    @post(
        "/failing/{id:uuid}/discard",
        guards=[operators],
        operation_id="DiscardWork",
        status_code=204,
        summary="Never do a piece of work that fails; 409 while it runs",
        tags=["platform"],
    )
    async def discard_work(id: UUID, data: DiscardReason, actor: Actor) -> None:
        await jobs.discard(id, by=actor.account, reason=data.reason)

    return Router(path="/jobs", route_handlers=[list_jobs, run_job, discard_work])
