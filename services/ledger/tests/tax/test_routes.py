"""The year's tax forms, against an independent sum and against the thresholds of two years."""

from datetime import date

import pytest

from ..conftest import API

LINES = {
    "1": "40[1-4]0|4300",
    "9": "4...",
    "12": "50[1-3]0",
    "17": "5...",
    "22": "10(10|20|50|90)",
    "25": "1...",
    "26": "2...",
}
BY_SQL = """
select coalesce(sum(p.amount), 0) from ledger.posting p join ledger.journal_entry e on e.id = p.entry_id
join ledger.account a on a.id = p.account_id
where a.code ~ ('^(' || $1 || ')$') and e.booked_on <= $2 and (e.booked_on >= $3 or a.code < '3')
"""


async def got(ledger, by, path, caller="finance", status=200):
    answer = await ledger.get(f"{API}/{path}", headers=by(caller))
    assert answer.status_code == status, answer.text
    return answer.json()


async def made(ledger, by, path, body):
    answer = await ledger.post(f"{API}/{path}", headers=by("finance"), json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_lines_of_the_990_are_sums_of_postings_and_lead_to_them(ledger, by, sql):
    form = await got(ledger, by, "taxes/form-990?year=2025", "board")
    of = {line["line"]: line for line in form["lines"]}
    for line, codes in LINES.items():
        found = await sql.fetchval(BY_SQL, codes, date(2025, 12, 31), date(2025, 1, 1))
        assert of[line]["amount"] == abs(found), line
    assert of["21"]["amount"] == of["27"]["amount"] == of["19"]["amount"] + of["18"]["amount"]
    query = "&".join(f"account={one}" for one in of["12"]["account_ids"])
    address = f"taxes/postings?{query}&from_on=2025-01-01&to_on=2025-12-31"
    rows = await got(ledger, by, address)
    assert sum(row["amount"] for row in rows) == of["12"]["amount"]
    assert {row["memo"] for row in await got(ledger, by, address, "board")} == {""}


async def test_the_form_follows_from_receipts_and_assets(ledger, by):
    assert (await got(ledger, by, "taxes/form-990?year=2020"))["form"] == "990-N"
    assert (await got(ledger, by, "taxes/form-990?year=2025"))["form"] == "990"


@pytest.mark.parametrize(("year", "reported"), [(2025, {"At 600"}), (2026, {"At 2,000"})])
async def test_the_list_of_1099s_flips_at_the_threshold_of_its_year(ledger, by, year, reported):
    amounts = {"Below 600": 59_999, "At 600": 60_000} if year == 2025 else {"At 1,999.99": 199_999, "At 2,000": 200_000}
    for name, amount in {**amounts, "By card": 900_000, "A corporation": 900_000}.items():
        body = {"name": f"{name} in {year}", "w9": "exempt" if name == "A corporation" else "on_file"}
        payee = await made(ledger, by, "payees", body)
        method = "card" if name == "By card" else "check"
        paid = {"payee_id": payee["id"], "paid_on": f"{year}-06-01", "amount": amount, "method": method}
        await made(ledger, by, "contractor-payments", paid)
    found = await got(ledger, by, f"taxes/form-1099?year={year}")
    ours = [row for row in found["rows"] if row["name"].endswith(f"in {year}")]
    assert {row["name"].removesuffix(f" in {year}") for row in ours if row["over"]} == reported
    assert len(ours) == 4


async def test_a_withdrawn_payment_counts_no_more(ledger, by):
    payee = await made(ledger, by, "payees", {"name": "Paid in error"})
    paid = {"payee_id": payee["id"], "paid_on": "2026-06-01", "amount": 300_000, "method": "transfer"}
    payment = await made(ledger, by, "contractor-payments", paid)
    headers = by("finance", if_match='"1"')
    path = f"{API}/contractor-payments/{payment['id']}/withdraw"
    assert (await ledger.post(path, headers=headers)).status_code == 200
    rows = (await got(ledger, by, "taxes/form-1099?year=2026"))["rows"]
    assert payee["id"] not in [row["payee_id"] for row in rows]


async def test_large_donors_are_for_finance_only(ledger, by):
    found = await got(ledger, by, "taxes/schedule-b?year=2025")
    assert [donor["name"] for donor in found["donors"]][:1] == ["Northwind Cooperative"]
    for path in ("taxes/schedule-b?year=2025", "taxes/form-1099?year=2025", "payees", "contractor-payments"):
        await got(ledger, by, path, "board", 404)
