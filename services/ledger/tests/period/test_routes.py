"""Closing months, over HTTP: in their order, and by another person than those who worked on them."""

import asyncio

from ..conftest import API, entry


async def posted(ledger, headers, day: str):
    return await ledger.post(f"{API}/entries", headers=headers, json=entry(day, 100))


async def month_of(ledger, by, day: str) -> str:
    answer = await posted(ledger, by("finance"), day)
    assert answer.status_code == 201, answer.text
    return f"{API}/periods/{answer.json()['period_id']}"


async def step(ledger, by, who: str, month: str, what: str):
    version = (await ledger.get(month, headers=by("finance"))).headers["etag"]
    return await ledger.post(f"{month}/{what}", headers=by(who, if_match=version))


async def test_a_month_is_closed_by_a_second_person(ledger, by):
    january, february = await month_of(ledger, by, "2000-01-05"), await month_of(ledger, by, "2000-02-05")
    out_of_order = await step(ledger, by, "finance", february, "prepare")
    assert (out_of_order.status_code, "Close January 2000 first" in out_of_order.text) == (409, True)
    assert (await step(ledger, by, "finance", january, "close")).status_code == 409

    prepared = await step(ledger, by, "second of finance", january, "prepare")
    assert (prepared.status_code, prepared.json()["state"]) == (200, "closing")
    assert (await posted(ledger, by("finance"), "2000-01-06")).status_code == 409
    # Who prepared it, and who posted in it, don't close it.
    assert (await step(ledger, by, "second of finance", january, "close")).status_code == 403
    assert (await step(ledger, by, "finance", january, "close")).status_code == 403
    closed = await step(ledger, by, "board", january, "close")
    assert (closed.status_code, closed.json()["state"], closed.json()["entries"]) == (200, "closed", 1)

    late = await posted(ledger, by("finance"), "2000-01-31")
    assert (late.status_code, "January 2000 is closed" in late.text) == (409, True)
    assert (await step(ledger, by, "finance", january, "reopen")).status_code == 409
    assert (await step(ledger, by, "finance", february, "prepare")).status_code == 200
    reopened = await step(ledger, by, "board", february, "reopen")
    assert (reopened.json()["state"], reopened.json()["prepared_by"]) == ("open", None)
    assert (await posted(ledger, by("finance"), "2000-02-06")).status_code == 201


async def test_of_many_who_begin_a_month_all_find_the_same(ledger, by):
    answers = await asyncio.gather(*(posted(ledger, by("finance"), "2033-07-01") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["period_id"] for answer in answers}) == 1


async def test_the_closing_is_an_event(ledger, by, sql):
    month = await month_of(ledger, by, "2000-02-07")
    await step(ledger, by, "second of finance", month, "prepare")
    assert (await step(ledger, by, "board", month, "close")).status_code == 200
    found = await sql.fetch("select subject_id::text, ids from ledger.event where type = 'ledger.period.closed'")
    assert month.rpartition("/")[2] in [row["subject_id"] for row in found]
