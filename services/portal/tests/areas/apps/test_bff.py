"""What apps call: services through the portal, with the session's token, and nothing that a browser must not hold."""

import json
from typing import Any

import pytest

NOAH = "019a0000-0001-7000-8000-000000000002"
PERSON = f"/api/person/people/{NOAH}"
PROBLEM = {"type": "urn:gatehouse:problem:stale", "title": "Stale", "status": 412, "detail": "It is version 4 now."}
ORIGIN = {"Origin": "http://test"}


@pytest.fixture
async def app(browser: Any) -> Any:
    """A browser that is signed in and runs an app's script."""
    await browser.sign_in("member")
    browser.headers["Accept"] = "*/*"
    return browser


async def csrf(app: Any) -> dict[str, str]:
    return ORIGIN | {"X-CSRF-Token": (await app.get("/bff/session")).json()["csrf"]}


async def test_a_session_says_who_it_is_and_holds_no_token(app: Any, house: Any) -> None:
    answer = await app.get("/bff/session", params={"at": "/paths"})
    found = answer.json()
    assert (found["person_id"], found["name"], found["roles"]) == (NOAH, "Noah Adeyemi", ["member"])
    assert [item["path"] for item in found["navigation"] if item["current"]] == ["/paths"]
    (_, headers, _) = house.asked("topics", "GET")[0]
    token = headers["authorization"].removeprefix("Bearer ")
    assert len(token) > 100
    assert token not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_read_is_passed_on_as_the_person(app: Any, house: Any) -> None:
    house["person"].answers["GET", PERSON] = (200, {"id": NOAH, "name": "Noah"})
    answer = await app.get(f"/bff/person/people/{NOAH}", headers={"If-None-Match": '"3"'}, params={"a": "b c"})
    assert (answer.status_code, answer.json()) == (200, {"id": NOAH, "name": "Noah"})
    path, headers, _ = house.asked("person", "GET")[-1]
    assert path.partition("?")[0] == PERSON
    assert headers["authorization"].startswith("Bearer ")
    assert headers["if-none-match"] == '"3"'
    assert "cookie" not in headers


async def test_a_change_is_passed_on_with_its_version_and_body(app: Any, house: Any) -> None:
    house["person"].answers["PATCH", PERSON] = (200, {"id": NOAH})
    sent = {"name": "Noah A.", "café": [1.5]}
    answer = await app.patch(f"/bff/person/people/{NOAH}", json=sent, headers=await csrf(app) | {"If-Match": '"3"'})
    assert answer.status_code == 200, answer.text
    ((_, headers, body),) = house.asked("person", "PATCH")
    assert headers["if-match"] == '"3"'
    assert json.loads(body) == sent


async def test_a_refusal_reaches_the_app_as_the_service_said_it(app: Any, house: Any) -> None:
    house["person"].answers["PATCH", PERSON] = (412, PROBLEM)
    answer = await app.patch(f"/bff/person/people/{NOAH}", json={}, headers=await csrf(app) | {"If-Match": '"3"'})
    assert answer.status_code == 412
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json() | PROBLEM == answer.json()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://test"},
        {"X-CSRF-Token": "its own"},
        {"X-CSRF-Token": "its own", "Origin": "https://elsewhere.example"},
        {"X-CSRF-Token": "its own", "Origin": "null"},
        {"X-CSRF-Token": "its own", "Origin": "http://test", "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": "0" * 64, "Origin": "http://test"},
    ],
)
async def test_a_change_that_another_site_may_have_sent_is_refused(
    app: Any, house: Any, headers: dict[str, str]
) -> None:
    own = (await csrf(app))["X-CSRF-Token"]
    sent = {name: value.replace("its own", own) for name, value in headers.items()}
    answer = await app.patch(f"/bff/person/people/{NOAH}", json={}, headers=sent)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:gatehouse:problem:not-from-an-app")
    assert house.asked("person", "PATCH") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/bff/identity/sessions/refresh"),
        ("POST", "/bff/identity/personas/member/sessions"),
        ("POST", "/bff/identity/token"),
        ("POST", "/bff/identity/service-clients"),
        ("GET", "/bff/person/people/%2e%2e/config"),
        ("GET", "/bff/person/people/x%2f..%2fprofile"),
        ("GET", "/bff/person/config"),
        ("GET", "/bff/nobody/people"),
        ("DELETE", f"/bff/person/people/{NOAH}"),
    ],
)
async def test_what_apps_may_not_call_isnt_passed_on(app: Any, house: Any, method: str, path: str) -> None:
    headers = await csrf(app)
    before = {name: len(house[name].requests) for name in ("identity", "person")}
    assert (await app.request(method, path, headers=headers)).status_code in {404, 405}
    assert {name: len(house[name].requests) for name in ("identity", "person")} == before


async def test_without_a_session_it_is_a_401(browser: Any) -> None:
    for path in ("/bff/session", "/bff/person/people"):
        answer = await browser.get(path, headers={"Accept": "*/*"})
        assert (answer.status_code, answer.json()["status"]) == (401, 401)
