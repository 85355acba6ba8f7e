"""Sessions: tokens, refreshing, reuse, signing out; begun with the personas of the local environment."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

PERSONAS = "/api/identity/personas"
SESSIONS = "/api/identity/sessions"
ACCOUNTS = "/api/identity/accounts"


async def signed_in(identity: Any, persona: str = "mentor") -> dict[str, Any]:
    answer = await identity.post(f"{PERSONAS}/{persona}/sessions")
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refreshed(identity: Any, refresh_token: str) -> Any:
    return await identity.post(f"{SESSIONS}/refresh", json={"refresh_token": refresh_token})


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def grace_is_over() -> None:
    """The last refresh of every session was a minute ago."""
    from gatehouse_identity.tables import DB

    await DB.execute("update identity.session set refreshed_at = refreshed_at - interval '1 minute'")


async def test_the_personas_are_those_of_the_test_data(identity):
    personas = (await identity.get(PERSONAS)).json()
    by_key = {persona["key"]: persona for persona in personas}
    assert len(by_key) == 13
    assert by_key["mentor"] == {"key": "mentor", "name": "Mara Lindgren", "title": "Mentor", "roles": ["mentor"]}


@pytest.mark.parametrize("key", ["nobody", "%00", "a%2Fb", "x" * 3000, "%ED%A0%80"])
async def test_an_unknown_persona_is_not_there(identity, key):
    assert (await identity.post(f"{PERSONAS}/{key}/sessions")).status_code == 404


async def test_an_access_token_says_who_and_what_for_ten_minutes(identity):
    tokens = await signed_in(identity)
    jwks = (await identity.get("/api/identity/jwks.json")).json()
    key_id = jwt.get_unverified_header(tokens["access_token"])["kid"]
    key = next(jwt.PyJWK(key) for key in jwks["keys"] if key["kid"] == key_id)
    claims = jwt.decode(tokens["access_token"], key, algorithms=["EdDSA"], audience="gatehouse", issuer="gatehouse")
    assert claims["sub"] == "019a0000-0002-7000-8000-000000000001"
    assert claims["person"] == "019a0000-0001-7000-8000-000000000001"
    assert (claims["name"], claims["roles"], claims["kind"]) == ("Mara Lindgren", ["mentor"], "person")
    assert claims["sid"] == tokens["session_id"]
    assert claims["exp"] - claims["iat"] == pytest.approx(tokens["expires_in"]) == 600
    assert tokens["token_type"] == "Bearer"


async def test_its_own_tokens_are_valid_here(identity):
    me = await identity.get("/api/identity/me", headers=bearer(await signed_in(identity, "admin")))
    assert (me.json()["name"], me.json()["roles"]) == ("Grace Holloway", ["admin"])


async def test_tokens_stay_out_of_caches(identity):
    answer = await identity.post(f"{PERSONAS}/mentor/sessions")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_refresh_token_is_replaced_by_each_use(identity):
    first = await signed_in(identity)
    second = (await refreshed(identity, first["refresh_token"])).json()
    third = (await refreshed(identity, second["refresh_token"])).json()
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    assert (await identity.get("/api/identity/me", headers=bearer(third))).status_code == 200


async def test_a_replaced_token_that_comes_again_ends_the_session(identity, by):
    first = await signed_in(identity, "tester")
    second = (await refreshed(identity, first["refresh_token"])).json()
    await grace_is_over()
    assert (await refreshed(identity, first["refresh_token"])).status_code == 401
    assert (await refreshed(identity, second["refresh_token"])).status_code == 401, "the whole family has ended"
    trail = await identity.get("/api/identity/audit?action=session_reused", headers=by("admin"))
    assert trail.json()["items"][0]["details"] == {"session": first["session_id"]}


async def test_a_token_of_many_refreshes_ago_is_recognised(identity):
    """A thief may have refreshed several times before its owner comes back with the stolen one."""
    first = latest = await signed_in(identity)
    for _ in range(3):
        latest = (await refreshed(identity, latest["refresh_token"])).json()
    assert (await refreshed(identity, first["refresh_token"])).status_code == 401
    assert (await refreshed(identity, latest["refresh_token"])).status_code == 401


async def test_two_refreshes_at_once_get_the_same_token(identity):
    first = await signed_in(identity)
    answers = await asyncio.gather(*(refreshed(identity, first["refresh_token"]) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    following = {answer.json()["refresh_token"] for answer in answers}
    assert len(following) == 1
    assert (await refreshed(identity, following.pop())).status_code == 200


async def test_a_token_made_up_for_a_family_ends_it_and_one_from_nothing_ends_nothing(identity):
    tokens = await signed_in(identity)
    assert (await refreshed(identity, "x" * 43 + "." + "y" * 43)).status_code == 401
    latest = (await refreshed(identity, tokens["refresh_token"])).json()
    family = latest["refresh_token"].partition(".")[0]
    assert (await refreshed(identity, f"{family}.made-up")).status_code == 401
    assert (await refreshed(identity, latest["refresh_token"])).status_code == 401


@pytest.mark.parametrize("token", ["", "short", "x" * 513, 7, None])
async def test_a_refresh_token_that_cannot_be_one_is_a_400(identity, token):
    assert (await refreshed(identity, token)).status_code == 400


@pytest.mark.parametrize("token", ["\x00" * 43, "\u2028" * 43, "." * 43, "ß" * 200])
async def test_an_odd_refresh_token_is_unknown(identity, token):
    assert (await refreshed(identity, token)).status_code == 401


async def test_a_session_that_is_not_refreshed_ends(identity):
    from gatehouse_identity.tables import DB

    tokens = await signed_in(identity)
    await DB.execute("update identity.session set expires_at = now() where id = $1", tokens["session_id"])
    assert (await refreshed(identity, tokens["refresh_token"])).status_code == 401


async def test_however_active_a_session_ends_after_its_longest_time(identity):
    from gatehouse_identity.tables import DB

    tokens = await signed_in(identity)
    await DB.execute(
        "update identity.session set ends_at = now() + interval '1 hour', expires_at = now() + interval '1 hour' "
        "where id = $1",
        tokens["session_id"],
    )
    latest = (await refreshed(identity, tokens["refresh_token"])).json()
    sessions = (await identity.get(SESSIONS, headers=bearer(latest))).json()
    mine = next(session for session in sessions if session["id"] == tokens["session_id"])
    assert mine["expires_at"] == mine["ends_at"]


async def test_signing_out_ends_the_session(identity):
    tokens = await signed_in(identity)
    assert (await identity.delete(f"{SESSIONS}/current", headers=bearer(tokens))).status_code == 204
    assert (await refreshed(identity, tokens["refresh_token"])).status_code == 401
    assert (await identity.delete(f"{SESSIONS}/current", headers=bearer(tokens))).status_code == 404


async def test_i_see_and_end_my_sessions_and_no_one_elses(identity):
    mine, other, foreign = [await signed_in(identity, who) for who in ("member", "member", "sre")]
    listed = {session["id"] for session in (await identity.get(SESSIONS, headers=bearer(mine))).json()}
    assert {mine["session_id"], other["session_id"]} <= listed
    assert foreign["session_id"] not in listed
    ending = await identity.delete(f"{SESSIONS}/{foreign['session_id']}", headers=bearer(mine))
    assert ending.status_code == 404
    assert (await identity.delete(f"{SESSIONS}/{other['session_id']}", headers=bearer(mine))).status_code == 204
    assert (await refreshed(identity, other["refresh_token"])).status_code == 401
    assert (await refreshed(identity, foreign["refresh_token"])).status_code == 200


async def test_a_role_that_is_granted_is_in_the_next_token(identity, by):
    tokens = await signed_in(identity, "board")
    account = (await identity.get("/api/identity/me", headers=bearer(tokens))).json()["id"]
    new = {"account_id": account, "role": "mentor", "reason": "Wants to guide"}
    assert (await identity.post("/api/identity/role-grants", json=new, headers=by("admin"))).status_code == 201
    latest = (await refreshed(identity, tokens["refresh_token"])).json()
    claims = jwt.decode(latest["access_token"], options={"verify_signature": False})
    assert claims["roles"] == ["board", "mentor"]


async def test_an_archived_account_gets_no_more_tokens(identity, by):
    tokens = await signed_in(identity, "marketing")
    where = f"{ACCOUNTS}/019a0000-0002-7000-8000-000000000009"
    version = (await identity.get(where, headers=by("admin"))).headers["etag"]
    assert (await identity.post(f"{where}/archive", headers=by("admin", if_match=version))).status_code == 200
    assert (await refreshed(identity, tokens["refresh_token"])).status_code == 401
    assert (await identity.post(f"{PERSONAS}/marketing/sessions")).status_code == 404


async def test_signing_in_is_noted_with_its_time(identity, by):
    before = datetime.now(UTC)
    await signed_in(identity, "finance")
    page = await identity.get(f"{ACCOUNTS}?search=paulo", headers=by("admin"))
    assert datetime.fromisoformat(page.json()["items"][0]["last_sign_in_at"]) >= before.replace(microsecond=0)


async def test_no_token_is_kept_as_it_is(identity):
    from gatehouse_identity.tables import DB

    tokens = await signed_in(identity)
    family, _, token = tokens["refresh_token"].partition(".")
    kept = await DB.fetchval("select to_jsonb(s)::text from identity.session s where id = $1", tokens["session_id"])
    assert family not in kept
    assert token not in kept


JWKS = "/api/identity/jwks.json"


async def document(identity: Any) -> dict[str, Any]:
    identity.app.state.key_ring.revocations.forget()
    return (await identity.get(JWKS)).json()


async def answers(identity: Any, tokens: dict[str, Any]) -> int:
    """The status that a service gives which has just fetched identity's document."""
    identity.app.state.key_ring.revocations.forget()
    identity.app.state.authenticator.trust(identity.tokens.jwks)
    return (await identity.get("/api/identity/me", headers=bearer(tokens))).status_code


async def test_every_service_learns_which_sessions_ended(identity):
    tokens, other = await signed_in(identity), await signed_in(identity)
    assert await answers(identity, tokens) == 200
    assert (await identity.delete(f"{SESSIONS}/current", headers=bearer(tokens))).status_code == 204
    assert tokens["session_id"] in (await document(identity))["revoked"]
    assert (await answers(identity, tokens), await answers(identity, other)) == (401, 200)


async def test_every_service_learns_whose_roles_were_removed_and_the_next_token_is_good(identity, by):
    account = "019a0000-0002-7000-8000-000000000012"
    granted = await identity.post(
        "/api/identity/role-grants",
        headers=by("admin"),
        json={"account_id": account, "role": "mentor", "reason": "for this test"},
    )
    assert granted.status_code == 201, granted.text
    tokens = await signed_in(identity, "release-manager")
    assert await answers(identity, tokens) == 200
    revoked = await identity.post(
        f"/api/identity/role-grants/{granted.json()['id']}/revoke",
        headers=by("admin", if_match=granted.headers["etag"]),
        json={"reason": "over"},
    )
    assert revoked.status_code == 200, revoked.text
    assert account in (await document(identity))["not_before"]
    assert await answers(identity, tokens) == 401
    following = (await refreshed(identity, tokens["refresh_token"])).json()
    assert await answers(identity, following) == 200


async def test_an_archived_account_is_out_everywhere(identity, by):
    tokens = await signed_in(identity, "finance")
    me = (await identity.get("/api/identity/me", headers=bearer(tokens))).json()
    account = await identity.get(f"{ACCOUNTS}/{me['id']}", headers=by("admin"))
    archived = await identity.post(
        f"{ACCOUNTS}/{me['id']}/archive", headers=by("admin", if_match=account.headers["etag"])
    )
    assert archived.status_code == 200, archived.text
    assert await answers(identity, tokens) == 401
    await identity.post(f"{ACCOUNTS}/{me['id']}/restore", headers=by("admin", if_match=archived.headers["etag"]))
    assert await answers(identity, await signed_in(identity, "finance")) == 200
