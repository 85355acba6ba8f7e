"""The feed: what commits late is never passed over, in the order of transactions, across clusters."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from gatehouse_chassis.base.problems import Invalid, Unauthenticated
from gatehouse_chassis.events import service_token
from gatehouse_chassis.events.event import START, FeedPosition, position_of

from .conftest import KINDS, Pair

KEY = "0123456789abcdef0123456789abcdef"
OTHER = "another-key-another-key-another-key"


async def seen(pair: Pair, after: FeedPosition = START, most: int = 500) -> list[UUID]:
    return [event.subject_id for event in (await pair.feed.page(KINDS, after, most=most)).events]


async def test_what_commits_late_is_not_passed_over(pair: Pair) -> None:
    """The transaction that began first commits last; "the last id" would lose its event."""
    early, late = uuid4(), uuid4()
    slow = pair.administrator.transaction()
    await slow.start()
    await pair.administrator.execute(
        "insert into person.event (epoch, id, type, subject_id, subject_version) "
        "values (1, $1, 'person.joined', $1, 1)",
        early,
    )
    await pair.publish(late)
    page = await pair.feed.page(KINDS, START)
    assert page.events == []
    assert page.held_seconds > 0
    await slow.commit()
    await pair.settled()
    assert await seen(pair) == [early, late]
    assert (await pair.feed.page(KINDS, START)).held_seconds == 0


async def test_pages_continue_where_the_last_ended_whatever_the_types(pair: Pair) -> None:
    subjects = [uuid4() for _ in range(7)]
    await pair.publish(*subjects[:3])
    await pair.publish(*subjects[3:5], type="person.archived")
    await pair.publish(*subjects[5:])
    await pair.settled()
    found, after = [], START
    while page := await seen(pair, after, most=2):
        found += page
        after = position_of((await pair.feed.page(KINDS, after, most=2)).next)
    assert found == subjects
    counted = await pair.feed.page(KINDS, START, most=2, count=True)
    assert counted.left == 5


async def test_transaction_ids_are_compared_as_numbers_and_within_their_cluster(pair: Pair) -> None:
    """As text 999 comes after 1000; and a new cluster begins below the old one's ids."""
    insert = (
        "insert into person.event (epoch, tx, id, type, subject_id, subject_version) "
        "values ($1, $2::text::xid8, $3, 'person.joined', $3, 1)"
    )
    subjects = [uuid4() for _ in range(4)]
    for (epoch, tx), subject in zip([(1, 999), (1, 1000), (1, 2**40), (2, 700)], subjects, strict=True):
        await pair.administrator.execute(insert, epoch, str(tx), subject)
    await pair.administrator.execute("update dbm.environment set epoch = 2")
    try:
        assert await seen(pair) == subjects
        assert await seen(pair, FeedPosition(1, 999, UUID(int=2**128 - 1))) == subjects[1:]
    finally:
        await pair.administrator.execute("update dbm.environment set epoch = 1")


@pytest.mark.parametrize("text", ["", "1", "1.2", "a.b.c", "1.2.x", "-1.2." + "0" * 32, "1.2." + "0" * 32 + ".3"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        position_of(text)


def test_a_service_token_is_good_for_one_service_and_one_minute(monkeypatch: Any) -> None:
    token = service_token.sign(f"{KEY} {OTHER}", by="identity", to="person")
    assert service_token.caller(f"{OTHER} {KEY}", token, to="person") == "identity"
    for keys, target in ((KEY, "topics"), (OTHER, "person"), ("", "person"), ("short", "person")):
        with pytest.raises(Unauthenticated):
            service_token.caller(keys, token, to=target)
    monkeypatch.setattr(service_token.time, "time", lambda: 0)
    old = service_token.sign(KEY, by="identity", to="person")
    with pytest.raises(Unauthenticated):
        service_token.caller(KEY, old, to="person")
