"""Listing, adding, changing and archiving partners, contacts and agreements, over HTTP."""

import asyncio

import pytest

API = "/api/partner"


def partner_id(number: int) -> str:
    return f"019a0000-0007-7000-8000-{number:012d}"


async def added(partner, headers, what: str, **body) -> dict:
    answer = await partner.post(f"{API}/{what}", headers=headers, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{API}/{what}/{answer.json()['id']}"
    assert answer.headers["etag"] == '"1"'
    return answer.json()


async def names(client, headers, what="partners", field="name", /, **params) -> list[str]:
    answer = await client.get(f"{API}/{what}", headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return [one[field] for one in answer.json()["items"]]


async def test_partners_are_found_filtered_and_sorted(partner, by):
    headers = by("finance")
    assert await names(partner, headers, search="NORTH") == ["Northwind Cooperative"]
    assert await names(partner, headers, kind="code_school", sort="-name") == [
        "Second Chance Code",
        "Bridgeway Academy",
    ]
    assert await names(partner, headers, kind=["donor", "foundation"], status="active") == [
        "Elena Marsh",
        "Harbour Light Foundation",
    ]
    assert (await names(partner, headers, sort="since"))[:2] == ["Millstone Trust", "Elena Marsh"]
    assert await names(partner, headers, "contacts", partner=partner_id(1)) == ["Omar Haddad", "Signe Dahl"]
    assert await names(partner, headers, "agreements", "title", status="ended", sort="-signed") == [
        "Annual donation",
        "Funding of the first year",
    ]


@pytest.mark.parametrize(
    ("what", "params", "field"),
    [
        ("partners", {"colour": "red"}, "colour"),
        ("partners", {"kind": "bank"}, "kind"),
        ("contacts", {"partner": "northwind"}, "partner"),
        ("agreements", {"sort": "value"}, "sort"),
        ("agreements", {"limit": "0"}, "limit"),
        ("agreements", {"search": "a\x00b"}, "search"),
    ],
)
async def test_a_wrong_parameter_is_named(partner, by, what, params, field):
    answer = await partner.get(f"{API}/{what}", headers=by("staff"), params=params)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_partner_is_added_changed_and_archived(partner, by):
    one = await added(partner, by("marketing"), "partners", name="Zebra & Co", kind="supplier")
    assert (one["status"], one["archived_at"]) == ("prospect", None)
    path = f"{API}/partners/{one['id']}"
    change = {"status": "active", "website": "https://zebra.example.org", "since_on": "2026-02-01"}
    assert (await partner.patch(path, headers=by("staff"), json=change)).status_code == 428
    changed = await partner.patch(path, headers=by("staff", if_match='"1"'), json=change)
    assert {name: changed.json()[name] for name in change} == change
    assert (await partner.patch(path, headers=by("staff", if_match='"1"'), json=change)).status_code == 412
    assert (await partner.get(path, headers=by("staff", if_none_match='"2"'))).status_code == 304
    archived = await partner.post(f"{path}/archive", headers=by("staff", if_match='"2"'))
    assert (archived.status_code, archived.json()["version"]) == (200, 3)
    assert await names(partner, by("staff"), search="zebra") == []
    assert await names(partner, by("staff"), search="zebra", archived="true") == ["Zebra & Co"]
    assert (await partner.post(f"{path}/archive", headers=by("staff", if_match='"3"'))).status_code == 409


async def test_two_partners_can_not_share_a_name_until_one_is_archived(partner, by):
    one = await added(partner, by("staff"), "partners", name="Twin Works", kind="employer")
    again = await partner.post(f"{API}/partners", headers=by("staff"), json={"name": "TWIN works", "kind": "employer"})
    assert (again.status_code, again.json()["errors"][0]["field"]) == (409, "name")
    await partner.post(f"{API}/partners/{one['id']}/archive", headers=by("staff", if_match='"1"'))
    await added(partner, by("staff"), "partners", name="TWIN works", kind="employer")


async def test_a_partner_with_an_agreement_that_holds_is_not_archived(partner, by):
    answer = await partner.post(f"{API}/partners/{partner_id(3)}/archive", headers=by("staff", if_match='"1"'))
    assert answer.status_code == 409
    assert "still hold" in answer.json()["detail"]


async def test_of_two_changes_at_once_one_is_refused(partner, by):
    one = await added(partner, by("staff"), "partners", name="Busy Partner", kind="donor")
    path = f"{API}/partners/{one['id']}"
    answers = await asyncio.gather(
        *(partner.patch(path, headers=by("staff", if_match='"1"'), json={"summary": text}) for text in ("One", "Two"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_repeating_a_creation_with_its_key_changes_nothing(partner, by):
    body = {"name": "Sent Twice", "kind": "donor"}
    headers = by("staff", idempotency_key="sent-twice")
    first = await partner.post(f"{API}/partners", headers=headers, json=body)
    again = await partner.post(f"{API}/partners", headers=headers, json=body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = await partner.post(f"{API}/partners", headers=headers, json=body | {"kind": "employer"})
    assert other.status_code == 422


async def test_a_contact_is_known_once_to_a_partner(partner, by):
    body = {"partner_id": partner_id(8), "name": "Ada", "email": "ada@tidewater.example.org"}
    contact = await added(partner, by("marketing"), "contacts", **body)
    again = await partner.post(
        f"{API}/contacts", headers=by("marketing"), json=body | {"email": "ADA@tidewater.example.org"}
    )
    assert (again.status_code, again.json()["errors"][0]["field"]) == (409, "email")
    path = f"{API}/contacts/{contact['id']}"
    changed = await partner.patch(path, headers=by("staff", if_match='"1"'), json={"title": "CTO", "email": None})
    assert (changed.json()["title"], changed.json()["email"]) == ("CTO", None)
    omar = {"partner_id": partner_id(1), "name": "O. Haddad", "person_id": "019a0000-0001-7000-8000-000000000013"}
    twice = await partner.post(f"{API}/contacts", headers=by("staff"), json=omar)
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (409, "person_id")


@pytest.mark.parametrize(("what", "caller"), [("contacts", "marketing"), ("agreements", "finance")])
@pytest.mark.parametrize(("number", "status"), [(99, 400), (13, 409)])
async def test_nothing_is_added_to_a_partner_who_is_not_there(partner, by, what, caller, number, status):
    body = {"partner_id": partner_id(number)}
    body |= {"name": "X"} if what == "contacts" else {"kind": "donation", "title": "X"}
    assert (await partner.post(f"{API}/{what}", headers=by(caller), json=body)).status_code == status


async def test_an_agreement_is_written_signed_and_archived(partner, by):
    money = {"amount": 125_000, "currency": "EUR"}
    one = await added(
        partner,
        by("finance"),
        "agreements",
        partner_id=partner_id(9),
        kind="donation",
        title="Autumn gift",
        value=money,
        starts_on="2026-09-01",
    )
    assert (one["status"], one["value"]) == ("draft", money)
    path = f"{API}/agreements/{one['id']}"
    headers = by("finance", if_match='"1"')
    unsigned = await partner.patch(path, headers=headers, json={"status": "signed"})
    assert (unsigned.status_code, unsigned.json()["errors"][0]["field"]) == (400, "signed_on")
    backwards = await partner.patch(path, headers=headers, json={"ends_on": "2026-08-01"})
    assert (backwards.status_code, backwards.json()["errors"][0]["field"]) == (400, "ends_on")
    signed = await partner.patch(path, headers=headers, json={"status": "signed", "signed_on": "2026-08-15"})
    assert (signed.status_code, signed.json()["value"], signed.headers["etag"]) == (200, money, '"2"')
    worthless = await partner.patch(path, headers=by("finance", if_match='"2"'), json={"value": None})
    assert worthless.json()["value"] is None
    assert (await partner.patch(path, headers=by("finance", if_match='"2"'), json={})).status_code == 412
    archived = await partner.post(f"{path}/archive", headers=by("finance", if_match='"3"'))
    assert archived.json()["archived_at"] is not None


@pytest.mark.parametrize(
    ("what", "change", "field"),
    [
        ("partners", {"colour": "red"}, "colour"),
        ("partners", {"name": "a\x00b"}, "name"),
        ("partners", {"name": None}, "name"),
        ("partners", {"kind": "bank"}, "kind"),
        ("partners", {"website": "ftp://example.org"}, "website"),
        ("partners", {"since_on": "0000-00-00"}, "since_on"),
        ("contacts", {"email": "x@"}, "email"),
        ("contacts", {"person_id": "omar"}, "person_id"),
        ("contacts", {"partner_id": "019a0000-0007-7000-8000-000000000002"}, "partner_id"),
        ("agreements", {"value": {"amount": -1, "currency": "EUR"}}, "value.amount"),
        ("agreements", {"value": {"amount": 10**30, "currency": "EUR"}}, "value.amount"),
        ("agreements", {"value": {"amount": 1.5, "currency": "EUR"}}, "value.amount"),
        ("agreements", {"value": {"amount": 1, "currency": "euro"}}, "value.currency"),
        ("agreements", {"value": {"amount": 1}}, "value.currency"),
        ("agreements", {"value": {"amount": 1, "currency": "EUR", "tax": 1}}, "value.tax"),
        ("agreements", {"title": "x" * 201}, "title"),
    ],
)
async def test_a_wrong_field_is_named(partner, by, what, change, field):
    kind = {"partners": 7, "contacts": 8, "agreements": 9}[what]
    path = f"{API}/{what}/019a0000-00{kind:02d}-7000-8000-000000000001"
    answer = await partner.patch(path, headers=by("admin", if_match='"1"'), json=change)
    assert answer.status_code == 400, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
