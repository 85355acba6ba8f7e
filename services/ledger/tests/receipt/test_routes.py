"""Receipts: numbers without a gap, a chain of replacements, one PDF for ever, and the donor's own link."""

import asyncio
import hashlib
from uuid import UUID

import asyncpg
import pytest

from gatehouse_chassis.events.service_token import sign
from gatehouse_ledger.receipt.donor_links import new_link

from ..conftest import API, PEER_KEY, account, fund

WITHOUT_A_GAP = """
select year from ledger.receipt group by year having count(*) <> max(sequence)
union all select c.year from ledger.receipt_counter c
where c.last <> (select count(*) from ledger.receipt r where r.year = c.year)
"""


async def made(ledger, by, path, body, status=201):
    answer = await ledger.post(f"{API}/{path}", headers=by("finance"), json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def donor(ledger, by, name="Edda Marsh", **more) -> str:
    body = {"kind": "person", "name": name, "email": "edda@example.org", "address": "12 Elm St, Salem, OR 97301"}
    return (await made(ledger, by, "donors", body | more))["id"]


async def gift(ledger, by, of, amount=25_000, day="2025-03-04", **more) -> dict:
    return await made(
        ledger, by, "gifts", {"donor_id": of, "received_on": day, "amount": amount, "fund_id": fund(1)} | more
    )


async def issued(ledger, by, one) -> dict:
    return await made(ledger, by, f"receipts/of-gifts/{one['id']}", None, status=200)


async def test_a_gift_is_acknowledged_once_and_its_file_never_changes(ledger, by):
    one = await gift(ledger, by, await donor(ledger, by))
    receipt = await issued(ledger, by, one)
    again = await ledger.post(f"{API}/receipts/of-gifts/{one['id']}", headers=by("finance"))
    assert again.status_code == 409
    files = [await ledger.get(f"{API}/receipts/{receipt['id']}/file", headers=by("finance")) for _ in range(2)]
    assert files[0].content == files[1].content
    assert files[0].content[:5] == b"%PDF-"
    assert hashlib.sha256(files[0].content).hexdigest() == receipt["file_sha256"]
    assert receipt["substituted"] is None


async def test_a_name_that_no_font_has_is_reported_and_the_receipt_is_there(ledger, by):
    one = await gift(ledger, by, await donor(ledger, by, name="李 Łucja"))
    assert (await issued(ledger, by, one))["substituted"] == "李"


async def test_a_changed_gift_is_acknowledged_anew_and_the_donor_sees_the_valid_one(ledger, by, sql):
    of = await donor(ledger, by, name="Ines Roy")
    one = await gift(ledger, by, of)
    first = await issued(ledger, by, one)
    kept = (await ledger.get(f"{API}/gifts/{one['id']}", headers=by("finance"))).json()
    headers = by("finance", if_match=f'"{kept["version"]}"')
    change = {"goods_value": 4_000, "goods_text": "A dinner"}
    changed = await ledger.patch(f"{API}/gifts/{one['id']}", headers=headers, json=change)
    assert changed.json()["changed_since"] is True
    path, version = f"{API}/receipts/{first['id']}", by("finance", if_match=f'"{first["version"]}"')
    second = (await ledger.post(f"{path}/replace", headers=version)).json()
    assert (second["replaces_id"], second["sequence"]) == (first["id"], first["sequence"] + 1)
    former = (await ledger.get(path, headers=by("finance"))).json()
    assert former["state"] == "replaced"
    token, _ = await new_link(UUID(of), 1)
    seen = (await ledger.post(f"{API}/donor-links/look", json={"token": token})).json()
    assert [row["id"] for row in seen["receipts"]] == [second["id"]]
    wanted = {"token": token, "receipt_id": first["id"]}
    assert (await ledger.post(f"{API}/donor-links/file", json=wanted)).status_code == 404
    wanted["receipt_id"] = second["id"]
    assert (await ledger.post(f"{API}/donor-links/file", json=wanted)).content[:5] == b"%PDF-"
    await sql.execute("update ledger.donor_link set expires_at = now() - interval '1 second'")
    assert (await ledger.post(f"{API}/donor-links/look", json={"token": token})).status_code == 404


async def test_a_void_receipt_keeps_its_number(ledger, by, sql):
    one = await gift(ledger, by, await donor(ledger, by))
    first = await issued(ledger, by, one)
    headers = by("finance", if_match=f'"{first["version"]}"')
    answer = await ledger.post(
        f"{API}/receipts/{first['id']}/void", headers=headers, json={"reason": "Issued to the wrong donor"}
    )
    assert (answer.json()["state"], answer.json()["sequence"]) == ("void", first["sequence"])
    assert (await issued(ledger, by, one))["sequence"] > first["sequence"]
    assert await sql.fetch(WITHOUT_A_GAP) == []


async def test_the_annual_statement_acknowledges_the_rest_and_lists_the_others(ledger, by, sql):
    of = await donor(ledger, by, name="Otto Lind")
    first = await gift(ledger, by, of, 30_001)
    await issued(ledger, by, first)
    for amount in (1_001, 2_002):
        await gift(ledger, by, of, amount, "2025-07-01")
    body = {"donor_id": of, "year": 2025}
    statement = await made(ledger, by, "receipts/annual", body, status=200)
    assert (statement["amount"], len(statement["gift_ids"])) == (3_003, 2)
    content = str(await sql.fetchval("select content from ledger.receipt where id = $1", statement["id"]))
    assert "$30.03" in content
    assert "$300.01" in content
    assert "$330.04" in content
    assert (await ledger.post(f"{API}/receipts/annual", headers=by("finance"), json=body)).status_code == 409
    late = await gift(ledger, by, of, 500, "2025-12-30")
    await made(ledger, by, "annual-statements?year=2025", None, status=200)
    kept = (await ledger.get(f"{API}/gifts/{late['id']}", headers=by("finance"))).json()
    assert kept["receipt_id"] not in (None, statement["id"])


async def test_a_statement_is_issued_anew_when_what_it_lists_is_and_never_twice(ledger, by):
    async def pressed() -> int:
        return (await made(ledger, by, "annual-statements?year=2023", None, status=200))["issued"]

    of = await donor(ledger, by, name="Otto Lind")
    one = await gift(ledger, by, of, 30_001, "2023-03-04")
    receipt = await issued(ledger, by, one)
    await gift(ledger, by, of, 1_001, "2023-07-01")
    assert [await pressed(), await pressed()] == [1, 0]
    kept = (await ledger.get(f"{API}/gifts/{one['id']}", headers=by("finance"))).json()
    headers = by("finance", if_match=f'"{kept["version"]}"')
    await ledger.patch(f"{API}/gifts/{one['id']}", headers=headers, json={"amount": 29_000})
    assert await pressed() == 0  # the gift has a receipt of its own, which a person issues anew
    path = f"{API}/receipts/{receipt['id']}"
    second = await ledger.post(f"{path}/replace", headers=by("finance", if_match=f'"{receipt["version"]}"'))
    assert [await pressed(), await pressed()] == [1, 0]
    path, version = f"{API}/receipts/{second.json()['id']}", f'"{second.json()["version"]}"'
    await ledger.post(f"{path}/void", headers=by("finance", if_match=version), json={"reason": "Given back"})
    kept = (await ledger.get(f"{API}/gifts/{one['id']}", headers=by("finance"))).json()
    headers = by("finance", if_match=f'"{kept["version"]}"')
    await ledger.post(f"{API}/gifts/{one['id']}/refund", headers=headers, json={"refunded_on": "2023-12-01"})
    assert [await pressed(), await pressed()] == [1, 0]


async def test_the_books_and_the_gift_say_the_same(ledger, by):
    of = await donor(ledger, by)
    deposit = {"account_id": account(1010), "income_account_id": account(4010)}
    one = await gift(ledger, by, of, 7_700, "2033-05-06", deposit=deposit)
    entry = (await ledger.get(f"{API}/entries/{one['entry_id']}", headers=by("finance"))).json()
    assert ([posting["amount"] for posting in entry["postings"]], entry["memo"]) == ([7_700, -7_700], "Gift")
    body = {"donor_id": of, "received_on": "2033-05-06", "amount": 1, "fund_id": fund(1), "entry_id": one["entry_id"]}
    answer = await ledger.post(f"{API}/gifts", headers=by("finance"), json=body)
    assert [error["field"] for error in answer.json()["errors"]] == ["amount"]


async def test_a_new_donor_is_added_with_the_gift_or_not_at_all(ledger, by, sql):
    new = {"kind": "person", "name": "Paula Once"}
    body = {"new_donor": new, "received_on": "2033-05-06", "amount": 7_700, "fund_id": fund(1)}
    named = "select count(*) from ledger.donor where name = 'Paula Once'"
    nowhere = {"account_id": fund(1), "income_account_id": account(4010)}
    for wrong in ({"deposit": nowhere}, {"donor_id": fund(1)}, {"new_donor": None}):
        answer = await ledger.post(f"{API}/gifts", headers=by("finance"), json=body | wrong)
        assert answer.status_code == 400, answer.text
    assert await sql.fetchval(named) == 0
    made_gift = await made(ledger, by, "gifts", body)
    assert await sql.fetchval("select name from ledger.donor where id = $1", UUID(made_gift["donor_id"])) == new["name"]


@pytest.mark.parametrize(
    ("given", "receipted", "due"),
    [
        ({"amount": 24_999}, False, True),
        ({"amount": 25_000}, True, False),
        ({"amount": 0, "kind": "in_kind", "in_kind_text": "A desk"}, True, False),
        ({"amount": 25_000, "acknowledge": "later"}, False, False),
    ],
)
async def test_a_gift_is_thanked_for_at_once_with_its_receipt_where_one_is_due(ledger, by, given, receipted, due):
    of = await donor(ledger, by)
    one = await gift(ledger, by, of, **{"acknowledge": "at_once", **given})
    assert (one["receipt_id"] is not None) == receipted
    assert await mail_of(ledger, f"gifts/{one['id']}") == {
        "name": "Edda Marsh",
        "email": "edda@example.org",
        "due": due,
    }
    if receipted:
        mail = await mail_of(ledger, f"receipts/{one['receipt_id']}")
        assert (mail["email"], mail["valid"]) == ("edda@example.org", True)
        token = mail["url"].rpartition("/")[2]
        seen = (await ledger.post(f"{API}/donor-links/look", json={"token": token})).json()
        assert [row["number"] for row in seen["receipts"]] == [mail["number"]]


async def mail_of(ledger, path: str) -> dict:
    """What communication is told, by its own token; people are refused."""
    assert (await ledger.post(f"{API}/{path}/mail", headers=ledger.by("finance"))).status_code in (401, 403)
    token = sign(PEER_KEY, by="communication", to="ledger")
    answer = await ledger.post(f"{API}/{path}/mail", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("caller", ["board", "member"])
async def test_only_finance_sees_who_gave(ledger, by, caller):
    for path in ("donors", "gifts", "receipts", "annual-statements?year=2025", "unrecorded-income"):
        assert (await ledger.get(f"{API}/{path}", headers=by(caller))).status_code == 404


@pytest.mark.parametrize(("gifts", "kills"), [(12, 0), pytest.param(50, 12, marks=pytest.mark.deep)])
async def test_fifty_issuers_whose_connections_are_killed_leave_no_gap(ledger, by, sql, database_url, gifts, kills):
    of = await donor(ledger, by, name="At Once")
    todo = [await gift(ledger, by, of, 100 + number) for number in range(gifts)]
    count, done = "select count(*) from ledger.receipt where donor_id = $1", 0

    async def issue(one: dict) -> None:
        nonlocal done
        for _ in range(60):
            answer = await ledger.post(f"{API}/receipts/of-gifts/{one['id']}", headers=by("finance"))
            if answer.status_code in (200, 409):
                done += 1
                return
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)

    async def killer() -> None:
        admin = await asyncpg.connect(database_url)
        kill = (
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'ledger' and datname = $1 order by random() limit 4"
        )
        for number in range(kills):
            while done < gifts and await admin.fetchval(count, of) < number * gifts // (kills + 2):
                await asyncio.sleep(0.005)
            await admin.fetch(kill, database_url.rpartition("/")[2].partition("?")[0])
        await admin.close()

    async with asyncio.timeout(300):
        await asyncio.gather(killer(), *(issue(one) for one in todo))
    assert await sql.fetchval(count, of) == done == gifts
    assert await sql.fetch(WITHOUT_A_GAP) == []
    of_gifts = "(select unnest(gift_ids) as gift from ledger.receipt where state = 'issued') one"
    twice = f"select gift from {of_gifts} group by gift having count(*) > 1"
    assert await sql.fetch(twice) == []
