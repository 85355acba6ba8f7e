"""Learns every night how long things take whom, and follows what topics says of resources meanwhile."""

import asyncio
from typing import Any

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.events import service_token
from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_curriculum.forecast import fitting
from gatehouse_curriculum.forecast.fit import fit
from gatehouse_curriculum.peers import ResourceLength
from gatehouse_curriculum.tables import DB


async def fit_forecasts(run: JobRun) -> None:
    """Doing it twice is as good as once: it starts from the raw times."""
    token = service_token.sign(run.service.peer_key, by=run.service.name, to="topics")
    lengths = await run.service.call("topics").get("/api/topics/lengths", list[ResourceLength], token=token)
    times = await fitting.observations()
    by_id = {one.id: fitting.length_of(one) for one in lengths}
    fitted = await asyncio.to_thread(fit, times, by_id)
    async with DB.transaction():
        await fitting.write(fitted, lengths, len(times))
    await fitting.settle(run.now)


def length_handler(service: ServiceContext) -> EventHandler:
    """Of `topics.resource.created` and `.changed`."""

    async def prepare(event: PublishedEvent) -> ResourceLength | None:
        token = service_token.sign(service.peer_key, by=service.name, to="topics")
        client = service.call("topics")
        found = await client.get(
            "/api/topics/lengths", list[ResourceLength], params={"id": str(event.subject_id)}, token=token
        )
        return next(iter(found), None)

    async def apply(event: PublishedEvent, prepared: Any) -> None:
        if prepared is not None:
            await fitting.keep_length(prepared)

    return EventHandler(apply, prepare)
