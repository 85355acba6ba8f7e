"""A payroll register becomes one balanced entry by function, once, and nothing of anybody is kept."""

import base64

import pytest

from ..conftest import API, account, fund

REGISTER = """Employee,SSN,Gross,Taxes,Net,Employer taxes,Function
Ada Nowak,123-45-6789,"3,000.00",700.50,"2,299.50",229.50,Program
Bo Lund,987-65-4321,1000,200,800,76.50,Management
Cy Roth,555-55-5555,$500.00,0,500.00,38.25,
TOTALS,,,,,,
"""
COLUMNS = {"gross": "Gross", "withheld": "Taxes", "net": "Net", "employer_cost": "Employer taxes"}


def body(text: str, **more) -> dict:
    content = base64.b64encode(text.encode()).decode()
    columns = COLUMNS | {"function": "Function"}
    at = {"bank_account_id": account(1010), "fund_id": fund(1), "otherwise": "fundraising"}
    return {"paid_on": "2034-02-28", "content": content, "columns": columns} | at | more


async def test_a_register_is_booked_once_as_one_entry(ledger, by, sql):
    first = await ledger.post(f"{API}/payroll-registers", headers=by("finance"), json=body(REGISTER))
    assert first.status_code == 201, first.text
    run = first.json()
    assert [run[name] for name in ("rows", "gross", "withheld", "net", "employer_cost")] == [
        3,
        450_000,
        90_050,
        359_950,
        34_425,
    ]
    entry = (await ledger.get(f"{API}/entries/{run['entry_id']}", headers=by("finance"))).json()
    found = {(one["account_id"], one["function"]): one["amount"] for one in entry["postings"]}
    assert found == {
        (account(5010), "program"): 300_000,
        (account(5010), "management"): 100_000,
        (account(5010), "fundraising"): 50_000,
        (account(5020), "program"): 22_950,
        (account(5020), "management"): 7_650,
        (account(5020), "fundraising"): 3_825,
        (account(1010), "none"): -359_950,
        (account(2100), "none"): -124_475,
    }
    again = await ledger.post(f"{API}/payroll-registers", headers=by("finance"), json=body(REGISTER))
    assert again.status_code == 409
    assert await sql.fetchval("select count(*) from ledger.journal_entry where memo = 'Payroll'") == 1
    assert (await ledger.get(f"{API}/payroll-registers", headers=by("board"))).status_code == 404


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("700.50", "700.51"), "line 2: gross isn't what was withheld and paid; it is -0.01 USD off"),
        (("1000,200", "1000,many"), "line 3: Taxes isn't an amount"),
        (("Management", "Sales"), "line 3: Function isn't one of program, management, fundraising"),
        (("Employer taxes", "Employer"), "the file has no column Employer taxes"),
        (("Ada", "\x00"), "isn't a CSV file"),
        (("TOTALS,,,,,,", "Totals:,,100,0,100,0,"), "line 5 is a total, which would be booked again"),
        (("TOTALS,,,,,,", 'Company,,"4,500.00",900.50,"3,599.50",344.25,'), "the last line adds up those above it"),
        (("SSN", "Net"), "the file has several columns Net; rename all but one"),
    ],
)
async def test_what_is_wrong_is_named_by_its_line_and_nothing_is_booked(ledger, by, change, told):
    answer = await ledger.post(f"{API}/payroll-registers", headers=by("finance"), json=body(REGISTER.replace(*change)))
    assert (answer.status_code, told in answer.json()["errors"][0]["message"]) == (400, True), answer.text
