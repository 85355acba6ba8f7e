"""Events end after 13 months, but the last of each subject and type."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from gatehouse_chassis.events.event import START
from gatehouse_chassis.events.retention import KEPT, jobs
from gatehouse_chassis.jobs.structs import JobRun

from .conftest import KINDS, Pair


async def test_old_events_end_but_the_last_of_each_subject_and_type(pair: Pair) -> None:
    known, other = uuid4(), uuid4()
    await pair.publish(known, known, other)
    await pair.publish(known, type="person.archived")
    old = datetime.now(UTC) - KEPT - timedelta(minutes=1)
    await pair.administrator.execute("update person.event set at = $1", old)
    await pair.publish(known)
    await pair.settled()
    written = (await pair.feed.page(KINDS, START)).events
    _, forget = jobs(pair.producer)["forget_events"]
    now = datetime.now(UTC)

    async def left(at: datetime) -> list[Any]:
        await forget(JobRun(name="", key="", arguments={}, due_at=at, now=at, failures=0, service=cast(Any, None)))
        return (await pair.feed.page(KINDS, START)).events

    assert await left(now - timedelta(hours=1)) == written, "not yet"
    assert await left(now) == written[2:]
