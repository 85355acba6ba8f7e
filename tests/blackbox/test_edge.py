"""What the edge routes and what it keeps inside; what each service answers on its own port."""

from typing import Any

import httpx
import pytest

SERVICES = [
    "identity",
    "person",
    "partner",
    "topics",
    "curriculum",
    "encounter",
    "ledger",
    "intake",
    "credential",
    "portal",
]
INSIDE = ["/health/live", "/health/ready", "/version", "/metrics", "/openapi.json"]


@pytest.mark.parametrize("path", [*INSIDE, "/config", "/docs", "/%6detrics", "/metrics/", "//metrics", "/./metrics"])
def test_what_services_say_about_themselves_isnt_routed(http: httpx.Client, path: str) -> None:
    answer = http.get(str(http.base_url).rstrip("/") + path)
    assert answer.status_code == 404
    assert "gatehouse_" not in answer.text


def test_every_answer_has_the_id_of_its_request(http: httpx.Client) -> None:
    # An id of the caller's own is logged beside ours; the audit trail must not carry what somebody else chose.
    given = http.get("/api/topics/paths", headers={"X-Request-Id": "black-box-1234"})
    assert given.headers["x-request-id"] != "black-box-1234"
    made = {http.get("/api/topics/paths").headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3


def test_an_unknown_address_below_an_api_is_a_problem_in_words(http: httpx.Client) -> None:
    answer = http.get("/api/topics/no-such-thing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_body_that_is_too_large_is_refused(mentor: Any) -> None:
    answer = mentor("POST", "/api/topics/resources", json={"name": "x" * 1_100_000})
    assert answer.status_code == 413


def test_a_body_that_is_no_json_is_refused(mentor: Any) -> None:
    answer = mentor("POST", "/api/topics/resources", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_a_method_that_isnt_there_is_refused(mentor: Any) -> None:
    answer = mentor("DELETE", "/api/topics/resources")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


def test_whoever_opens_the_front_door_comes_to_a_page(http: httpx.Client) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = http.get("/", headers=browser, follow_redirects=True)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.fixture
def port(platform: Any, request: pytest.FixtureRequest) -> str:
    address = platform.services.get(request.param)
    if address is None:
        pytest.skip(f"the port of {request.param} isn't known from outside")
    return address


@pytest.mark.parametrize("port", SERVICES, indirect=True)
@pytest.mark.parametrize("path", INSIDE)
def test_each_service_answers_on_its_own_port(port: str, path: str) -> None:
    answer = httpx.get(port + path, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.content


@pytest.mark.parametrize("port", SERVICES, indirect=True)
def test_the_configuration_is_for_operators_only(port: str, callers: Any) -> None:
    assert httpx.get(f"{port}/config", timeout=10).status_code == 401
    assert httpx.get(f"{port}/config", headers=callers("member").headers, timeout=10).status_code == 404
    answer = httpx.get(f"{port}/config", headers=callers("sre").headers, timeout=10)
    assert answer.status_code == 200
    secrets = [item for item in answer.json()["settings"] if item["secret"]]
    assert {item["value"] for item in secrets} <= {"set", "unset"}
