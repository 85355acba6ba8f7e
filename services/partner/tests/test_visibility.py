"""Over HTTP, who sees which partners, contacts and agreements, and who changes them."""

import pytest

API = "/api/partner"
KINDS = {"partners": 7, "contacts": 8, "agreements": 9}
ALL = {"partners": set(range(1, 13)), "contacts": set(range(1, 14)), "agreements": set(range(1, 16))}
OWN = {"partners": {1}, "contacts": {1}, "agreements": {1, 2, 3}}
# All but donors 4 and 9, who may be people, and what was agreed with them.
ORGANISATIONS = {
    "partners": ALL["partners"] - {4, 9},
    "contacts": set(),
    "agreements": ALL["agreements"] - {6, 11},
}
NOTHING = {"partners": set(), "contacts": set(), "agreements": set()}

SEEN = {
    "staff": ALL,
    "marketing": ALL,
    "finance": ALL,
    "coordinator": ALL,
    "board": ORGANISATIONS,
    "admin": ALL,
    "partner": OWN,
    "partner of nobody": NOTHING,
    "contact without the role": NOTHING,
    "member": NOTHING,
    "mentor": NOTHING,
    "engineer": NOTHING,
    "sre": NOTHING,
    "tester": NOTHING,
}


def id_of(what: str, number: int) -> str:
    return f"019a0000-00{KINDS[what]:02d}-7000-8000-{number:012d}"


async def listed(partner, headers, what, **params):
    found, cursor = {}, None
    while True:
        page = params | {"limit": "4"} | ({"cursor": cursor} if cursor else {})
        answer = await partner.get(f"{API}/{what}", headers=headers, params=page)
        assert answer.status_code == 200, answer.text
        for item in answer.json()["items"]:
            assert item["id"] not in found
            found[int(item["id"][-12:])] = item
        cursor = answer.json()["next"]
        if cursor is None:
            return found


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("caller", SEEN)
async def test_one_sees_the_same_in_a_list_and_one_by_one(partner, by, caller, what):
    headers = by(caller)
    found = await listed(partner, headers, what)
    assert set(found) == SEEN[caller][what]
    for number in range(1, max(ALL[what]) + 1):
        one = await partner.get(f"{API}/{what}/{id_of(what, number)}", headers=headers)
        assert one.status_code == (200 if number in found else 404), number
        if number in found:
            assert one.json() == found[number]


async def test_an_archived_partner_is_seen_by_whom_asks_for_it(partner, by):
    assert set(await listed(partner, by("staff"), "partners", archived="true")) == {13}
    assert not await listed(partner, by("member"), "partners", archived="true")


@pytest.mark.parametrize("what", KINDS)
async def test_without_a_token_one_is_asked_to_sign_in(partner, what):
    assert (await partner.get(f"{API}/{what}")).status_code == 401
    assert (await partner.get(f"{API}/{what}/{id_of(what, 1)}")).status_code == 401
    assert (await partner.post(f"{API}/{what}", json={})).status_code == 401


KEEPERS = {"staff", "marketing", "admin"}
SIGNERS = {"staff", "finance", "admin"}


@pytest.mark.parametrize("caller", SEEN)
@pytest.mark.parametrize(("what", "changers"), [("partners", KEEPERS), ("contacts", KEEPERS), ("agreements", SIGNERS)])
async def test_who_may_change_what(partner, by, caller, what, changers):
    nobody = id_of(what, 99)
    expected = 404 if caller in changers else 403
    answer = await partner.patch(f"{API}/{what}/{nobody}", headers=by(caller, if_match='"1"'), json={})
    assert answer.status_code == expected
    answer = await partner.post(f"{API}/{what}/{nobody}/archive", headers=by(caller, if_match='"1"'))
    assert answer.status_code == expected
    answer = await partner.post(f"{API}/{what}", headers=by(caller), json={})
    assert answer.status_code == (400 if caller in changers else 403)


async def test_a_contact_who_is_archived_sees_the_partner_no_longer(partner, by):
    new = {"partner_id": id_of("partners", 6), "name": "Goes Soon", "person_id": "019a0000-0001-7000-8000-000000000020"}
    contact = (await partner.post(f"{API}/contacts", headers=by("marketing"), json=new)).json()
    assert set(await listed(partner, by("partner of nobody"), "partners")) == {6}
    assert set(await listed(partner, by("partner of nobody"), "agreements")) == {8}
    archived = await partner.post(f"{API}/contacts/{contact['id']}/archive", headers=by("marketing", if_match='"1"'))
    assert archived.status_code == 200
    assert not await listed(partner, by("partner of nobody"), "partners")
    assert not await listed(partner, by("partner of nobody"), "agreements")
