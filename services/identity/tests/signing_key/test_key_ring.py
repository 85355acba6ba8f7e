"""Signing keys: the first one, rotation without signing anyone out, and another secret."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_chassis.service.key_sealing import SecretSealer
from gatehouse_identity.digests import SecretBox
from gatehouse_identity.signing_key.key_ring import LEAD, TRAIL, KeyRing
from gatehouse_identity.signing_key.rules import active_of, published, state_of
from gatehouse_identity.signing_key.structs import KeyRow

KEYS = "/api/identity/keys"
JWKS = "/api/identity/jwks.json"
ROTATE = f"{KEYS}/rotate"


async def key_id_of_a_new_token(identity: Any) -> tuple[str, dict[str, str]]:
    tokens = (await identity.post("/api/identity/personas/sre/sessions")).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return jwt.get_unverified_header(tokens["access_token"])["kid"], headers


async def states(identity: Any, headers: dict[str, str]) -> dict[str, str]:
    answer = await identity.get(KEYS, headers=headers)
    return {key["kid"]: key["state"] for key in answer.json()["keys"]}


async def time_passes(identity: Any, by: timedelta) -> None:
    """For the keys: all their times are earlier by so much, and the service reads them again."""
    from gatehouse_identity.tables import DB

    await DB.execute(
        "update identity.signing_key set created_at = created_at - $1::interval, "
        "signs_from = signs_from - $1::interval, published_until = published_until - $1::interval",
        by,
    )
    await identity.app.state.key_ring.all()


async def test_the_first_start_makes_a_key_and_its_successor(identity, by):
    assert sorted((await states(identity, by("sre"))).values()) == ["active", "next"]


async def test_the_public_keys_are_for_everyone_and_for_caches(identity):
    answer = await identity.get(JWKS)
    assert answer.headers["cache-control"] == "public, max-age=5"
    for key in answer.json()["keys"]:
        assert set(key) == {"kid", "x", "kty", "crv", "alg", "use"}
        assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")


async def test_who_may_rotate(identity, by):
    assert (await identity.post(ROTATE)).status_code == 401
    assert (await identity.post(ROTATE, headers=by("coordinator"))).status_code == 403


async def test_rotation_signs_nobody_out(identity, by):
    await time_passes(identity, LEAD)  # the next key has been published long enough
    before, old_session = await key_id_of_a_new_token(identity)
    published_before = {key["kid"] for key in (await identity.get(JWKS)).json()["keys"]}

    assert (await identity.post(ROTATE, headers=by("sre"))).status_code == 200
    after, new_session = await key_id_of_a_new_token(identity)
    assert after != before
    assert after in published_before, "a key is published before it signs"
    assert (await states(identity, by("sre")))[before] == "retired"
    for headers in (old_session, new_session):
        assert (await identity.get("/api/identity/me", headers=headers)).status_code == 200
    assert before in {key["kid"] for key in (await identity.get(JWKS)).json()["keys"]}

    await time_passes(identity, TRAIL)  # now every token of the old key has expired
    assert before not in {key["kid"] for key in (await identity.get(JWKS)).json()["keys"]}


async def test_a_next_key_that_is_too_new_waits_until_everyone_knows_it(identity, by):
    await time_passes(identity, LEAD)
    await identity.post(ROTATE, headers=by("sre"))
    before, _ = await key_id_of_a_new_token(identity)
    answer = await identity.post(ROTATE, headers=by("sre"))
    waiting = [key for key in answer.json()["keys"] if key["state"] == "next" and key["signs_from"]]
    assert datetime.fromisoformat(waiting[0]["signs_from"]) > datetime.now(UTC) + LEAD - timedelta(seconds=30)
    assert (await key_id_of_a_new_token(identity))[0] == before
    assert (await identity.post(ROTATE, headers=by("sre"))).status_code == 409
    await time_passes(identity, LEAD)
    assert (await key_id_of_a_new_token(identity))[0] == waiting[0]["kid"]


async def test_private_keys_are_encrypted_and_erased_when_their_time_is_over(identity, by):
    from gatehouse_identity.tables import DB

    kept = await DB.fetch("select private_key from identity.signing_key where private_key is not null")
    assert all("PRIVATE" not in row["private_key"] for row in kept)
    await time_passes(identity, LEAD + TRAIL)
    await identity.post(ROTATE, headers=by("admin"))
    over = await DB.fetchval(
        "select count(*) from identity.signing_key where published_until < now() and private_key is not null"
    )
    assert over == 0


async def test_rotating_is_in_the_audit_trail(identity, by):
    await time_passes(identity, LEAD)
    await identity.post(ROTATE, headers=by("sre"))
    trail = await identity.get("/api/identity/audit?action=keys_rotated", headers=by("admin"))
    assert trail.json()["items"][0]["actor_id"] == "019a0000-0002-7000-8000-000000000005"


async def test_tasks_that_start_at_once_make_one_key(identity):
    from gatehouse_identity.tables import DB

    await DB.execute("delete from identity.signing_key")
    rings = [KeyRing(SecretSealer(SecretBox("x" * 32))) for _ in range(4)]
    await asyncio.gather(*(ring.prepare() for ring in rings))
    published_by = [sorted(key.kid for key in (await ring.jwks()).keys) for ring in rings]
    assert published_by == [published_by[0]] * 4
    assert len(published_by[0]) == 2


async def test_another_secret_means_new_keys_and_with_the_former_beside_it_the_old_ones_stay(identity):
    before, after = "the-secret-before-" * 3, "the-secret-after-" * 3
    old = KeyRing(SecretSealer(SecretBox(before)))
    await old.prepare()
    kid = jwt.get_unverified_header(await old.sign({"sub": "someone"}))["kid"]
    both = KeyRing(SecretSealer(SecretBox(f"{after} {before}")))
    assert kid in {key.kid for key in (await both.jwks()).keys}
    new = KeyRing(SecretSealer(SecretBox(after)))
    await new.prepare()
    assert kid not in {key.kid for key in (await new.jwks()).keys}
    assert jwt.get_unverified_header(await new.sign({"sub": "someone"}))["kid"] != kid


async def test_a_planted_row_is_no_key(identity):
    """Who may write the table could once publish any key, and sign as anybody."""
    from gatehouse_identity.tables import DB

    planted = {"kid": "planted", "x": "A" * 43, "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"}
    sealed = await DB.fetchval("select private_key from identity.signing_key where private_key is not null limit 1")
    for kid, private in (("planted", None), ("copied", sealed), ("foreign", SecretBox("another " * 8).seal("x"))):
        sql = "insert into identity.signing_key (id, kid, public_jwk, private_key) values ($1, $2, $3, $4)"
        await DB.execute(sql, uuid4(), kid, planted | {"kid": kid}, private)
    await identity.app.state.key_ring.all()
    published_keys = {key["kid"]: key["x"] for key in (await identity.get(JWKS)).json()["keys"]}
    assert not {"planted", "copied", "foreign"} & set(published_keys)
    assert "A" * 43 not in published_keys.values()
    await DB.execute("delete from identity.signing_key where kid in ('planted', 'copied', 'foreign')")
    await identity.app.state.key_ring.all()


async def test_a_withdrawn_key_is_gone_at_once_and_another_signs(identity, by):
    from gatehouse_identity.tables import DB

    leaked, session = await key_id_of_a_new_token(identity)
    assert (await identity.post(f"{KEYS}/{leaked}/withdraw", headers=by("mentor"))).status_code == 403
    assert (await identity.post(f"{KEYS}/{leaked}/withdraw", headers=by("sre"))).status_code == 200
    assert leaked not in {key["kid"] for key in (await identity.get(JWKS)).json()["keys"]}
    assert (await identity.post(f"{KEYS}/{leaked}/withdraw", headers=by("sre"))).status_code == 404
    following, _ = await key_id_of_a_new_token(identity)
    assert following != leaked
    assert sorted((await states(identity, by("sre"))).values()).count("active") == 1
    # Who has the database, but not the secret, doesn't bring it back.
    await DB.execute("update identity.signing_key set published_until = null where kid = $1", leaked)
    await identity.app.state.key_ring.all()
    assert leaked not in {key["kid"] for key in (await identity.get(JWKS)).json()["keys"]}
    identity.app.state.authenticator.trust(identity.tokens.jwks)
    assert (await identity.get("/api/identity/me", headers=session)).status_code == 401


MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(-10_000, 10_000).map(lambda seconds: MOMENT + timedelta(seconds=seconds))
keys = st.builds(
    KeyRow,
    id=st.builds(uuid4),
    kid=st.uuids().map(str),
    public_jwk=st.just({}),
    private_key=st.none(),
    signs_from=st.none() | moments,
    published_until=st.none() | moments,
    created_at=moments,
)


@given(st.lists(keys, max_size=6), moments)
def test_at_most_one_key_signs_at_any_time(ring, now):
    found = [key for key in ring if state_of(key, ring, now) == "active"]
    assert len(found) <= 1
    assert (active_of(ring, now) is None) == (not found)
    assert all(key.signs_from <= now for key in found)
    assert set(map(id, published(ring, now))) <= set(map(id, ring))
