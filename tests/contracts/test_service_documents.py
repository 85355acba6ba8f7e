"""What every service says about itself at the root of its port: operations, versions, metrics, configuration."""

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_chassis import ServiceContext
from gatehouse_chassis.app import unguarded_routes
from gatehouse_db_manager import load

ROOT = find_root()
CATALOG = load_catalog(ROOT)
SERVICES = [service.name for service in CATALOG if service.port]
APIS = [service.name for service in CATALOG if service.kind == "api"]
VERSION_METRIC = re.compile(
    r'^gatehouse_collection_version_info\{collection="(.+)",service=".+",version="(.+)"\} 1\.0$'
)
every_service = pytest.mark.parametrize("service", SERVICES)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


@every_service
def test_every_operation_is_described_like_a_clients_method(institute, service: str) -> None:
    document = institute.get(service, "/openapi.json").json()
    for place, operation in operations(document):
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", operation["operationId"]), place
        assert operation["summary"].strip(), place
        assert operation["x-gatehouse-allows"], place
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids)), "two operations have the same id"


def test_no_two_services_use_the_same_operation_id(institute) -> None:
    seen: dict[str, str] = {}
    for service in SERVICES:
        for place, operation in operations(institute.get(service, "/openapi.json").json()):
            if "platform" in operation.get("tags", ()):
                continue
            here = f"{service}: {place}"
            assert seen.setdefault(operation["operationId"], here) == here


@every_service
def test_every_route_has_a_guard(service: str) -> None:
    entry = CATALOG[service]
    app = importlib.import_module(f"{entry.package}.app").create(surroundings(service))
    assert unguarded_routes(app) == []
    routes = {route.path for route in app.routes}
    assert {"/health/live", "/health/ready", "/version", "/config", "/metrics"} <= routes


def surroundings(name: str) -> ServiceContext:
    """The service as it stands in a process that isn't connected to anything."""
    addresses = {other.address_variable: "http://127.0.0.1:9" for other in CATALOG}
    hidden = {f"GATEHOUSE_SECRET_{key.upper()}": "0" * 43 for key, one in CATALOG[name].settings.items() if one.secret}
    return ServiceContext.load(CATALOG[name].folder, {"GATEHOUSE_ENVIRONMENT": "local", **addresses, **hidden})


@every_service
def test_the_version_lists_each_collection_as_it_was_applied(institute, service: str) -> None:
    document = institute.get(service, "/version").json()
    database = CATALOG[service].database
    assert database is not None
    (schema,) = load(ROOT, [database.schema]).schemas
    shown = {item["collection"]: item["version"] for item in document["collections"]}
    assert shown == {collection.name: collection.version_text for collection in schema.collections}
    assert all(item["applied_at"].endswith("Z") for item in document["collections"])
    assert (document["service"], document["version"], document["commit"]) == (service, "1.2.3", "0123abc")
    assert document["started_at"]


@every_service
def test_the_metrics_show_the_same_versions_as_the_version_document(institute, service: str) -> None:
    text = institute.get(service, "/metrics").text
    found = [match.groups() for line in text.splitlines() if (match := VERSION_METRIC.match(line))]
    shown = institute.get(service, "/version").json()["collections"]
    assert sorted(found) == sorted((item["collection"], item["version"]) for item in shown)


@every_service
def test_it_is_alive_and_ready(institute, service: str) -> None:
    assert institute.get(service, "/health/live").json() == {"status": "alive"}
    ready = institute.get(service, "/health/ready")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert set(ready.json()["checks"].values()) == {"ok"}


@every_service
def test_the_configuration_is_for_operators(institute, service: str) -> None:
    answered = {
        persona: institute.get(service, "/config", headers=institute.sign_in(persona)).status_code
        for persona in ("admin", "sre", "engineer", "member", "mentor", "finance", "board")
    }
    allowed = dict.fromkeys(("admin", "sre", "engineer"), 200)
    assert answered == {**allowed, **dict.fromkeys(("member", "mentor", "finance", "board"), 404)}
    assert institute.get(service, "/config").status_code == 401


@every_service
def test_the_configuration_says_where_each_value_came_from(institute, service: str) -> None:
    document = institute.get(service, "/config", headers=institute.sign_in("sre")).json()
    shown = {item["key"]: item for item in document["settings"]}
    assert set(shown) == set(CATALOG[service].settings)
    assert all(item["origin"] for item in shown.values())
    for key, setting in CATALOG[service].settings.items():
        if setting.secret:
            assert (shown[key]["value"], shown[key]["origin"]) == ("set", "secret")


def test_a_value_from_the_settings_file_is_shown_with_its_line(institute) -> None:
    document = institute.get("person", "/config", headers=institute.sign_in("sre")).json()
    days = next(item for item in document["settings"] if item["key"] == "intro_timeout_days")
    assert (days["value"], days["type"]) == (21, "integer")
    assert days["origin"] == f"file {institute.settings_file}:2"


@every_service
def test_no_secret_is_shown_or_logged_anywhere(institute, service: str) -> None:
    headers = institute.sign_in("admin")
    hidden = [value for values in institute.secrets.values() for value in values.values()]
    assert hidden
    for path in ("/config", "/version", "/metrics", "/openapi.json", "/health/ready", "/docs"):
        answer = institute.get(service, path, headers=headers)
        assert answer.status_code == 200
        assert not [value for value in hidden if value in answer.text], path
    log = institute.log(service)
    assert headers["Authorization"].removeprefix("Bearer ") not in log
    assert not [value for value in hidden if value in log]


@pytest.mark.parametrize("service", APIS)
def test_a_stranger_gets_nothing_but_what_is_public(institute, service: str) -> None:
    for place, operation in operations(institute.get(service, "/openapi.json").json()):
        method, path = place.split(" ")
        if operation["x-gatehouse-allows"] == "anyone":
            continue
        filled = re.sub(r"\{[^}]+\}", "019a0000-0001-7000-8000-000000000001", path)
        answer = institute.http.request(method, institute.url(service) + filled)
        assert answer.status_code == 401, f"{place}: {answer.status_code}"
        assert answer.headers["www-authenticate"] == "Bearer"
