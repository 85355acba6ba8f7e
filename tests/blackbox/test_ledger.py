"""The books: entries that balance, a bank's file from its look to its match, and who may do what."""

import base64
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

LEDGER = "/api/ledger"
DAY = "2099-06-15"  # far from the test data, in a month that nobody closes


@pytest.fixture
def finance(callers: Any) -> Any:
    return callers("finance")


@pytest.fixture
def board(callers: Any) -> Any:
    return callers("board")


@pytest.fixture
def codes(finance: Any) -> Iterator[str]:
    """Numbers that no account has."""
    taken = {one["code"] for one in finance.all(f"{LEDGER}/accounts")}
    taken |= {one["code"] for one in finance.all(f"{LEDGER}/accounts", archived="true")}
    start = int(datetime.now(UTC).timestamp()) % 10**7
    return (code for number in itertools.count(start) if (code := f"{10**7 + number % 10**7}") not in taken)


@pytest.fixture
def bank(finance: Any, codes: Iterator[str]) -> dict[str, Any]:
    new = {"code": next(codes), "name": "Black box", "type": "asset", "bank": True}
    return finance.create(f"{LEDGER}/accounts", new).json()


@pytest.fixture
def gifts(finance: Any, codes: Iterator[str]) -> dict[str, Any]:
    return finance.create(f"{LEDGER}/accounts", {"code": next(codes), "name": "Black box", "type": "income"}).json()


@pytest.fixture
def fund(finance: Any) -> str:
    return finance.read(f"{LEDGER}/funds", search="General fund")["items"][0]["id"]


def entry(fund: str, debit: dict[str, Any], credit: dict[str, Any], amount: int, off: int = 0) -> dict[str, Any]:
    sides = ((debit, amount), (credit, off - amount))
    postings = [{"account_id": of["id"], "fund_id": fund, "amount": value} for of, value in sides]
    return {"booked_on": DAY, "memo": "Black box", "postings": postings}


def test_an_entry_balances_or_is_refused(finance: Any, bank: Any, gifts: Any, fund: str) -> None:
    refused = finance.post(f"{LEDGER}/entries", entry(fund, bank, gifts, 5_000, off=1))
    assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (400, ["postings"])
    made = finance.create(f"{LEDGER}/entries", entry(fund, bank, gifts, 5_000)).json()
    assert finance.read(f"{LEDGER}/entries/{made['id']}") == made
    undone = finance.post(f"{LEDGER}/entries/{made['id']}/reverse", {})
    assert (undone.status_code, undone.json()["reverses_id"]) == (200, made["id"])
    assert finance.post(f"{LEDGER}/entries/{made['id']}/reverse", {}).status_code == 409
    balance = finance.read(f"{LEDGER}/reports/trial-balance", as_of="2199-12-31")
    assert balance["debit"] == balance["credit"]
    assert bank["id"] not in {row["account_id"] for row in balance["rows"]}


def test_a_bank_s_file_is_looked_at_imported_and_reconciled(finance: Any, bank: Any, gifts: Any, fund: str) -> None:
    finance.create(f"{LEDGER}/entries", entry(fund, bank, gifts, 7_700))
    text = "Date,Description,Amount,Balance\n06/16/2099,BLACK BOX,77.00,77.00\n06/17/2099,COFFEE,-3.50,73.50\n"
    new = {"account_id": bank["id"], "name": "june.csv", "content": base64.b64encode(text.encode()).decode()}
    file = finance.create(f"{LEDGER}/bank-files", new).json()
    (shown,) = file["statements"]
    assert (shown["state"], shown["new_lines"], shown["opening"], shown["closing"]) == ("proven", 2, 0, 7_350)
    done = finance.post(f"{LEDGER}/bank-files/{file['id']}/import", {}).json()
    assert (done["new_lines"], done["matched"]) == (2, 1)
    again = finance.create(f"{LEDGER}/bank-files", new).json()
    assert again["statements"][0]["new_lines"] == 0
    assert finance("DELETE", f"{LEDGER}/bank-files/{again['id']}").status_code == 204

    queue = finance.read(f"{LEDGER}/queues/{bank['id']}")
    (coffee,) = queue["others"]
    booking = {"counter_account_id": gifts["id"], "fund_id": fund}
    match = finance.create(
        f"{LEDGER}/matches", {"account_id": bank["id"], "line_ids": [coffee["id"]], "booking": booking}
    )
    (reconciled,) = [one for one in finance.read(f"{LEDGER}/reconciliations") if one["account_id"] == bank["id"]]
    assert (reconciled["statement"], reconciled["books"], reconciled["open_lines"]) == (7_350, 7_350, 0)
    undone = finance.post(f"{LEDGER}/matches/{match.json()['id']}/undo", version=match.headers["etag"])
    assert undone.status_code == 200
    assert finance.read(f"{LEDGER}/queues/{bank['id']}")["open_lines"] == 1


def test_the_journal_has_every_entry(board: Any) -> None:
    answer = board.get(f"{LEDGER}/reports/journal", to_on="2026-12-31")
    assert answer.headers["content-type"].startswith("text/plain")
    listed = board.all(f"{LEDGER}/entries", limit=200)
    until = [one["id"] for one in listed if one["booked_on"] <= "2026-12-31"]
    assert [id for id in until if f"entry: {id}" not in answer.text] == []


def test_the_board_reads_and_others_see_nothing(board: Any, member: Any, stranger: Any) -> None:
    for path in ("accounts", "funds", "programs", "periods", "entries", "reconciliations"):
        assert board.get(f"{LEDGER}/{path}").status_code == 200
        assert member.get(f"{LEDGER}/{path}").status_code == 404
        assert stranger.get(f"{LEDGER}/{path}").status_code == 401
    for path in ("statements", "lines", "matches", "rules"):
        assert board.get(f"{LEDGER}/{path}").status_code == 404
    assert board.post(f"{LEDGER}/funds", {"name": "x", "restriction": "none"}).status_code == 403
