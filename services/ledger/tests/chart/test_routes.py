"""Accounts, funds and programs, over HTTP."""

import pytest

from ..conftest import API, entry


async def added(ledger, headers, what: str, **body) -> dict:
    answer = await ledger.post(f"{API}/{what}", headers=headers, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_chart_is_that_of_a_small_charity(ledger, by):
    answer = await ledger.get(f"{API}/accounts", headers=by("board"), params={"type": "asset", "limit": 200})
    codes = [one["code"] for one in answer.json()["items"]]
    assert codes == sorted(codes)
    assert {"1010", "1020", "1100"} <= set(codes)


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("accounts", {"code": "1010", "name": "Twice", "type": "asset"}, "code"),
        ("funds", {"name": "GENERAL fund", "restriction": "none"}, "name"),
    ],
)
async def test_no_two_share_a_number_or_name(ledger, by, what, body, field):
    answer = await ledger.post(f"{API}/{what}", headers=by("finance"), json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, field)


async def test_only_assets_and_debts_have_statements_of_a_bank(ledger, by):
    body = {"code": "4999", "name": "Odd", "type": "income", "bank": True}
    answer = await ledger.post(f"{API}/accounts", headers=by("finance"), json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "bank")
    one = await added(ledger, by("finance"), "accounts", **body | {"bank": False})
    path = f"{API}/accounts/{one['id']}"
    changed = await ledger.patch(path, headers=by("finance", if_match='"1"'), json={"bank": True})
    assert changed.status_code == 400
    renamed = await ledger.patch(path, headers=by("finance", if_match='"1"'), json={"name": "Other"})
    assert (renamed.json()["name"], renamed.json()["version"]) == ("Other", 2)


async def test_what_entries_need_is_not_archived(ledger, by):
    account = await added(ledger, by("finance"), "accounts", code="4998", name="Going", type="income")
    fund = await added(ledger, by("finance"), "funds", name="Going", restriction="purpose")
    body = entry("2034-01-01", 500, credit=4998)
    for posting in body["postings"]:
        posting["fund_id"] = fund["id"]
    body["postings"][1]["account_id"] = account["id"]
    assert (await ledger.post(f"{API}/entries", headers=by("finance"), json=body)).status_code == 201
    for what, one in (("accounts", account), ("funds", fund)):
        path = f"{API}/{what}/{one['id']}/archive"
        assert (await ledger.post(path, headers=by("finance", if_match='"1"'))).status_code == 409
    program = await added(ledger, by("finance"), "programs", name="Going")
    path = f"{API}/programs/{program['id']}/archive"
    assert (await ledger.post(path, headers=by("finance", if_match='"1"'))).status_code == 200
