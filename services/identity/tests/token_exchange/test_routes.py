"""Tokens for one service, in exchange for one for another."""

from typing import Any

import jwt
import pytest

from gatehouse_chassis.events.service_token import sign

KEY = "for-tests-only-0123456789-0123456789"
EXCHANGE = "/api/identity/token/exchange"


async def session(identity: Any, persona: str = "mentor", audience: str = "identity") -> dict[str, Any]:
    answer = await identity.post(f"/api/identity/personas/{persona}/sessions", params={"audience": audience})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def exchanged(identity: Any, token: str, audience: str, by: str = "", key: str = KEY) -> Any:
    more = {"actor_token": sign(key, by=by, to="identity")} if by else {}
    return await identity.post(EXCHANGE, json={"subject_token": token, "audience": audience, **more})


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


async def test_a_session_gets_a_token_for_each_service_that_says_and_ends_the_same(identity):
    mine = (await session(identity))["access_token"]
    answer = await exchanged(identity, mine, "topics")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    before, after = claims_of(mine), claims_of(answer.json()["access_token"])
    assert (before["aud"], after["aud"]) == ("identity", "topics")
    same = ("sub", "person", "name", "roles", "kind", "sid", "iat", "auth_time")
    assert [after[name] for name in same] == [before[name] for name in same]
    assert before["exp"] - 1 < after["exp"] <= before["exp"]
    assert "act" not in after
    assert jwt.get_unverified_header(mine)["kid"] == jwt.get_unverified_header(answer.json()["access_token"])["kid"]


async def test_a_service_gets_one_for_another_service_for_a_token_of_its_own(identity):
    mine = (await session(identity))["access_token"]
    shown = (await exchanged(identity, mine, "curriculum")).json()["access_token"]
    answer = await exchanged(identity, shown, "person", by="curriculum")
    claims = claims_of(answer.json()["access_token"])
    assert (claims["aud"], claims["act"], claims["sub"]) == ("person", {"sub": "curriculum"}, claims_of(mine)["sub"])


async def test_what_a_service_was_shown_opens_nothing_else(identity):
    """Whoever stole it has no key; another service can't exchange it; and no service gets one for identity."""
    mine = (await session(identity, "admin"))["access_token"]
    shown = (await exchanged(identity, mine, "curriculum")).json()["access_token"]
    again = (await exchanged(identity, shown, "person", by="curriculum")).json()["access_token"]
    assert (await exchanged(identity, shown, "person")).status_code == 401
    assert (await exchanged(identity, shown, "person", by="topics")).status_code == 401
    assert (await exchanged(identity, shown, "person", by="curriculum", key="x" * 40)).status_code == 401
    assert (await exchanged(identity, again, "ledger", by="curriculum")).status_code == 401
    assert (await exchanged(identity, shown, "identity", by="curriculum")).status_code == 403
    assert (await exchanged(identity, shown, "gatehouse", by="curriculum")).status_code == 403
    assert (await exchanged(identity, mine, "gatehouse")).status_code == 403
    for token in (shown, again):
        refused = await identity.get("/api/identity/me", headers={"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401
    assert (await exchanged(identity, mine, "Topics")).status_code == 400
    assert (await exchanged(identity, mine, "identity")).status_code == 200


async def test_what_comes_out_ends_with_the_key_of_what_went_in(identity, by):
    """The key may have leaked: what was got with its tokens must not outlive its withdrawal."""
    from gatehouse_identity.tables import DB

    mine = (await session(identity))["access_token"]
    await DB.execute("update identity.signing_key set created_at = created_at - interval '10 minutes'")
    assert (await identity.post("/api/identity/keys/rotate", headers=by("sre"))).status_code == 200
    later = (await session(identity))["access_token"]
    first, second = (jwt.get_unverified_header(token)["kid"] for token in (mine, later))
    assert first != second
    answer = await exchanged(identity, mine, "topics")
    assert jwt.get_unverified_header(answer.json()["access_token"])["kid"] == first


async def test_what_was_revoked_is_exchanged_no_more(identity):
    tokens = await session(identity)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await identity.delete("/api/identity/sessions/current", headers=bearer)).status_code == 204
    identity.app.state.key_ring.revocations.forget()
    await identity.app.state.authenticator._keys._refresh()
    assert (await exchanged(identity, tokens["access_token"], "topics")).status_code == 401


async def test_a_session_that_is_refreshed_is_for_identity(identity):
    tokens = await session(identity, audience="topics")
    assert claims_of(tokens["access_token"])["aud"] == "topics"
    answer = await identity.post("/api/identity/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert claims_of(answer.json()["access_token"])["aud"] == "identity"


@pytest.mark.parametrize(("asked", "audience"), [({}, "identity"), ({"audience": "topics"}, "topics")])
async def test_a_program_says_whom_its_token_is_for(identity, by, asked, audience):
    new = {"name": f"program-{audience}", "description": "Reads", "roles": ["staff"]}
    made = (await identity.post("/api/identity/service-clients", json=new, headers=by("admin"))).json()
    secret = {"client_id": made["name"], "client_secret": made["secret"]}
    given = {"grant_type": "client_credentials", **secret, **asked}
    token = (await identity.post("/api/identity/token", data=given)).json()["access_token"]
    assert claims_of(token)["aud"] == audience
