"""Posting, reading and reversing entries, over HTTP."""

import asyncio

import pytest

from ..conftest import API, account, entry, fund


async def posted(ledger, headers, **of) -> dict:
    answer = await ledger.post(f"{API}/entries", headers=headers, json=entry(**of))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_entry_is_posted_once_read_and_found(ledger, by):
    body = entry("2032-01-15", 2_500, memo="A gift by post")
    headers = by("finance", idempotency_key="gift-by-post")
    first = await ledger.post(f"{API}/entries", headers=headers, json=body)
    again = await ledger.post(f"{API}/entries", headers=headers, json=body)
    assert (first.status_code, again.json()) == (201, first.json())
    assert first.headers["location"] == f"{API}/entries/{first.json()['id']}"
    read = await ledger.get(first.headers["location"], headers=by("finance"))
    assert read.json() == first.json()
    assert [(one["amount"], one["currency"]) for one in read.json()["postings"]] == [(2_500, "USD"), (-2_500, "USD")]
    found = await ledger.get(f"{API}/entries", headers=by("finance"), params={"search": "by post"})
    assert [one["id"] for one in found.json()["items"]] == [first.json()["id"]]
    of_account = {"account": account(1010), "period": first.json()["period_id"]}
    assert (await ledger.get(f"{API}/entries", headers=by("board"), params=of_account)).json()["items"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 2_499}, "postings"),
        ({"amount": 0}, "postings.0.amount"),
        ({"account_id": account(9999)}, "postings.0.account_id"),
        ({"fund_id": fund(99)}, "postings.0.fund_id"),
        ({"function": "program"}, "postings.0.function"),
        ({"account_id": account(5200)}, "postings.0.function"),
        ({"program_id": fund(99)}, "postings.0.program_id"),
    ],
)
async def test_a_wrong_posting_is_named(ledger, by, change, field):
    body = entry("2032-01-15", 2_500)
    body["postings"][0] |= change
    answer = await ledger.post(f"{API}/entries", headers=by("finance"), json=body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_what_is_off_is_said_by_fund(ledger, by):
    body = entry("2032-01-15", 123_456)
    body["postings"][0]["amount"] = 123_400
    answer = await ledger.post(f"{API}/entries", headers=by("finance"), json=body)
    assert "General fund is -0.56 USD off" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("day", ["1999-12-31", "2200-01-01", "9999-12-31"])
async def test_a_day_that_must_be_a_mistake_is_refused(ledger, by, day):
    answer = await ledger.post(f"{API}/entries", headers=by("finance"), json=entry(day, 1))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "booked_on")


async def test_an_entry_is_reversed_once(ledger, by):
    first = await posted(ledger, by("finance"), day="2032-02-10", amount=700, memo="Booked in error")
    path = f"{API}/entries/{first['id']}/reverse"
    answers = await asyncio.gather(*(ledger.post(path, headers=by("finance"), json={}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    reversal = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (reversal["source"], reversal["reverses_id"]) == ("reversal", first["id"])
    assert [one["amount"] for one in reversal["postings"]] == [-700, 700]
    before = await ledger.get(f"{API}/entries/{first['id']}", headers=by("finance"))
    assert before.json()["reversed_by_id"] == reversal["id"]
    again = await ledger.post(f"{API}/entries/{reversal['id']}/reverse", headers=by("finance"), json={})
    assert again.status_code == 409


@pytest.mark.parametrize(("caller", "read", "write"), [("board", 200, 403), ("nobody", 404, 403), ("member", 404, 403)])
async def test_who_reads_and_who_posts(ledger, by, caller, read, write):
    for path in ("accounts", "entries", "periods", "reports/trial-balance?as_of=2032-12-31"):
        assert (await ledger.get(f"{API}/{path}", headers=by(caller))).status_code == read
    assert (await ledger.post(f"{API}/entries", headers=by(caller), json=entry("2032-01-01", 1))).status_code == write


async def test_the_board_reads_no_memo(ledger, by):
    """A memo may name a person: `Gift of E. Marsh`."""
    one = await posted(ledger, by("finance"), day="2032-03-11", amount=901, memo="Gift of E. Marsh")
    shown = await ledger.get(f"{API}/entries/{one['id']}", headers=by("board"))
    assert shown.json()["memo"] == "Entry"
    listed = await ledger.get(f"{API}/entries", headers=by("board"), params={"period": one["period_id"]})
    journal = await ledger.get(f"{API}/reports/journal", headers=by("board"), params={"to_on": "2032-03-31"})
    assert "Marsh" not in listed.text + journal.text
    found = await ledger.get(f"{API}/entries", headers=by("board"), params={"search": "Marsh"})
    assert found.status_code == 400
