"""The queue over HTTP: accepting, booking, learning and undoing."""

import asyncio
import base64

import pytest

from gatehouse_ledger.bank_file.structs import BankLine

from ..conftest import API, account, entry, fund
from ..statement_files import as_csv, date

RENT = {"counter_account_id": account(5200), "fund_id": fund(1), "function": "management"}


def line(day: int, amount: int, text: str) -> BankLine:
    return BankLine(date(2042, 3, day), amount, text, "", "")


@pytest.fixture(scope="module")
async def bank(ledger, by) -> str:
    """An account with five lines to reconcile, and three gifts that one of them pays less fees."""
    body = {"code": "1690", "name": "LineQueue", "type": "asset", "bank": True}
    id = (await ledger.post(f"{API}/accounts", headers=by("finance"), json=body)).json()["id"]
    for amount in (1_000, 2_000, 7_000):
        gift = entry("2042-03-04", amount, memo="Gift by Zeffy")
        gift["postings"][0]["account_id"] = id
        assert (await ledger.post(f"{API}/entries", headers=by("finance"), json=gift)).status_code == 201
    made = [line(day, -50_000 - day, "LAKESIDE RENT LLC 0042") for day in (1, 2, 3)]
    content = as_csv([*made, line(5, 9_700, "ZEFFY PAYOUT"), line(6, -1, "ODD")], 0)
    staged = {"account_id": id, "name": "x", "content": base64.b64encode(content).decode()}
    file = (await ledger.post(f"{API}/bank-files", headers=by("finance"), json=staged)).json()["id"]
    done = await ledger.post(f"{API}/bank-files/{file}/import", headers=by("finance"), json={})
    assert done.json()["new_lines"] == 5
    return id


async def queue(ledger, by, bank) -> dict:
    return (await ledger.get(f"{API}/queues/{bank}", headers=by("finance"))).json()


async def accept(ledger, by, bank, lines: list[dict], postings: list[dict] = [], **body):  # noqa: B006 - not changed
    ids = {"line_ids": [one["id"] for one in lines], "posting_ids": [one["id"] for one in postings]}
    return await ledger.post(f"{API}/matches", headers=by("finance"), json={"account_id": bank} | ids | body)


async def test_lines_are_matched_booked_learned_and_undone(ledger, by, bank):
    shown = await queue(ledger, by, bank)
    assert shown["open_lines"] == 5
    (payout,) = shown["suggestions"]
    assert (payout["kind"], payout["rest"], payout["reasons"]) == ("one_to_many", -300, ["less_fees", "name_found"])
    assert len(payout["postings"]) == 3
    # The fee has to be booked, or the sums differ.
    assert (await accept(ledger, by, bank, [payout["line"]], payout["postings"])).status_code == 400
    fees = {"counter_account_id": account(5800), "fund_id": fund(1), "function": "fundraising", "memo": "Fees"}
    matched = await accept(ledger, by, bank, [payout["line"]], payout["postings"], booking=fees)
    assert (matched.status_code, matched.json()["kind"], len(matched.json()["posting_ids"])) == (201, "one_to_many", 4)

    rents = [one for one in (await queue(ledger, by, bank))["others"] if "RENT" in one["text"]]
    booked = [await accept(ledger, by, bank, [one], booking=RENT) for one in rents[:2]]
    assert [answer.status_code for answer in booked] == [201, 201]
    # The same choice twice: from now on it is offered.
    (offered,) = (await queue(ledger, by, bank))["suggestions"]
    assert (offered["line"]["id"], offered["reasons"], offered["rest"]) == (
        rents[2]["id"],
        ["rule"],
        rents[2]["amount"],
    )
    assert offered["booking"]["counter_account_id"] == account(5200)

    path = f"{API}/matches/{booked[1].json()['id']}"
    undone = await ledger.post(f"{path}/undo", headers=by("finance", if_match='"1"'))
    assert (undone.status_code, undone.json()["undone_by"] is not None) == (200, True)
    assert (await ledger.post(f"{path}/undo", headers=by("finance", if_match='"2"'))).status_code == 409
    assert (await queue(ledger, by, bank))["open_lines"] == 3
    entry_id = undone.json()["entry_id"]
    assert (await ledger.get(f"{API}/entries/{entry_id}", headers=by("finance"))).json()["reversed_by_id"] is not None
    # Undone once, the rule isn't sure any more.
    assert (await queue(ledger, by, bank))["suggestions"] == []


async def test_what_is_matched_is_not_reversed(ledger, by, bank):
    found = await ledger.get(f"{API}/entries", headers=by("finance"), params={"account": bank, "search": "Zeffy"})
    id = found.json()["items"][0]["id"]
    answer = await ledger.post(f"{API}/entries/{id}/reverse", headers=by("finance"), json={})
    assert (answer.status_code, "Undo the match first" in answer.text) == (409, True)


async def test_of_two_who_take_a_line_one_is_refused(ledger, by, bank):
    odd = next(one for one in (await queue(ledger, by, bank))["others"] if one["text"] == "ODD")
    answers = await asyncio.gather(*(accept(ledger, by, bank, [odd], booking=RENT) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_a_month_with_open_lines_is_not_prepared(ledger, by):
    months = (await ledger.get(f"{API}/periods", headers=by("finance"), params={"limit": 200})).json()["items"]
    october, november = (next(one for one in months if one["starts_on"] == f"2026-{month}-01") for month in (10, 11))
    path = f"{API}/periods/{october['id']}/close"
    assert (await ledger.post(path, headers=by("board", if_match='"1"'))).status_code == 200
    path = f"{API}/periods/{november['id']}/prepare"
    answer = await ledger.post(path, headers=by("finance", if_match='"1"'))
    assert (answer.status_code, "lines of bank statements in November 2026 aren't reconciled yet" in answer.text) == (
        409,
        True,
    )
