"""A backup is restored, and identity's log replayed: nothing that ended comes back, and nobody is taken for a thief."""

from typing import Any

import msgspec
import pytest
import structlog
from structlog.testing import capture_logs

from gatehouse_identity.recovery.replay import replay
from gatehouse_identity.recovery.still_open import still_open
from gatehouse_identity.recovery.structs import Replayed

PERSONAS = "/api/identity/personas"
SESSIONS = "/api/identity/sessions"
ACCOUNTS = "/api/identity/accounts"
CLIENTS = "/api/identity/service-clients"
GRANTS = "/api/identity/role-grants"
KEYS = "/api/identity/keys"


async def ok(asking: Any) -> dict[str, Any]:
    answer = await asking
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else {}


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def signed_in(identity: Any, persona: str) -> dict[str, Any]:
    return await ok(identity.post(f"{PERSONAS}/{persona}/sessions"))


async def refreshed(identity: Any, tokens: dict[str, Any]) -> Any:
    return await identity.post(f"{SESSIONS}/refresh", json={"refresh_token": tokens["refresh_token"]})


async def change(identity: Any, path: str, action: str, by: Any, **body: Any) -> dict[str, Any]:
    """`action` on what is at `path`, in the version that it has now."""
    version = (await identity.get(path, headers=by("admin"))).headers["etag"]
    return await ok(identity.post(f"{path}/{action}", headers=by("admin", if_match=version), json=body or None))


async def new_client(identity: Any, by: Any, name: str, *roles: str) -> dict[str, Any]:
    new = {"name": name, "description": "Is restored", "roles": list(roles)}
    return await ok(identity.post(CLIENTS, json=new, headers=by("admin")))


async def token_of(identity: Any, client: dict[str, Any]) -> int:
    form = {"grant_type": "client_credentials", "client_id": client["name"], "client_secret": client["secret"]}
    return (await identity.post("/api/identity/token", data=form)).status_code


def lines_of(logged: list[Any]) -> list[bytes]:
    """As `base/logs.py` writes them."""
    return [msgspec.json.encode(line, enc_hook=str) for line in logged]


async def replayed(lines: list[bytes], *open_before: str) -> Replayed:
    """What is open before is closed after; all kinds are."""
    opened = set(await still_open(lines))
    assert set(open_before) < opened
    assert {each.rpartition(" ")[0] for each in opened} == {
        "account",
        "role grant",
        "service client",
        "session",
        "signing key",
    }
    done = await replay(lines)
    assert await still_open(lines) == []
    return done


@pytest.fixture
def timed() -> Any:
    """capture_logs with times, as lines of a service have them."""
    return lambda: capture_logs(processors=[structlog.processors.TimeStamper(fmt="iso", utc=True)])


async def test_what_ended_since_the_backup_stays_so_and_sessions_go_on(postgres, service_url, serve, timed):
    account = "019a0000-0002-7000-8000-000000000012"
    with timed() as logged:
        async with serve(service_url) as identity:
            by = identity.by
            new = {"account_id": account, "role": "mentor", "reason": "for this test"}
            granted = await ok(identity.post(GRANTS, json=new, headers=by("admin")))
            out, browser, program = [await signed_in(identity, name) for name in ("mentor", "member", "engineer")]
            leaver = await signed_in(identity, "finance")
            rotated = await new_client(identity, by, "rotated", "staff")
            archived = await new_client(identity, by, "archived", "staff")
            kept = await new_client(identity, by, "kept", "staff")
            keys = await ok(identity.get(KEYS, headers=by("sre")))
        backup = postgres.create_database(service_url)
        backed_up = postgres.role_url(backup, "identity_service")

        async with serve(service_url) as identity:
            by = identity.by
            await change(identity, f"{GRANTS}/{granted['id']}", "revoke", by, reason="over")
            await ok(identity.delete(f"{SESSIONS}/current", headers=bearer(out)))
            me = await ok(identity.get("/api/identity/me", headers=bearer(leaver)))
            await change(identity, f"{ACCOUNTS}/{me['id']}", "archive", by)
            await change(identity, f"{CLIENTS}/{rotated['id']}", "rotate-secret", by)
            await change(identity, f"{CLIENTS}/{archived['id']}", "archive", by)
            leaked = next(key["kid"] for key in keys["keys"] if key["state"] == "active")
            await ok(identity.post(f"{KEYS}/{leaked}/withdraw", headers=by("sre")))
            await ok(await_(refreshed(identity, browser)))
            newest = await ok(await_(refreshed(identity, await ok(await_(refreshed(identity, program))))))
            later = await signed_in(identity, "sre")

    async with serve(backed_up) as identity:
        by = identity.by
        done = await replayed(lines_of(logged), f"role grant {granted['id']}", f"signing key {leaked}")
        assert (done.roles_revoked, done.sessions_ended, done.accounts_archived) == (1, 2, 1)
        assert (done.clients_restricted, done.keys_withdrawn) == (2, 1)
        assert (await replay(lines_of(logged))).decisions == 0
        identity.app.state.key_ring.revocations.forget()
        await identity.app.state.key_ring.all()

        grant = await ok(identity.get(f"{GRANTS}/{granted['id']}", headers=by("admin")))
        assert grant["revoked_at"] is not None
        assert (await refreshed(identity, out)).status_code == 401
        assert (await refreshed(identity, leaver)).status_code == 401
        assert [await token_of(identity, client) for client in (rotated, archived, kept)] == [401, 401, 200]
        assert leaked not in [key["kid"] for key in (await ok(identity.get("/api/identity/jwks.json")))["keys"]]
        revocations = f"/api/identity/audit?action=role_revoked&subject={account}"
        trail = await ok(identity.get(revocations, headers=by("admin")))
        assert [entry["details"]["replayed"] for entry in trail["items"]] == [True]

        # The portal, which was restored too, has the token of the backup; a program has the newest one.
        for tokens in (browser, newest, later):
            answer = await refreshed(identity, tokens)
            assert answer.status_code == 200, answer.text
            assert (await refreshed(identity, answer.json())).status_code == 200
        # Once: the same token of the backup again is a thief's.
        await identity.app.state.sessions._keys._read()
        assert (await refreshed(identity, browser)).status_code == 401
    postgres.drop_database(backup)


async def await_(answer: Any) -> Any:
    return await answer
