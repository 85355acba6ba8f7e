"""Accounts and the roles they have: who sees and changes them, and what is recorded."""

import asyncio
import itertools
from typing import Any

import pytest

from gatehouse_chassis.testing import account_id

ACCOUNTS = "/api/identity/accounts"
GRANTS = "/api/identity/role-grants"
NUMBERS = itertools.count(1)


def an_account(number: int) -> str:
    return f"{ACCOUNTS}/{account_id(number)}"


async def made(identity: Any, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    """A new account, as the answer has it."""
    new = {"name": "Someone New", "email": f"new{next(NUMBERS)}@example.org", **more}
    answer = await identity.post(ACCOUNTS, json=new, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def granted(identity: Any, headers: dict[str, str], account: str, role: str) -> Any:
    return await identity.post(
        GRANTS, json={"account_id": account, "role": role, "reason": "Finished the onboarding"}, headers=headers
    )


async def test_who_has_no_role_is_found(identity, by):
    new = await made(identity, by("admin"))
    found = (await identity.get(f"{ACCOUNTS}?has_role=false&limit=200", headers=by("coordinator"))).json()["items"]
    assert new["id"] in [one["id"] for one in found]
    assert [one["roles"] for one in found if one["roles"]] == []
    await granted(identity, by("admin"), new["id"], "member")
    found = (await identity.get(f"{ACCOUNTS}?has_role=true&limit=200", headers=by("coordinator"))).json()["items"]
    assert new["id"] in [one["id"] for one in found]


async def test_accounts_are_listed_with_their_roles(identity, by):
    page = (await identity.get(ACCOUNTS, headers=by("coordinator"))).json()
    by_name = {item["name"]: item["roles"] for item in page["items"]}
    assert by_name["Sunita Rao"] == ["engineer", "sre"]
    assert "Hana Sato" not in by_name, "archived accounts are listed with archived=true only"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("search=lindgren", ["Mara Lindgren"]),
        ("role=sre", ["Sunita Rao"]),
        ("role=sre&role=admin", ["Grace Holloway", "Sunita Rao"]),
        ("person=019a0000-0001-7000-8000-000000000002", ["Noah Adeyemi"]),
        ("status=archived", []),
        ("search=hana&archived=true", ["Hana Sato"]),
    ],
)
async def test_a_list_is_narrowed(identity, by, query, names):
    answer = await identity.get(f"{ACCOUNTS}?{query}", headers=by("admin"))
    assert [item["name"] for item in answer.json()["items"]] == names


async def test_pages_follow_each_other_without_gaps(identity, by):
    seen, cursor = [], ""
    while True:
        page = (await identity.get(f"{ACCOUNTS}?limit=7{cursor}", headers=by("admin"))).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) >= 50


@pytest.mark.parametrize("path", [ACCOUNTS, GRANTS, an_account(1), "/api/identity/audit", "/api/identity/keys"])
async def test_what_one_may_not_see_is_not_there(identity, by, path):
    assert (await identity.get(path)).status_code == 401
    assert (await identity.get(path, headers=by("member"))).status_code == 404


async def test_only_those_who_may_change_accounts(identity, by):
    new = {"name": "No One", "email": "no.one@example.org"}
    assert (await identity.post(ACCOUNTS, json=new, headers=by("mentor"))).status_code == 403
    change = by("coordinator", if_match='"1"')
    assert (await identity.patch(an_account(1), json={"name": "M"}, headers=change)).status_code == 403


async def test_an_account_is_made_read_changed_and_archived(identity, by):
    new = {"name": "Rosalind Franklin", "email": "rosalind@example.org"}
    answer = await identity.post(ACCOUNTS, json=new, headers=by("coordinator"))
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    where = answer.headers["location"]
    assert (await identity.get(where, headers=by("coordinator"))).json()["status"] == "invited"

    changed = await identity.patch(where, json={"name": "Rosalind E. Franklin"}, headers=by("admin", if_match='"1"'))
    assert changed.json()["name"] == "Rosalind E. Franklin"
    archived = await identity.post(f"{where}/archive", headers=by("admin", if_match='"2"'))
    assert (archived.json()["status"], archived.headers["etag"]) == ("archived", '"3"')
    again = await identity.post(f"{where}/archive", headers=by("admin", if_match='"3"'))
    assert again.status_code == 409
    restored = await identity.post(f"{where}/restore", headers=by("admin", if_match='"3"'))
    assert (restored.json()["status"], restored.json()["archived_at"]) == ("invited", None)


async def test_a_lost_update_is_refused(identity, by):
    account = await made(identity, by("admin"))
    where = f"{ACCOUNTS}/{account['id']}"
    answers = await asyncio.gather(
        *(identity.patch(where, json={"name": name}, headers=by("admin", if_match='"1"')) for name in ("One", "Two"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    unsaid = await identity.patch(where, json={"name": "Three"}, headers=by("admin"))
    assert unsaid.status_code == 428


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A", "email": "a@example.org", "admin": True}, "admin"),
        ({"email": "a@example.org"}, "name"),
        ({"name": "A", "email": "not an address"}, "email"),
        ({"name": " A ", "email": "a@example.org"}, "name"),
        ({"name": "A\x00B", "email": "a@example.org"}, "name"),
        ({"name": "A\n", "email": "a@example.org"}, "name"),
        ({"name": "A" * 201, "email": "a@example.org"}, "name"),
        ({"name": "A", "email": "a@example.org", "person_id": "7"}, "person_id"),
    ],
)
async def test_what_does_not_fit_is_named(identity, by, body, field):
    answer = await identity.post(ACCOUNTS, json=body, headers=by("admin"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_an_address_belongs_to_one_account_in_any_case_of_letters(identity, by):
    new = {"name": "Another Mara", "email": "MARA.Lindgren@example.org"}
    answer = await identity.post(ACCOUNTS, json=new, headers=by("admin"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "email")


async def test_a_repeated_request_makes_one_account(identity, by):
    new = {"name": "Once Only", "email": "once@example.org"}
    headers = by("admin", idempotency_key="make-once")
    first = await identity.post(ACCOUNTS, json=new, headers=headers)
    second = await identity.post(ACCOUNTS, json=new, headers=headers)
    assert (first.json()["id"], second.status_code) == (second.json()["id"], 201)
    other = await identity.post(ACCOUNTS, json={**new, "name": "Other"}, headers=headers)
    assert other.status_code == 422


async def test_a_role_is_granted_once_and_revoked_with_a_reason(identity, by):
    account = await made(identity, by("coordinator"))
    first = await granted(identity, by("coordinator"), account["id"], "member")
    assert first.status_code == 201
    assert (await granted(identity, by("admin"), account["id"], "member")).status_code == 409
    where = first.headers["location"]
    assert (await identity.post(f"{where}/revoke", json={}, headers=by("admin", if_match='"1"'))).status_code == 400
    reason = {"reason": "Left the institute"}
    revoked = await identity.post(f"{where}/revoke", json=reason, headers=by("coordinator", if_match='"1"'))
    assert revoked.json()["revoked_reason"] == "Left the institute"
    again = await identity.post(f"{where}/revoke", json=reason, headers=by("admin", if_match='"2"'))
    assert again.status_code == 409
    assert (await granted(identity, by("admin"), account["id"], "member")).status_code == 201
    history = await identity.get(f"{GRANTS}?account={account['id']}", headers=by("coordinator"))
    assert len(history.json()["items"]) == 2


async def test_a_coordinator_grants_member_and_mentor_and_nothing_to_himself(identity, by):
    account = await made(identity, by("coordinator"))
    assert (await granted(identity, by("coordinator"), account["id"], "mentor")).status_code == 201
    assert (await granted(identity, by("coordinator"), account["id"], "admin")).status_code == 403
    himself = (await identity.get("/api/identity/me", headers=by("coordinator"))).json()["id"]
    assert (await granted(identity, by("coordinator"), himself, "mentor")).status_code == 403
    sre = (await identity.get(f"{GRANTS}?role=sre", headers=by("coordinator"))).json()["items"][0]
    revoking = by("coordinator", if_match=f'"{sre["version"]}"')
    answer = await identity.post(f"{GRANTS}/{sre['id']}/revoke", json={"reason": "No"}, headers=revoking)
    assert answer.status_code == 403


async def test_nothing_is_granted_to_an_account_that_is_not_there_or_archived(identity, by):
    nobody = "019a0000-0002-7000-8000-999999999999"
    assert (await granted(identity, by("admin"), nobody, "member")).status_code == 400
    assert (await granted(identity, by("admin"), "019a0000-0002-7000-8000-000000000023", "member")).status_code == 409


async def test_the_last_administrator_stays(identity, by):
    grant = (await identity.get(f"{GRANTS}?role=admin&revoked=false", headers=by("admin"))).json()["items"][0]
    revoking = by("admin", if_match=f'"{grant["version"]}"')
    answer = await identity.post(f"{GRANTS}/{grant['id']}/revoke", json={"reason": "No"}, headers=revoking)
    assert answer.status_code == 409
    assert (await identity.post(f"{an_account(11)}/archive", headers=by("admin", if_match='"1"'))).status_code == 409


async def test_two_administrators_who_revoke_each_other_leave_one(identity, by):
    account = await made(identity, by("admin"))
    await granted(identity, by("admin"), account["id"], "admin")
    grants = (await identity.get(f"{GRANTS}?role=admin&revoked=false", headers=by("admin"))).json()["items"]
    assert len(grants) == 2
    answers = await asyncio.gather(
        *(
            identity.post(f"{GRANTS}/{grant['id']}/revoke", json={"reason": "No"}, headers=by("admin", if_match='"1"'))
            for grant in grants
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_role_shows_at_once_in_an_account_that_was_read_before(identity, by):
    account = await made(identity, by("admin"))
    await granted(identity, by("admin"), account["id"], "mentor")
    where = f"{ACCOUNTS}/{account['id']}"
    answer = await identity.get(where, headers=by("admin", if_none_match=f'"{account["version"]}"'))
    assert answer.json()["roles"] == ["mentor"]


async def test_every_change_is_in_the_audit_trail_without_personal_data(identity, by):
    account = await made(identity, by("coordinator"), name="Audited Person")
    grant = await granted(identity, by("coordinator"), account["id"], "member")
    await identity.patch(
        f"{ACCOUNTS}/{account['id']}", json={"email": "audited@example.org"}, headers=by("admin", if_match='"1"')
    )
    trail = await identity.get(f"/api/identity/audit?subject={account['id']}", headers=by("admin"))
    entries = trail.json()["items"]
    assert [entry["action"] for entry in entries] == ["account_changed", "role_granted", "account_created"]
    assert entries[0]["details"] == {"fields": ["email"]}
    assert entries[1]["details"] == {"role": "member", "grant": grant.json()["id"]}
    assert all(entry["actor_id"] and entry["request"] for entry in entries)
    assert "Audited Person" not in trail.text
    assert "example.org" not in trail.text


async def test_the_audit_trail_cannot_be_changed(identity, by):
    from gatehouse_identity.tables import DB

    await made(identity, by("admin"))
    for statement in ("update identity.audit_entry set details = '{}'", "delete from identity.audit_entry"):
        with pytest.raises(Exception, match="never changed or deleted"):
            await DB.execute(statement)


async def test_me_is_the_account_with_its_roles(identity, by):
    me = (await identity.get("/api/identity/me", headers=by("mentor"))).json()
    assert (me["name"], me["roles"], me["kind"]) == ("Mara Lindgren", ["mentor"], "person")
    assert (await identity.get("/api/identity/me")).status_code == 401
