"""Closing months, over HTTP: in their order, and by another person than those who worked on them."""

import asyncio

import pytest

from ..conftest import API, entry

OCTOBER = "2026-10-01"


async def posted(ledger, headers, day: str):
    return await ledger.post(f"{API}/entries", headers=headers, json=entry(day, 100))


async def month_of(ledger, by, day: str) -> str:
    """The address of the month that begins on a day."""
    months = (await ledger.get(f"{API}/periods", headers=by("finance"), params={"limit": 200})).json()["items"]
    return f"{API}/periods/{next(one['id'] for one in months if one['starts_on'] == day)}"


async def step(ledger, by, who: str, month: str, what: str):
    version = (await ledger.get(month, headers=by("finance"))).headers["etag"]
    return await ledger.post(f"{month}/{what}", headers=by(who, if_match=version))


@pytest.fixture
async def reconciled(ledger, by, sql) -> None:
    """October is closed, and November has no open lines."""
    await sql.execute("delete from ledger.statement_line where match_id is null")
    await step(ledger, by, "board", await month_of(ledger, by, OCTOBER), "close")


async def test_a_month_is_closed_by_a_second_person(ledger, by, reconciled):
    assert (await posted(ledger, by("finance"), "2026-12-01")).status_code == 201
    november, december = await month_of(ledger, by, "2026-11-01"), await month_of(ledger, by, "2026-12-01")
    out_of_order = await step(ledger, by, "finance", december, "prepare")
    assert (out_of_order.status_code, "Close November 2026 first" in out_of_order.text) == (409, True)
    assert (await step(ledger, by, "finance", november, "close")).status_code == 409

    prepared = await step(ledger, by, "second of finance", november, "prepare")
    assert (prepared.status_code, prepared.json()["state"]) == (200, "closing")
    assert (await posted(ledger, by("finance"), "2026-11-06")).status_code == 409
    # Who prepared it, and who posted in it, don't close it.
    assert (await step(ledger, by, "second of finance", november, "close")).status_code == 403
    assert (await step(ledger, by, "finance", november, "close")).status_code == 403
    closed = await step(ledger, by, "board", november, "close")
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")

    late = await posted(ledger, by("finance"), "2026-11-30")
    assert (late.status_code, "November 2026 is closed" in late.text) == (409, True)
    assert "closed until November 2026" in (await posted(ledger, by("finance"), "2001-01-01")).text
    assert (await step(ledger, by, "finance", november, "reopen")).status_code == 409
    assert (await step(ledger, by, "finance", december, "prepare")).status_code == 200
    reopened = await step(ledger, by, "board", december, "reopen")
    assert (reopened.json()["state"], reopened.json()["prepared_by"]) == ("open", None)
    assert (await posted(ledger, by("finance"), "2026-12-06")).status_code == 201


async def test_of_many_who_begin_a_month_all_find_the_same(ledger, by):
    answers = await asyncio.gather(*(posted(ledger, by("finance"), "2033-07-01") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["period_id"] for answer in answers}) == 1


async def test_the_closing_is_an_event(ledger, by, sql, reconciled):
    october = await month_of(ledger, by, OCTOBER)
    found = await sql.fetch("select subject_id::text from ledger.event where type = 'ledger.period.closed'")
    assert october.rpartition("/")[2] in [row["subject_id"] for row in found]
