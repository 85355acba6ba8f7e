"""A year's budget against what was booked, by account and by program."""

import csv
import io

import pytest

from ..conftest import API, account, entry

YEAR = 2046


async def put(ledger, by, body, caller="finance", year=YEAR):
    return await ledger.put(f"{API}/budget", headers=by(caller), params={"year": year}, json=body)


async def test_a_budget_is_compared_with_the_books(ledger, by):
    program = (await ledger.post(f"{API}/programs", headers=by("finance"), json={"name": "Of a budget"})).json()["id"]
    spent = entry(f"{YEAR}-03-04", 70_000, debit=5300, credit=1010)
    spent["postings"][0] |= {"function": "program", "program_id": program}
    for body in (spent, entry(f"{YEAR}-03-05", 9_000, debit=5300, credit=1010), entry(f"{YEAR}-03-06", 40_000)):
        assert (await ledger.post(f"{API}/entries", headers=by("finance"), json=body)).status_code == 201
    of_program = {"account_id": account(5300), "program_id": program, "amount": 50_000}
    for line in (of_program, of_program | {"amount": 100_000}, {"account_id": account(4010), "amount": 60_000}):
        answer = await put(ledger, by, line)
        assert answer.status_code == 200, answer.text
    found = (await ledger.get(f"{API}/budget", headers=by("board"), params={"year": YEAR})).json()
    rows = {(row["code"], row["program"]): (row["budget"], row["actual"]) for row in found["rows"]}
    assert rows == {
        ("4010", None): (60_000, 40_000),
        ("5300", None): (0, 9_000),
        ("5300", "Of a budget"): (100_000, 70_000),
    }
    assert [(one["name"], one["left"]) for one in found["programs"]] == [
        ("Of a budget", 30_000),
        ("No program", -9_000),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"account_id": account(1010), "amount": 1}, "account_id"),
        ({"account_id": account(5300), "program_id": account(1010), "amount": 1}, "program_id"),
        ({"account_id": account(5300), "amount": -1}, "amount"),
    ],
)
async def test_what_is_wrong_is_named(ledger, by, body, field):
    answer = await put(ledger, by, body)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])


async def test_only_finance_sets_it(ledger, by):
    body = {"account_id": account(5300), "amount": 1}
    assert (await put(ledger, by, body, "board")).status_code == 403
    assert (await ledger.get(f"{API}/budget", headers=by("member"), params={"year": YEAR})).status_code == 404


async def test_the_file_says_the_same(ledger, by):
    await put(ledger, by, {"account_id": account(5200), "amount": 123_400}, year=2024)
    found = (await ledger.get(f"{API}/budget", headers=by("board"), params={"year": 2024})).json()
    text = (await ledger.get(f"{API}/budget/file", headers=by("board"), params={"year": 2024})).text
    rows = {row[0]: row[2:] for row in csv.reader(io.StringIO(text))}
    expenses = found["expenses"]
    assert rows["Expenses"] == [f"{expenses[name] / 100:.2f}" for name in ("budget", "actual", "left")]
    assert rows["5200 Rent and utilities"][:1] == ["1234.00"]
