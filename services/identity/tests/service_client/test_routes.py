"""Service clients: their secrets, and the tokens they get for them."""

import base64
import itertools
from typing import Any

import jwt
import pytest

CLIENTS = "/api/identity/service-clients"
TOKEN = "/api/identity/token"
NUMBERS = itertools.count(1)


async def made(identity: Any, by: Any, *roles: str) -> dict[str, Any]:
    """A new client, as the answer has it: with its secret."""
    new = {"name": f"client-{next(NUMBERS)}", "description": "Checks links", "roles": list(roles)}
    answer = await identity.post(CLIENTS, json=new, headers=by("admin"))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def asked(identity: Any, client: dict[str, Any], **more: Any) -> Any:
    form = {"grant_type": "client_credentials", "client_id": client["name"], "client_secret": client["secret"]}
    return await identity.post(TOKEN, data=form | more)


async def test_a_client_gets_a_token_with_its_roles(identity, by):
    client = await made(identity, by, "staff", "engineer")
    answer = await asked(identity, client)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["kind"], claims["name"]) == (client["id"], "service", client["name"])
    assert claims["roles"] == ["engineer", "staff"]
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    me = (await identity.get("/api/identity/me", headers=headers)).json()
    assert (me["kind"], me["name"]) == ("service", client["name"])


async def test_the_secret_may_come_as_json_or_by_basic_authentication(identity, by):
    client = await made(identity, by)
    body = {"grant_type": "client_credentials", "client_id": client["name"], "client_secret": client["secret"]}
    assert (await identity.post(TOKEN, json=body)).status_code == 200
    basic = {"grant_type": "client_credentials"}
    answer = await identity.post(TOKEN, data=basic, auth=(client["name"], client["secret"]))
    assert answer.status_code == 200


async def test_the_secret_is_shown_once_and_kept_as_a_digest(identity, by):
    from gatehouse_identity.tables import DB

    client = await made(identity, by)
    read = await identity.get(f"{CLIENTS}/{client['id']}", headers=by("admin"))
    assert client["secret"] not in read.text
    assert "secret" not in read.json()
    kept = await DB.fetchval("select to_jsonb(c)::text from identity.service_client c where id = $1", client["id"])
    assert client["secret"] not in kept


@pytest.mark.parametrize(
    ("spoilt", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "nobody"}, 401),
        ({"client_id": "nul\x00"}, 401),
        ({"client_secret": ""}, 401),
        ({"grant_type": "password"}, 400),
        ({"scope": "everything"}, 400),
        ({"client_id": "x" * 51}, 400),
    ],
    ids=str,
)
async def test_what_does_not_fit_is_refused(identity, by, spoilt, status):
    answer = await asked(identity, await made(identity, by), **spoilt)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("value", ["not base64!", base64.b64encode(b"no colon").decode(), "////", ""])
async def test_a_broken_basic_header_is_a_401(identity, value):
    headers = {"Authorization": f"Basic {value}"}
    answer = await identity.post(TOKEN, data={"grant_type": "client_credentials"}, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"][:5]) == (401, "Basic")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"grant_type=client_credentials", "text/plain", 415),
        (b"--x", "multipart/form-data; boundary=x", 415),
    ],
)
async def test_a_body_that_is_no_request_is_refused(identity, content, kind, status):
    answer = await identity.post(TOKEN, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status


async def test_a_rotated_secret_overlaps_and_two_rotations_cut_it_off(identity, by):
    client = await made(identity, by)
    where = f"{CLIENTS}/{client['id']}"
    rotated = await identity.post(f"{where}/rotate-secret", headers=by("admin", if_match='"1"'))
    newer = rotated.json()
    assert (await asked(identity, newer)).status_code == 200
    assert (await asked(identity, client)).status_code == 200
    assert newer["previous_until"] is not None
    await identity.post(f"{where}/rotate-secret", headers=by("admin", if_match='"2"'))
    assert (await asked(identity, client)).status_code == 401
    assert (await asked(identity, newer)).status_code == 200


async def test_the_overlap_ends(identity, by):
    from gatehouse_identity.tables import DB

    client = await made(identity, by)
    await identity.post(f"{CLIENTS}/{client['id']}/rotate-secret", headers=by("admin", if_match='"1"'))
    await DB.execute("update identity.service_client set previous_until = now() where id = $1", client["id"])
    assert (await asked(identity, client)).status_code == 401


async def test_an_archived_client_gets_nothing_and_cannot_be_brought_back_by_a_new_secret(identity, by):
    client = await made(identity, by)
    where = f"{CLIENTS}/{client['id']}"
    assert (await identity.post(f"{where}/archive", headers=by("admin", if_match='"1"'))).status_code == 200
    assert (await asked(identity, client)).status_code == 401
    assert (await identity.post(f"{where}/rotate-secret", headers=by("admin", if_match='"2"'))).status_code == 409


async def test_roles_change_and_a_stale_change_is_refused(identity, by):
    client = await made(identity, by, "staff")
    where = f"{CLIENTS}/{client['id']}"
    changed = await identity.patch(where, json={"roles": ["finance"]}, headers=by("admin", if_match='"1"'))
    assert (changed.json()["roles"], changed.headers["etag"]) == (["finance"], '"2"')
    stale = await identity.patch(where, json={"roles": []}, headers=by("admin", if_match='"1"'))
    assert stale.status_code == 412
    page = await identity.get(f"{CLIENTS}?role=finance", headers=by("admin"))
    assert [item["id"] for item in page.json()["items"]] == [client["id"]]


@pytest.mark.parametrize(
    ("spoilt", "field"),
    [
        ({"name": "Upper"}, "name"),
        ({"name": "ends-in-newline\n"}, "name"),
        ({"roles": ["king"]}, "roles.0"),
        ({"secret": "mine"}, "secret"),
        ({"description": ""}, "description"),
    ],
)
async def test_a_client_that_does_not_fit_is_named(identity, by, spoilt, field):
    new = {"name": "fitting", "description": "Fits", "roles": []} | spoilt
    answer = await identity.post(CLIENTS, json=new, headers=by("admin"))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(field.partition(".")[0])


async def test_clients_are_the_administrators(identity, by):
    assert (await identity.get(CLIENTS, headers=by("sre"))).status_code == 404
    new = {"name": "not-mine", "description": "No"}
    assert (await identity.post(CLIENTS, json=new, headers=by("coordinator"))).status_code == 403
    client = await made(identity, by)
    taken = await identity.post(CLIENTS, json={**new, "name": client["name"]}, headers=by("admin"))
    assert taken.status_code == 409
