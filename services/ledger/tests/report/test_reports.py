"""Reports over HTTP, against sums that the tests make themselves, and against hledger on the exported journal."""

import csv
import io
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from gatehouse_ledger.document.files import sheet_file
from gatehouse_ledger.document.rules import Issuer
from gatehouse_ledger.document.sheet import Sheet, SheetRow, csv_of, document_of

from ..conftest import API, entry, fund

YEAR = 2040
ISSUER = Issuer("Agile Learning Institute", ["1 Gate St"], "00-0000000", "The Treasurer")
DAY = date(2041, 1, 5)
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
    hledger = await exported(ledger, by, tmp_path)
    shown = await report(ledger, by, "trial-balance", as_of="2199-12-31")
    theirs = hledger()
    assert sorted(theirs.values()) == sorted(row["debit"] - row["credit"] for row in shown["rows"])
    assert len(theirs) == len(shown["rows"])
    days = {"from_on": f"{YEAR}-01-01", "to_on": f"{YEAR}-12-31"}
    roots = hledger("--depth", "1", "-p", str(YEAR))
    activities = await report(ledger, by, "activities", **days)
    assert roots["Revenues"] == -activities["income"]["total"]
    assert roots["Expenses"] == activities["expenses"]["total"]
    restricted = hledger("--depth", "1", "-p", str(YEAR), "not:acct:General fund$")
    assert restricted.get("Revenues", 0) == -activities["income"]["with_restrictions"]
    assert restricted["Expenses"] == activities["expenses"]["with_restrictions"]
    position = await report(ledger, by, "position", as_of=days["to_on"])
    until = hledger("--depth", "1", "-e", f"{YEAR + 1}")
    assert until["Assets"] == position["assets"]["total"]
    assert until["Liabilities"] == -position["liabilities"]["total"]
    net = sum(until.get(name, 0) for name in ("Equity", "Revenues", "Expenses"))
    assert net == -position["net_assets"]["total"]
    functional = await report(ledger, by, "functional-expenses", **days)
    for function in ("program", "management"):
        assert sum(hledger("-p", str(YEAR), f"tag:function={function}").values()) == functional[function]
    accounts = {row["code"]: row["total"] for row in functional["rows"]}
    by_account = hledger("--depth", "2", "-p", str(YEAR), "^Expenses")
    assert {name.split(":")[1][:4]: amount for name, amount in by_account.items()} == accounts


@pytest.mark.parametrize("year", [2024, 2025, YEAR])
async def test_an_independent_program_makes_the_lines_of_the_990_of_the_journal(ledger, by, books, tmp_path, year):
    hledger = await exported(ledger, by, tmp_path)
    answer = await ledger.get(f"{API}/taxes/form-990", headers=by("board"), params={"year": year})
    ours = {line["line"]: line["amount"] for line in answer.json()["lines"]}
    within, until, before = ("-p", str(year)), ("-e", str(year + 1)), ("-e", str(year))
    income, expense = within_codes(hledger(*within, "^Revenues")), within_codes(hledger(*within, "^Expenses"))
    for line, pattern in INCOME_LINES.items():
        assert ours[line] == -added(income, pattern), line
    for line, pattern in EXPENSE_LINES.items():
        assert ours[line] == added(expense, pattern), line
    assert ours["8"] == -sum(income.values()) - sum(ours[line] for line in INCOME_LINES)
    assert ours["9"] == -sum(income.values())
    assert ours["16"] == sum(expense.values()) - sum(ours[line] for line in EXPENSE_LINES)
    assert ours["17"] == sum(expense.values())
    assert ours["18"] == -sum(hledger(*within, "^Revenues", "^Expenses").values())
    assert ours["19"] == -sum(hledger(*before, "^Revenues", "^Expenses", "^Equity").values())
    assert ours["20"] == -sum(hledger(*within, "^Equity").values())
    assets = within_codes(hledger(*until, "^Assets"))
    assert ours["22"] == added(assets, "10(10|20|50|90)")
    assert ours["24"] == sum(assets.values()) - ours["22"]
    assert ours["25"] == sum(assets.values())
    assert ours["26"] == -sum(hledger(*until, "^Liabilities").values())
    assert ours["21"] == ours["27"] == -sum(hledger(*until, "^Revenues", "^Expenses", "^Equity").values())


@pytest.mark.parametrize("name", ["activities", "position", "functional-expenses"])
async def test_a_statement_is_the_same_as_json_csv_and_pdf(ledger, by, books, name):
    params = {"from_on": f"{YEAR}-01-01", "to_on": f"{YEAR}-12-31"}
    path = f"{API}/reports/files/{name}"
    text = await ledger.get(path, headers=by("board"), params=params)
    assert (text.status_code, text.headers["content-type"]) == (200, "text/csv; charset=utf-8"), text.text
    header, *rows = csv.reader(io.StringIO(text.text))
    asked = {"as_of": params["to_on"]} if name == "position" else params
    shown = await report(ledger, by, name, **asked)
    figures = {row[0]: [cents(cell) for cell in row[1:]] for row in rows}
    for row in shown["rows"]:
        if name == "functional-expenses":
            wanted = [row["program"], row["management"], row["fundraising"], row["total"]]
        else:
            wanted = list(row["amount"].values())
        assert figures[f"{row['code']} {row['account']}"] == wanted
    printed = await ledger.get(path, headers=by("board"), params={**params, "format": "pdf"})
    assert printed.content[:5] == b"%PDF-"
    assert name.partition("-")[0] in printed.headers["content-disposition"]
    sheet = Sheet(header[0], header, [SheetRow(row[:1], [cents(cell) for cell in row[1:]]) for row in rows])
    cells = [cell for block in document_of(sheet, ISSUER, DAY).blocks for row in block.rows for cell in row.cells[1:]]
    assert len(cells) == sum(len(row) - 1 for row in rows)
    assert all(re.fullmatch(r"-?\$[0-9,]+\.[0-9]{2}", cell) for cell in cells)


def test_a_spreadsheet_calculates_nothing_of_what_people_are_called():
    sheet = Sheet("List", ["Who", "Amount"], [SheetRow(["=HYPERLINK(1)"], [-5]), SheetRow(["Ada"], [None])])
    assert csv_of(sheet).decode().splitlines() == ["Who,Amount", "'=HYPERLINK(1),-0.05", "Ada,"]


INCOME_LINES = {"1": "40[1-4]0|4300", "2": "4100", "4": "4400", "6": "4200"}
EXPENSE_LINES = {"10": "5600", "12": "50[1-3]0", "13": "5100|5700", "14": "5200"}


def within_codes(balances: dict[str, int]) -> Counter[str]:
    """Of `Expenses:5200 Rent:General fund`, by the number of the account."""
    found: Counter[str] = Counter()
    for name, amount in balances.items():
        found[name.split(":")[1].split(" ")[0]] += amount
    return found


def added(of: Counter[str], pattern: str) -> int:
    return sum(amount for number, amount in of.items() if re.fullmatch(pattern, number))


async def exported(ledger, by, folder) -> Callable[..., dict[str, int]]:
    """hledger on the exported journal: balances by account in cents."""
    program = shutil.which("hledger")
    if program is None:
        pytest.skip("hledger isn't installed. Fix: apt-get install hledger")
    answer = await ledger.get(f"{API}/reports/journal", headers=by("board"), params={"to_on": "2199-12-31"})
    file = folder / "books.journal"
    file.write_text(answer.text, encoding="utf-8")

    def hledger(*arguments: str) -> dict[str, int]:
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

    return hledger


def cents(text: str) -> int:
    """Of `-1200.00 USD`; hledger writes 0 for nothing."""
    amount = text.partition(" ")[0]
    whole, _, rest = amount.partition(".")
    return int(f"{whole}{rest:0<2}") if amount != "0" else 0


async def test_a_list_of_nobody_is_a_document_too() -> None:
    sheet = Sheet("Form 1099-NEC list of 2020", ["Contractor", "Paid in all"], [])
    answer = await sheet_file(sheet, "pdf", ISSUER, datetime(2041, 1, 5, tzinfo=UTC))
    assert answer.content.startswith(b"%PDF-")
