"""A page learns of what others change in a curriculum, and only for as long as its reader may see it."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_chassis.live.socket_layer import MOST_OF_ONE
from gatehouse_chassis.testing import InProcessClient, account_id, socket_to
from gatehouse_curriculum.live import CHANGES, end_mentoring
from gatehouse_curriculum.tables import DB

from .conftest import AVA, BASE, MARA, MEMBERS, NOAH, Headers, resource_id

LIVE = f"{BASE}/{NOAH}/live"


async def ticket(service: InProcessClient, headers: Headers, person: str = NOAH) -> tuple[str, str]:
    answer = await service.post(f"{BASE}/{person}/ticket", headers=headers)
    assert answer.status_code == 200, answer.text
    return "gatehouse.v1", answer.json()["ticket"]


async def version_of(service: InProcessClient, headers: Headers) -> int:
    return (await service.get(f"{BASE}/{NOAH}", headers=headers)).json()["version"]


async def changed_by(service: InProcessClient, headers: Headers, number: int) -> int:
    """The version after assigning one more resource."""
    version = await version_of(service, headers)
    body = {"resource_id": resource_id(number)}
    match = {"if-match": f'"{version}"'}
    answer = await service.post(f"{BASE}/{NOAH}/assign", json=body, headers=headers | match)
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


async def heard() -> None:
    """Returns when this process listens."""
    async with asyncio.timeout(60):
        await CHANGES.listening.wait()


def mentoring_ended() -> PublishedEvent:
    """What person publishes when Mara no longer mentors Noah."""
    return PublishedEvent(
        epoch=1,
        tx=1,
        id=uuid4(),
        type="person.mentoring.ended",
        subject_id=uuid4(),
        subject_version=2,
        at=datetime.now(UTC),
        ids={"member_id": NOAH, "mentor_id": MARA},
    )


async def test_a_member_hears_at_once_what_the_mentor_changes(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    await heard()
    async with socket_to(curriculum.app, LIVE, protocols=await ticket(curriculum, noah)) as page:
        assert await page.message() == {"topic": NOAH, "version": await version_of(curriculum, noah)}
        assert page.accepted == "gatehouse.v1"
        version = await changed_by(curriculum, mara, 600)
        assert await page.message() == {"topic": NOAH, "version": version, "by": account_id(1)}


async def test_a_former_mentor_is_cut_off_when_person_says_that_it_ended(
    curriculum: InProcessClient, mara: Headers, noah: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heard()
    async with (
        socket_to(curriculum.app, LIVE, protocols=await ticket(curriculum, mara)) as hers,
        socket_to(curriculum.app, LIVE, protocols=await ticket(curriculum, noah)) as his,
    ):
        await hers.message()
        await his.message()
        monkeypatch.setitem(MEMBERS, MARA, [AVA])
        async with DB.transaction():
            await end_mentoring(mentoring_ended(), None)
        assert await hers.message() == 4404
        assert his.code is None


async def test_a_batch_is_sent_only_to_who_may_still_see_it(
    curriculum: InProcessClient, mara: Headers, coordinator: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heard()
    async with socket_to(curriculum.app, LIVE, protocols=await ticket(curriculum, mara)) as page:
        await page.message()
        monkeypatch.setitem(MEMBERS, MARA, [AVA])
        await changed_by(curriculum, coordinator, 601)
        assert await page.message() == 4404


async def test_a_ticket_is_for_one_path_and_for_who_may_see_it(
    curriculum: InProcessClient, noah: Headers, mara: Headers
) -> None:
    assert (await curriculum.post(f"{BASE}/{AVA}/ticket", headers=noah)).status_code == 404
    for_ava = await ticket(curriculum, mara, AVA)
    for protocols in (for_ava, ("gatehouse.v1", "made-up"), ("gatehouse.v1",), ("gatehouse.v1", "x" * 5000)):
        async with socket_to(curriculum.app, LIVE, protocols=protocols) as page:
            assert await page.message() == 4401


async def test_a_token_opens_one_as_well_and_a_strangers_page_none(curriculum: InProcessClient, noah: Headers) -> None:
    async with socket_to(curriculum.app, LIVE, headers=noah) as page:
        assert (await page.message())["topic"] == NOAH
    async with socket_to(curriculum.app, f"{BASE}/{AVA}/live", headers=noah) as page:
        assert await page.message() == 4404
    async with socket_to(curriculum.app, LIVE, headers=noah | {"origin": "https://elsewhere.example"}) as page:
        assert await page.message() == 0
    async with socket_to(curriculum.app, f"{BASE}/nowhere", headers=noah) as page:
        assert await page.message() == 4404


async def test_a_page_that_sends_and_sends_is_closed_and_nobody_else(
    curriculum: InProcessClient, noah: Headers
) -> None:
    async with (
        socket_to(curriculum.app, LIVE, headers=noah) as talkative,
        socket_to(curriculum.app, LIVE, headers=noah) as quiet,
    ):
        await talkative.message()
        await quiet.message()
        for _ in range(30):
            await talkative.send("{")
        assert await talkative.message() == 1008
        assert quiet.code is None


async def test_one_account_has_ten_at_most(curriculum: InProcessClient, noah: Headers) -> None:
    async def open_one(left: int) -> int | None:
        async with socket_to(curriculum.app, LIVE, headers=noah) as page:
            await page.message()
            if page.code is not None:
                assert await opened(curriculum) == before + MOST_OF_ONE
            return page.code if page.code is not None or not left else await open_one(left - 1)

    before = await opened(curriculum)
    assert await open_one(MOST_OF_ONE) == 4429
    assert await open_one(0) is None
    assert await opened(curriculum) == before


async def opened(service: InProcessClient) -> float:
    """What its gauge of open WebSockets says."""
    answer = await service.get("/metrics")
    return next(
        float(line.split()[-1]) for line in answer.text.splitlines() if line.startswith("gatehouse_sockets_open{")
    )


async def test_after_the_listening_connection_broke_pages_look_again(
    curriculum: InProcessClient, noah: Headers
) -> None:
    await heard()
    async with socket_to(curriculum.app, LIVE, headers=noah) as page:
        await page.message()
        await DB.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
            "and usename = current_user and query ilike 'listen %gatehouse_live_curriculum%'"
        )
        assert await page.message() == {"topic": NOAH}


async def test_what_could_not_be_told_is_told_later(
    curriculum: InProcessClient, mara: Headers, noah: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heard()
    fetchval, refused = DB.fetchval, []

    async def broken_once(sql: str, *values: Any) -> Any:
        if "pg_notify" in sql and not refused:
            refused.append(sql)
            raise ConnectionResetError
        return await fetchval(sql, *values)

    monkeypatch.setattr(DB, "fetchval", broken_once)
    async with socket_to(curriculum.app, LIVE, headers=noah) as page:
        await page.message()
        version = await changed_by(curriculum, mara, 12)
        assert (await page.message())["version"] == version
    assert refused


async def test_what_any_role_may_notify_only_makes_pages_look(curriculum: InProcessClient, noah: Headers) -> None:
    await heard()
    async with socket_to(curriculum.app, LIVE, headers=noah) as page:
        await page.message()
        for payload in (
            "nonsense",
            '{"topic": 1}',
            f'{{"topic": "{uuid4()}"}}',
            f'{{"topic": "{NOAH}", "version": 9999}}',
        ):
            await DB.fetchval("select pg_notify('gatehouse_live_curriculum', $1)", payload)
        assert await page.message() == {"topic": NOAH, "version": 9999}
