"""Publishing: with the change or not at all, and never anything but ids and enum words."""

import asyncio
import contextlib
from typing import Any, Literal
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from gatehouse_chassis.base.context import RequestContext, current
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.events.event import CHANNEL, START
from gatehouse_chassis.events.outbox import NotPublishable, Outbox

from .conftest import Pair, Row, TryIds

CANARIES = ["Jane Doe", "jane@example.org", "12 Elm Street, Springfield", "maria", "She said: no.", "né", ""]


class Someone(msgspec.Struct, frozen=True):
    account: Any


async def test_an_event_is_there_with_its_change_or_not_at_all(pair: Pair) -> None:
    with contextlib.suppress(RuntimeError):
        async with pair.producer.transaction():
            await pair.outbox.publish("person.joined", Row(uuid4()), by=None)
            raise RuntimeError
    with pytest.raises(NotPublishable, match="inside the transaction"):
        await pair.outbox.publish("person.joined", Row(uuid4()), by=None)
    kept = uuid4()
    await pair.publish(kept)
    await pair.settled()
    page = await pair.feed.page(["person.joined"], START)
    assert [event.subject_id for event in page.events] == [kept]


@pytest.mark.parametrize("canary", CANARIES)
async def test_no_text_gets_into_an_event_in_any_field(pair: Pair, canary: str) -> None:
    text: Any = canary
    other = uuid4()
    attempts: list[tuple[str, Any, Any, Any]] = [
        (text, Row(other), None, None),
        ("person.joined", Row(text), None, None),
        ("person.joined", Row(other, text), None, None),
        ("person.joined", Row(other), Someone(text), None),
        ("person.joined", Row(other), None, text),
        ("person.joined", Row(other), None, {"name": text}),
        ("person.archived", Row(other), None, TryIds(other=text)),
        ("person.archived", Row(other), None, TryIds(other=other, word=text)),
        ("person.archived", Row(other), None, TryIds(other=other, more=[other, text])),
        ("person.archived", Row(other), None, TryIds(other=other, maybe=text)),
        ("person.archived", Row(other), None, None),
    ]
    token = current.set(RequestContext(request_id=canary, trace_id=canary))
    try:
        for type, subject, by, ids in attempts:
            with pytest.raises(NotPublishable) as refused:
                async with pair.producer.transaction():
                    await pair.outbox.publish(type, subject, by=by, ids=ids)
            assert type == canary or not canary or canary not in str(refused.value)
        await pair.publish(other)
    finally:
        current.reset(token)
    (row,) = await pair.administrator.fetch("select to_jsonb(e)::text from person.event e")
    assert not canary or canary not in row[0]


@pytest.mark.parametrize("kind", [str, Any, int, dict, list[str], str | None, Literal["Jane Doe"], Literal[1], bytes])
def test_a_type_that_could_hold_a_text_is_no_event(pair: Pair, kind: Any) -> None:
    shape = msgspec.defstruct("Ids", [("person_id", UUID), ("note", kind)])
    with pytest.raises(NotPublishable, match=r"note of person\.joined could hold a text"):
        Outbox(pair.producer, {"person.joined": shape})


async def test_the_database_refuses_an_update_of_the_form(pair: Pair) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await pair.producer.execute(
            "insert into person.event (epoch, id, type, subject_id, subject_version) values (1, $1, 'Jane Doe', $1, 1)",
            uuid4(),
        )


async def test_in_a_cluster_that_db_manager_has_not_seen_nothing_is_published(pair: Pair) -> None:
    await pair.administrator.execute("update dbm.environment set cluster = cluster || 'x'")
    try:
        with pytest.raises(Unavailable, match="restored"):
            await pair.publish(uuid4())
        assert (await pair.feed.page(["person.joined"], START)).events == []
    finally:
        await pair.administrator.execute("update dbm.environment set cluster = rtrim(cluster, 'x')")


async def test_followers_are_woken_once_for_many_commits(pair: Pair) -> None:
    heard: list[str] = []
    await pair.administrator.add_listener(CHANNEL, lambda *given: heard.append(given[3]))
    waking = asyncio.create_task(pair.outbox.wake_followers())
    try:
        await asyncio.sleep(0)
        await asyncio.gather(*(pair.publish(uuid4()) for _ in range(20)))
        async with asyncio.timeout(60):
            while not heard:
                await asyncio.sleep(0.01)
    finally:
        waking.cancel()
    assert set(heard) == {"person"}
    assert len(heard) < 20
