"""Following: each event's effect once, failures apart, and nothing lost whoever stops when."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from gatehouse_chassis.base.problems import NotFound, Unavailable
from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.events.figures import EventsCollector
from gatehouse_chassis.events.reader import EventHandler, EventReader, described
from gatehouse_chassis.service.client import CallInTransaction, PeerClient

from .conftest import KINDS, Pair, Row

PARKED = "select count(*) = 1 from identity.event_parked where due_at is null and tries = 8"


async def test_each_event_has_its_effect_once_in_order_with_many_readers(pair: Pair) -> None:
    subjects = [uuid4() for _ in range(130)]
    async with pair.reading(), pair.reading(), pair.reading():
        for start in range(0, 130, 10):
            await pair.publish(*subjects[start : start + 10])
        assert await pair.until_effects(130) == subjects


async def test_a_reader_that_lost_its_lead_unnoticed_takes_nothing_twice(pair: Pair) -> None:
    """Only the cursor's row counts: here both believe that they lead."""
    subjects = [uuid4() for _ in range(60)]
    async with pair.reading() as first, pair.reading() as second:
        for reader in (first, second):
            reader._wakeup.leads = _always  # type: ignore[method-assign]
        for subject in subjects:
            await pair.publish(subject)
        assert await pair.until_effects(60) == subjects


async def _always(producer: str) -> bool:
    return True


async def test_a_failing_event_parks_with_its_subject_and_others_go_on(pair: Pair) -> None:
    bad, good = uuid4(), uuid4()
    pair.broken.add(bad)
    async with pair.reading(store=pair.store(3600.0)):
        await pair.publish(bad, good, bad)
        await pair.publish(good)
        assert await pair.until_effects(2) == [good, good]
        await pair.until("select count(*) = 2 from identity.event_parked")
        rows = await pair.administrator.fetch("select tries, failure, due_at from identity.event_parked order by id")
        assert [row["tries"] for row in rows] == [1, 0]
        assert rows[0]["due_at"] is not None
        assert rows[1]["due_at"] is None
        assert rows[0]["failure"] == "ValueError"  # no frame of ours: a test isn't below gatehouse_*


async def test_what_works_again_is_handled_in_order_without_anybody(pair: Pair) -> None:
    bad = uuid4()
    pair.broken.add(bad)
    async with pair.reading(store=pair.store(*(0.05,) * 100)):
        await pair.publish(bad)
        await pair.publish(bad)
        await pair.until("select max(tries) >= 2 from identity.event_parked")
        pair.broken.clear()
        await pair.until_effects(2)
        await pair.until("select count(*) = 0 from identity.event_parked")
    events = await pair.administrator.fetch("select event from identity.effect order by number")
    assert [row["event"] for row in events] == sorted(row["event"] for row in events)


async def test_after_eight_tries_an_event_waits_for_a_person(pair: Pair) -> None:
    bad = uuid4()
    pair.broken.add(bad)
    store = pair.store()
    async with pair.reading(store=store):
        await pair.publish(bad)
        await pair.publish(bad)
        await pair.until(PARKED)
        first, second = sorted(row.id for row in await store.listed())
        with pytest.raises(NotFound):
            await store.retry(second)  # it waits behind the first
        await store.retry(first)
        await pair.until(PARKED)
        await store.discard(first, by=uuid4(), reason="The account was made by hand")
        pair.broken.clear()
        await pair.until_effects(1)
        await pair.until("select count(*) = 1 from identity.event_parked where discarded_reason is not null")
        counts = await store.counts()
        assert (counts.retrying, counts.behind, counts.parked) == (0, 0, 0)
        with pytest.raises(NotFound):
            await store.retry(first)


async def test_what_is_parked_and_a_feed_that_can_t_be_read_move_the_gauges(pair: Pair) -> None:
    def shown(reader: EventReader, name: str, **labels: str) -> float:
        registry = CollectorRegistry()
        registry.register(EventsCollector("identity", lambda: {"person": reader.figures}))
        found = registry.get_sample_value(
            f"gatehouse_events_{name}", {"service": "identity", "producer": "person", **labels}
        )
        return -1.0 if found is None else found

    bad = uuid4()
    pair.broken.add(bad)
    async with pair.reading() as reader, asyncio.timeout(60):
        await pair.publish(uuid4())
        await pair.until_effects(1)
        assert shown(reader, "unhandled", state="parked") == 0
        await pair.publish(bad)
        await pair.until(PARKED)
        while shown(reader, "unhandled", state="parked") != 1:
            reader._counted_at = float("-inf")  # it counts every few seconds
            await pair.publish(uuid4())
        working = pair.feed.page

        async def away(*_: Any, **__: Any) -> Any:
            raise Unavailable("person doesn't answer")

        pair.feed.page = away  # type: ignore[method-assign]
        await pair.publish(uuid4())
        while shown(reader, "lag_seconds") < 0.5:
            await asyncio.sleep(0.01)
        pair.feed.page = working  # type: ignore[method-assign]
        while shown(reader, "lag_seconds") != 0:
            await asyncio.sleep(0.01)


async def test_a_consumer_that_was_down_for_an_hour_catches_up_alone(pair: Pair) -> None:
    """An hour by the age of what was published: the reader looks at no other time."""
    before, missed = uuid4(), [uuid4() for _ in range(250)]
    async with pair.reading():
        await pair.publish(before)
        await pair.until_effects(1)
    for subject in missed:
        await pair.publish(subject)
    await pair.administrator.execute(
        "update person.event as one set at = now() - interval '1 hour' * (1 - place / 250.0) from (select id, "
        "row_number() over (order by epoch, tx, id) - 1 as place from person.event) as placed where placed.id = one.id"
    )
    await pair.settled()
    behind: list[float] = []

    async def noted(event: PublishedEvent, prepared: Any) -> None:
        behind.append(reader.figures.lag_seconds)
        await pair.handle(event, prepared)

    async with pair.reading(handler=EventHandler(noted)) as reader:
        assert await pair.until_effects(251) == [before, *missed]
        async with asyncio.timeout(60):
            while reader.figures.lag_seconds > 1:
                await asyncio.sleep(0.01)
    assert behind[0] > 3500
    assert behind == sorted(behind, reverse=True)
    assert await pair.administrator.fetchval("select count(*) from identity.event_parked") == 0


async def test_a_type_that_is_added_later_is_read_from_the_first_event(pair: Pair) -> None:
    before, after = uuid4(), uuid4()
    async with pair.reading("person.joined"):
        await pair.publish(before, type="person.archived")
        await pair.publish(after)
        assert await pair.until_effects(1) == [after]
    async with pair.reading(*sorted(KINDS)):
        assert await pair.until_effects(2) == [after, before]
    async with pair.reading("person.joined"):  # the former version again, which must not read past the other type
        await pair.publish(after)
        await pair.publish(before, type="person.archived")
        await pair.until_effects(3)
    async with pair.reading(*sorted(KINDS)):
        assert await pair.until_effects(4) == [after, before, after, before]


async def test_a_replay_handles_again_what_was_published_since(pair: Pair) -> None:
    old, new = uuid4(), uuid4()
    store = pair.store()
    async with pair.reading(store=store):
        await pair.publish(old)
        await pair.until_effects(1)
        since = await pair.administrator.fetchval("select clock_timestamp()")
        await asyncio.sleep(0.002)  # a UUIDv7 counts milliseconds
        await pair.publish(new)
        await pair.until_effects(2)
        await pair.administrator.execute("alter table identity.effect drop constraint if exists effect_event_key")
        assert await store.replay(since) == 1
        assert await pair.until_effects(3) == [old, new, new]


async def test_a_service_may_be_asked_under_an_advisory_lock_until_something_is_written(pair: Pair) -> None:
    """No such transaction has an id yet, so it keeps nobody from an event."""
    peer = PeerClient("topics", "http://127.0.0.1:9", attempts=1)
    async with pair.producer.transaction(asks=True):
        assert await pair.producer.try_advisory_lock("one")
        with pytest.raises(Unavailable):
            await peer.get("/", dict)
        assert await pair.producer.fetchval("select pg_current_xact_id_if_assigned()") is None
        await pair.outbox.publish("person.joined", Row(uuid4()), by=None, ids=None)
        with pytest.raises(CallInTransaction):
            await peer.get("/", dict)
        with pytest.raises(CallInTransaction):
            async with pair.producer.transaction(asks=True):
                await peer.get("/", dict)
    await peer.close()


async def test_what_a_handler_needs_of_others_it_asks_before_the_transaction(pair: Pair) -> None:
    calls: list[Any] = []
    peer = PeerClient("topics", "http://127.0.0.1:9", attempts=1)

    async def prepare(event: PublishedEvent) -> str:
        calls.append(pair.consumer.running())
        return "asked"

    async def apply(event: PublishedEvent, prepared: str) -> None:
        assert pair.consumer.running() is not None
        with pytest.raises(CallInTransaction, match="before the transaction"):
            await peer.get("/", dict)
        calls.append(prepared)
        await pair.handle(event, prepared)

    async with pair.reading(handler=EventHandler(apply, prepare)):
        await pair.publish(uuid4())
        await pair.until_effects(1)
    assert calls == [None, "asked"]
    await peer.close()


async def test_a_handler_s_half_is_undone(pair: Pair) -> None:
    subject = uuid4()

    async def apply(event: PublishedEvent, prepared: Any) -> None:
        await pair.handle(event, prepared)
        raise LookupError

    async with pair.reading(handler=EventHandler(apply)):
        await pair.publish(subject)
        await pair.until(PARKED)
    assert await pair.effects() == []
    assert await pair.administrator.fetchval("select count(*) from identity.event_inbox") == 0


def test_a_failure_says_its_kind_and_place_and_not_its_text() -> None:
    from gatehouse_chassis.events.event import position_of

    try:
        position_of("jane@example.org")
    except Exception as error:
        found = described(error)
    assert found.startswith("Invalid at gatehouse_chassis/events/event.py:")
    assert "jane" not in found
