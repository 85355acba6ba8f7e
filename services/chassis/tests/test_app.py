"""A service as its clients and operators meet it: health, version, configuration, errors, guards, documents."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from litestar import Litestar, get, post

from gatehouse_chassis import Actor, ServiceContext, create_app
from gatehouse_chassis.app import Unguarded, unguarded_routes
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.http.guards import allow, public, signed_in
from gatehouse_chassis.metrics.registry import Metrics
from gatehouse_chassis.testing import InProcessClient, serving

SERVICE = """
name = "demo"
domain = "demo"
summary = "Shows the chassis"
path = "/api/demo"
port = 8499
[settings.limit]
type = "integer"
default = 14
help = "Things at most"
[settings.mail_key]
type = "text"
secret = true
"""
PLATFORM_ROUTES = ["/health/live", "/health/ready", "/version", "/metrics", "/openapi.json", "/docs"]


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=5)]
    size: int = 1


@get("/things/{number:int}", guards=[signed_in], operation_id="GetThing", sync_to_thread=False)
def read_thing(number: int, actor: Actor) -> dict[str, Any]:
    if number == 0:
        raise NotFound("No thing has that number.")
    return {"number": number, "seen_by": actor.name}


@post("/things", guards=[allow("staff")], operation_id="CreateThing", sync_to_thread=False)
def create_thing(data: Thing) -> Thing:
    if data.name == "taken":
        raise Conflict("That name is taken; choose another.")
    return data


@get("/secrets", guards=[allow("board", "finance")], operation_id="ListSecrets", sync_to_thread=False)
def secrets() -> list[str]:
    return []


@get("/broken", guards=[public], operation_id="Break", sync_to_thread=False)
def broken() -> None:
    message = "password=hunter2 at 10.0.0.7"
    raise RuntimeError(message)


def create(service: ServiceContext) -> Litestar:
    return create_app(service, [read_thing, create_thing, secrets, broken])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("services") / "demo"
    folder.mkdir()
    (folder / "service.toml").write_text(SERVICE)
    return folder


@pytest.fixture(scope="module")
async def demo(folder: Path) -> AsyncIterator[InProcessClient]:
    environ = {
        "GATEHOUSE_SECRET_MAIL_KEY": "hush-hush",
        "GATEHOUSE_SETTING_LIMIT": "9",
        "GATEHOUSE_VERSION": "1.4.0",
        "GATEHOUSE_COMMIT": "abc1234",
    }
    async with serving("demo", create, folder=folder, environ=environ) as client:
        yield client


@pytest.mark.parametrize("path", PLATFORM_ROUTES)
async def test_every_service_answers_the_platforms_questions(demo: InProcessClient, path: str) -> None:
    answer = await demo.get(path)
    assert answer.status_code == 200
    assert answer.headers["x-request-id"]


async def test_version_says_what_code_runs(demo: InProcessClient) -> None:
    document = (await demo.get("/version")).json()
    assert (document["service"], document["version"], document["commit"]) == ("demo", "1.4.0", "abc1234")
    assert document["collections"] == []


async def test_configuration_is_for_operators_and_never_shows_a_secret(demo: InProcessClient) -> None:
    assert (await demo.get("/config")).status_code == 401
    assert (await demo.get("/config", headers=demo.tokens.headers("member", "mentor"))).status_code == 404
    answer = await demo.get("/config", headers=demo.tokens.headers("sre"))
    shown = {item["key"]: (item["value"], item["origin"]) for item in answer.json()["settings"]}
    assert shown == {"limit": (9, "environment GATEHOUSE_SETTING_LIMIT"), "mail_key": ("set", "secret")}
    assert "hush-hush" not in answer.text


async def test_a_missing_token_is_401_and_a_missing_role_404_or_403(demo: InProcessClient) -> None:
    anonymous = await demo.get("/api/demo/things/1")
    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"] == "Bearer"
    member = demo.tokens.headers("member")
    assert (await demo.get("/api/demo/secrets", headers=member)).status_code == 404
    refused = await demo.post("/api/demo/things", json={"name": "a"}, headers=member)
    assert refused.status_code == 403
    assert refused.json()["detail"] == "This takes the role staff."


async def test_the_caller_reaches_the_handler(demo: InProcessClient) -> None:
    answer = await demo.get("/api/demo/things/3", headers=demo.tokens.headers("member", name="Noah"))
    assert answer.json() == {"number": 3, "seen_by": "Noah"}


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"name": "a", "colour": "red"}, "colour", "is not a known field; remove it"),
        ({}, "name", "is required; add it"),
        ({"name": "too long"}, "name", "expected `str` of length <= 5"),
        ({"name": "a", "size": "big"}, "size", "expected `int`, got `str`"),
    ],
)
async def test_an_invalid_body_names_the_field(
    demo: InProcessClient, body: dict[str, Any], field: str, message: str
) -> None:
    answer = await demo.post("/api/demo/things", json=body, headers=demo.tokens.headers("staff"))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"field": field, "message": message}]


async def test_a_body_that_is_no_json_is_400(demo: InProcessClient) -> None:
    answer = await demo.post("/api/demo/things", content=b"{", headers=demo.tokens.headers("staff"))
    assert answer.status_code == 400
    assert "http://" not in answer.text


async def test_errors_are_problem_details(demo: InProcessClient) -> None:
    staff = demo.tokens.headers("staff")
    conflict = (await demo.post("/api/demo/things", json={"name": "taken"}, headers=staff)).json()
    assert conflict["type"] == "urn:gatehouse:problem:conflict"
    assert conflict["detail"] == "That name is taken; choose another."
    for answer, status in (
        (await demo.get("/api/demo/things/0", headers=staff), 404),
        (await demo.get("/nowhere"), 404),
        (await demo.delete("/api/demo/things"), 405),
        (await demo.post("/api/demo/things", content=b"x" * 2_000_000, headers=staff), 413),
    ):
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_method_that_isnt_there_is_answered_with_those_that_are(demo: InProcessClient) -> None:
    answer = await demo.delete("/api/demo/things")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"POST", "OPTIONS"}


async def test_an_unexpected_error_is_an_id_and_nothing_else(
    demo: InProcessClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await demo.get("/api/demo/broken", headers={"x-request-id": "trace-me-please"})
    assert answer.status_code == 500
    assert answer.json()["instance"] == "trace-me-please"
    assert "hunter2" not in answer.text
    assert "hunter2" in capsys.readouterr().out


async def test_metrics_tell_the_build_and_have_the_objective_as_a_bucket(demo: InProcessClient) -> None:
    text = (await demo.get("/metrics")).text
    assert 'gatehouse_build_info{commit="abc1234",service="demo",version="1.4.0"} 1.0' in text
    assert 'le="0.3"' in text


def test_a_slow_request_leaves_its_trace_beside_the_latency(folder: Path) -> None:
    metrics = Metrics(ServiceContext.load(folder, {"GATEHOUSE_ENVIRONMENT": "test"}))
    metrics.traffic.answered("GET", "/quick", 200, 0.01, "ab" * 16)
    metrics.traffic.answered("GET", "/slow", 200, 0.4, "cd" * 16)
    text, media_type = metrics.render("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert media_type.startswith("application/openmetrics-text")
    assert '# {trace_id="' + "cd" * 16 + '"} 0.4' in text.decode()
    assert "ab" * 16 not in text.decode()
    assert "trace_id" not in metrics.render()[0].decode()  # the plain format has no place for it


async def test_the_openapi_document_says_who_may_call_and_what_can_go_wrong(demo: InProcessClient) -> None:
    document = (await demo.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    create_operation = document["paths"]["/api/demo/things"]["post"]
    assert create_operation["x-gatehouse-allows"] == "staff"
    assert create_operation["security"] == [{"bearer": []}]
    assert {"201", "400", "401", "403", "409", "413", "503"} <= set(create_operation["responses"])
    assert document["paths"]["/health/live"]["get"]["security"] == []


async def test_a_page_under_development_may_call_locally(demo: InProcessClient) -> None:
    headers = {"origin": "http://localhost:5173", "access-control-request-method": "POST"}
    answer = await demo.options("/api/demo/things", headers=headers)
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    foreign = await demo.options("/api/demo/things", headers=headers | {"origin": "http://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers


async def test_draining_says_not_ready_and_asks_to_close(folder: Path) -> None:
    async with serving("demo", create, folder=folder) as demo:
        assert (await demo.get("/health/ready")).status_code == 200
        demo.app.state.drain.draining = True
        answer = await demo.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"]["process"] == "draining"
        assert answer.headers["connection"] == "close"
        assert (await demo.get("/health/live")).status_code == 200


async def test_a_route_without_a_guard_stops_the_service(folder: Path) -> None:
    @get("/open", sync_to_thread=False)
    def forgotten() -> None: ...

    def unsafe(service: ServiceContext) -> Litestar:
        return create_app(service, [forgotten])

    with pytest.raises(Unguarded, match="GET /api/demo/open"):
        async with serving("demo", unsafe, folder=folder):
            pass


async def test_every_route_has_a_guard(demo: InProcessClient) -> None:
    assert unguarded_routes(demo.app) == []
