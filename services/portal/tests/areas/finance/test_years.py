"""Contractors, payroll, budget and files: what the pages ask of ledger, and who sees them."""

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from .test_routes import BANK, FUND, LEDGER, account, fees

PAYEE = "019a0000-0055-7000-8000-000000000001"
PAYMENT = "019a0000-0056-7000-8000-000000000001"
THIS = datetime.now(UTC).year
payee: dict[str, Any] = {"id": PAYEE, "version": 3, "name": "Ida Bloom", "w9_on_file": False, "exempt": False}
payment: dict[str, Any] = {"id": PAYMENT, "version": 1, "payee_id": PAYEE, "paid_on": "2026-05-29", "amount": 120_000}
payment |= {"method": "transfer", "withdrawn_at": None}
run: dict[str, Any] = {
    "id": PAYMENT,
    "paid_on": "2026-11-25",
    "rows": 2,
    "gross": 600_000,
    "withheld": 150_000,
    "net": 450_000,
}
run |= {"employer_cost": 46_000, "entry_id": PAYMENT}
total: dict[str, Any] = {"name": "Apprenticeship", "budget": 1_000_000, "actual": 400_000, "left": 600_000}
row: dict[str, Any] = {"account_id": BANK, "code": "5800", "account": "Bank and payment fees", "type": "expense"}
row |= {"program": "Apprenticeship", "budget": 1_000_000, "actual": 400_000}
budget: dict[str, Any] = {"year": THIS, "to_on": f"{THIS}-11-30", "rows": [row], "programs": [total]}
budget |= {"income": {**total, "name": "Income"}, "expenses": {**total, "name": "Expenses"}}


@pytest.fixture
def years(house):
    house.says("ledger", "GET", f"{LEDGER}/payees", {"items": [payee]})
    house.says("ledger", "GET", f"{LEDGER}/contractor-payments", {"items": [payment]})
    house.says("ledger", "GET", f"{LEDGER}/payroll-registers", {"items": [run]})
    house.says("ledger", "GET", f"{LEDGER}/accounts", {"items": [account, fees]})
    house.says("ledger", "GET", f"{LEDGER}/funds", {"items": [{"id": FUND, "name": "General fund"}]})
    house.says("ledger", "GET", f"{LEDGER}/programs", {"items": []})
    house.says("ledger", "GET", f"{LEDGER}/budget", budget)
    return house


def bodies(house, method: str, path: str) -> list[dict]:
    asked = [one for one in house.asked("ledger", method) if one[0].partition("?")[0] == f"{LEDGER}{path}"]
    return [msgspec.json.decode(one[2]) for one in asked]


def token_of(text: str) -> str:
    return text.partition('name="form_token" value="')[2].partition('"')[0]


@pytest.mark.parametrize("path", ["/books/contractors", "/books/payroll"])
async def test_only_finance_sees_who_is_paid(browser, years, path):
    await browser.sign_in("board")
    assert (await browser.see(path)).status_code == 404


async def test_payments_to_contractors_are_recorded_and_withdrawn(browser, years):
    await browser.sign_in("finance")
    text = (await browser.see("/books/contractors")).text
    assert [words for words in ("Ida Bloom", "$1,200.00", "W-9: Missing") if words not in text] == []
    base = {"form_token": token_of(text)}
    years.says("ledger", "POST", f"{LEDGER}/contractor-payments", payment, status=201)
    years.says("ledger", "POST", f"{LEDGER}/contractor-payments/{PAYMENT}/withdraw", payment)
    years.says("ledger", "PATCH", f"{LEDGER}/payees/{PAYEE}", payee)
    years.says("ledger", "POST", f"{LEDGER}/payees", payee, status=201)
    steps = [
        {"step": "pay", "payee": PAYEE, "paid_on": "2026-11-30", "amount": "1,200.50", "method": "check"},
        {"step": "withdraw", "payment": PAYMENT, "version": "1"},
        {"step": "w9", "payee": PAYEE, "version": "3", "w9": "exempt"},
        {"step": "add", "name": "Karim Haddad", "w9": "on_file"},
    ]
    for step in steps:
        answer = await browser.post("/books/contractors", data=base | step)
        assert (answer.status_code, answer.headers["location"]) == (303, "/books/contractors"), answer.text
    (paid,) = bodies(years, "POST", "/contractor-payments")
    assert paid == {"payee_id": PAYEE, "paid_on": "2026-11-30", "amount": 120_050, "method": "check"}
    assert bodies(years, "PATCH", f"/payees/{PAYEE}") == [{"w9": "exempt"}]
    assert bodies(years, "POST", "/payees") == [{"name": "Karim Haddad", "w9": "on_file"}]
    wrong = await browser.post("/books/contractors", data=base | {"step": "add", "name": " ", "w9": "on_file"})
    assert (wrong.status_code, "Name: fill it in" in wrong.text) == (400, True)


REGISTER = b"Employee,Gross Pay,Taxes,Net Pay,Employer Taxes\nA,10.00,2.00,8.00,1.00\n"


async def test_a_payroll_register_is_read_by_the_usual_names_of_its_columns(browser, years):
    await browser.sign_in("finance")
    base = {"form_token": token_of((await browser.see("/books/payroll")).text), "paid_on": "2026-11-25"}
    base |= {"bank": BANK, "fund": FUND, "otherwise": "program", "program": ""}
    years.says("ledger", "POST", f"{LEDGER}/payroll-registers", run, status=201)
    answer = await browser.post("/books/payroll", data=base, files={"file": ("run.csv", REGISTER)})
    assert answer.status_code == 303, answer.text
    (body,) = bodies(years, "POST", "/payroll-registers")
    assert base64.b64decode(body["content"]) == REGISTER
    columns = {"gross": "Gross Pay", "withheld": "Taxes", "net": "Net Pay", "employer_cost": "Employer Taxes"}
    assert body["columns"] == columns
    odd = REGISTER.replace(b"Gross Pay", b"Brutto")
    asked = await browser.post("/books/payroll", data=base, files={"file": ("run.csv", odd)})
    assert asked.status_code == 400
    assert "Column gross: name the column; the file has Employee, Brutto" in asked.text
    named = await browser.post("/books/payroll", data=base | {"column_gross": "Brutto"}, files={"file": ("r", odd)})
    assert named.status_code == 303


async def test_a_budget_is_set_by_finance_and_compared_by_the_board(browser, years):
    await browser.sign_in("board")
    text = (await browser.see("/books/budget")).text
    assert [words for words in ("Apprenticeship", "$10,000.00", "$6,000.00") if words not in text] == []
    assert "Set the line" not in text
    await browser.sign_in("finance")
    base = {"form_token": token_of((await browser.see("/books/budget")).text), "year": str(THIS + 1)}
    years.says("ledger", "PUT", f"{LEDGER}/budget", budget)
    form = base | {"account": BANK, "program": "", "amount": "12,000"}
    answer = await browser.post("/books/budget", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/books/budget?year={THIS + 1}"), answer.text
    assert bodies(years, "PUT", "/budget") == [{"account_id": BANK, "amount": 1_200_000}]
    assert (await browser.post("/books/budget", data=form | {"amount": ""})).status_code == 400


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("board", "reports/file/activities/csv", 200),
        ("board", "reports/file/activities/xlsx", 404),
        ("board", "reports/file/journal/csv", 404),
        ("board", "taxes/file/form-990/csv", 200),
        ("board", "taxes/file/schedule-b/csv", 404),
        ("finance", "taxes/file/schedule-b/csv", 200),
        ("finance", "taxes/file/form-990-postings/pdf", 404),
        ("finance", "budget/file/csv", 200),
    ],
)
async def test_files_are_passed_on_to_who_may_have_them(browser, years, role, path, status):
    part = path.replace("file", "files").removesuffix("/csv") if "budget" not in path else "budget/file"
    years.says("ledger", "GET", f"{LEDGER}/{part}", {"not": "read"})
    await browser.sign_in(role)
    answer = await browser.see(f"/books/{path}?year={THIS}")
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["content-type"].startswith("text/csv")
        assert f"-{THIS}.csv" in answer.headers["content-disposition"]
