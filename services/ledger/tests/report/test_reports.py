"""Reports over HTTP, against sums that the tests make themselves, and against hledger on the exported journal."""

import csv
import io
import random
import shutil
import subprocess
from collections import Counter

import pytest

from ..conftest import API, entry, fund

YEAR = 2040
EXPENSES = (5010, 5200, 5300, 5800)
INCOMES = (4010, 4030, 4400)


@pytest.fixture(scope="module")
async def books(ledger, by) -> list[dict]:
    """Some entries of one year in two funds, with names that mean something in a journal."""
    made = await ledger.post(
        f"{API}/funds", headers=by("finance"), json={"name": "Books: (and) [more]  ; stuff", "restriction": "purpose"}
    )
    programs = [
        (await ledger.post(f"{API}/programs", headers=by("finance"), json={"name": name})).json()["id"]
        for name in ("Coding: club", "Demo; day")
    ]
    funds = (fund(1), made.json()["id"])
    chance = random.Random(7)
    entries = []
    for number in range(60):
        day = f"{YEAR}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        body = entry(
            day,
            chance.randint(1, 10**7),
            debit=chance.choice([*EXPENSES, 1010]),
            credit=chance.choice([1020, 2010] if number % 2 else INCOMES),
            memo=f"Nr {number}; 12:30 (a) *x*  | {chance.choice(['Ünïcode', '李', 'plain'])}",
        )
        for posting in body["postings"]:
            posting["fund_id"] = funds[number % 2]
            if posting.get("function") and number % 3:
                posting |= {"function": "program", "program_id": chance.choice(programs)}
        answer = await ledger.post(f"{API}/entries", headers=by("finance"), json=body)
        assert answer.status_code == 201, answer.text
        entries.append(body)
    return entries


async def report(ledger, by, name: str, **params) -> dict:
    answer = await ledger.get(f"{API}/reports/{name}", headers=by("board"), params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def code(of: dict) -> int:
    return int(of["account_id"][-12:])


async def test_the_trial_balance_is_the_sum_of_all_postings(ledger, by, books):
    shown = await report(ledger, by, "trial-balance", as_of="2199-12-31")
    assert shown["debit"] == shown["credit"] > 0
    by_fund: Counter[str] = Counter()
    for row in shown["rows"]:
        by_fund[row["fund_id"]] += row["debit"] - row["credit"]
    assert set(by_fund.values()) == {0}


async def test_the_statements_add_up(ledger, by, books):
    days = {"from_on": f"{YEAR}-01-01", "to_on": f"{YEAR}-12-31"}
    activities = await report(ledger, by, "activities", **days)
    position = await report(ledger, by, "position", as_of=days["to_on"])
    functional = await report(ledger, by, "functional-expenses", **days)
    postings = [posting for one in books for posting in one["postings"]]
    spent = [one for one in postings if code(one) >= 5000]
    assert activities["expenses"]["total"] == sum(one["amount"] for one in spent) == functional["total"]
    assert activities["income"]["total"] == -sum(one["amount"] for one in postings if 4000 <= code(one) < 5000)
    restricted = [one for one in spent if one["fund_id"] != fund(1)]
    assert activities["expenses"]["with_restrictions"] == sum(one["amount"] for one in restricted)
    assert functional["program"] == sum(one["amount"] for one in spent if one["function"] == "program")
    assert sum(functional["by_program"].values()) == functional["program"]
    for kind in ("without_restrictions", "with_restrictions", "total"):
        assert position["assets"][kind] == position["liabilities"][kind] + position["net_assets"][kind]
        assert position["net_assets"][kind] == activities["net_assets_after"][kind]


@pytest.mark.parametrize(
    ("name", "params", "field"),
    [
        ("activities", {"from_on": "2040-02-01", "to_on": "2040-01-01"}, "from_on"),
        ("trial-balance", {"as_of": "0001-01-01"}, "as_of"),
        ("trial-balance", {"as_of": "2040-01-01", "currency": "dollars"}, "currency"),
        ("trial-balance", {}, "as_of"),
    ],
)
async def test_a_wrong_parameter_is_named(ledger, by, name, params, field):
    answer = await ledger.get(f"{API}/reports/{name}", headers=by("board"), params=params)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])


async def test_an_independent_program_makes_the_same_reports_of_the_journal(ledger, by, books, tmp_path):
    program = shutil.which("hledger")
    if program is None:
        pytest.skip("hledger isn't installed. Fix: apt-get install hledger")
    answer = await ledger.get(f"{API}/reports/journal", headers=by("board"), params={"to_on": "2199-12-31"})
    file = tmp_path / "books.journal"
    file.write_text(answer.text, encoding="utf-8")

    def hledger(*arguments: str) -> dict[str, int]:
        """Balances by account in cents."""
        done = subprocess.run(
            [program, "-f", str(file), "balance", "--flat", "-N", "-O", "csv", *arguments],
            env={"LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        rows = list(csv.reader(io.StringIO(done.stdout)))[1:]
        return {name: cents(amount) for name, amount in rows}

    shown = await report(ledger, by, "trial-balance", as_of="2199-12-31")
    theirs = hledger()
    assert sorted(theirs.values()) == sorted(row["debit"] - row["credit"] for row in shown["rows"])
    assert len(theirs) == len(shown["rows"])
    roots = hledger("--depth", "1", "-p", str(YEAR))
    activities = await report(ledger, by, "activities", from_on=f"{YEAR}-01-01", to_on=f"{YEAR}-12-31")
    assert roots["Revenues"] == -activities["income"]["total"]
    assert roots["Expenses"] == activities["expenses"]["total"]
    functional = await report(ledger, by, "functional-expenses", from_on=f"{YEAR}-01-01", to_on=f"{YEAR}-12-31")
    for function in ("program", "management"):
        assert sum(hledger("-p", str(YEAR), f"tag:function={function}").values()) == functional[function]


def cents(text: str) -> int:
    """Of `-1200.00 USD`; hledger writes 0 for nothing."""
    amount = text.partition(" ")[0]
    whole, _, rest = amount.partition(".")
    return int(f"{whole}{rest:0<2}") if amount != "0" else 0
