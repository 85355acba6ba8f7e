"""How black-box tests meet a platform: by HTTP, at one address, as whoever a test says.

Where personas are refused (every environment but the local one), a token is taken from GATEHOUSE_TOKEN_<ROLE>, such as
GATEHOUSE_TOKEN_MENTOR or GATEHOUSE_TOKEN_RELEASE_MANAGER; without one, the tests that need it are skipped. It is
one for identity, as a program gets it, and is exchanged for one of each service.

Where only some services run (a profile of compose.yaml), GATEHOUSE_SERVICES names them, as in "identity,person": the
tests that name another service, themselves or in a fixture, are left out. Where the suite has passed before and only
some services changed since, GATEHOUSE_BLACKBOX_CHANGED names those: the tests that meet none of them are left out.
"""

import inspect
import os
import re
import time
import uuid
from collections.abc import Generator
from types import FunctionType
from typing import Any

import httpx
import pytest

from gatehouse_catalog import Catalog, load_catalog

READ_ONLY = "GATEHOUSE_BLACKBOX_READ_ONLY"  # set for production (gatehouse_release.adapters.black_box)
READS = frozenset({"GET", "HEAD", "OPTIONS"})
RENEW_AFTER = 300  # seconds; tokens live for 600
RUNNING = "GATEHOUSE_SERVICES"
CHANGED = "GATEHOUSE_BLACKBOX_CHANGED"  # as gatehouse_release.adapters.black_box sets it
EXCHANGE = "/api/identity/token/exchange"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    running = os.environ.get(RUNNING, "").split(",")
    changed = set(filter(None, os.environ.get(CHANGED, "").split(",")))
    concerned = reached(load_catalog(config.rootpath), changed) if changed else set()
    if running == [""] and not concerned:
        return
    left_out = set()
    for item in items:
        needs = needed(item) if item.path.parent.name == "blackbox" else set()
        runs = running == [""] or needs <= {*running, ""}
        if not runs or (needs and concerned and needs.isdisjoint(concerned)):
            left_out.add(item)
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def reached(catalog: Catalog, changed: set[str]) -> set[str]:
    """These services and all that call them, directly or through others. Empty, for no choice, if one isn't known."""
    if not changed <= set(catalog.names):
        return set()
    found: set[str] = set()
    more = changed
    while more:
        found |= more
        more = {one.name for one in catalog for callee in catalog.callees(one) if callee.name in more} - found
    return found


def needed(item: Any) -> set[str]:
    """The services whose addresses a test's code names, that of its fixtures, parameters and helpers included."""
    functions = [item.function, *(one[-1].func for one in item._fixtureinfo.name2fixturedefs.values())]
    code = " ".join(map(str, item.callspec.params.values())) if hasattr(item, "callspec") else ""
    for function in map(inspect.unwrap, functions):  # grows while it is walked
        called = [function.__globals__.get(name) for name in function.__code__.co_names]
        functions += [
            one
            for one in called
            if isinstance(one, FunctionType) and one.__module__ == function.__module__ and one not in functions
        ]
        source = inspect.getsource(function).partition("def ")[2]
        constants = {name: function.__globals__.get(name) for name in re.findall(r"\b[A-Z]{3,}\b", source)}
        code += f" {source} {constants}"
    found = set(re.findall(r"/api/(\w+)", code))
    # Whoever signs in does so at identity; a page is the portal's; a port is one of a service.
    found |= {"identity"} if "callers" in item.fixturenames else set()
    found |= {"portal"} if "browser" in code else set()
    return found | ({item.callspec.params["port"]} if "port" in item.fixturenames else set())


class Caller:
    """Someone who is signed in, or a stranger: HTTP with their token."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        self._http, self.name = http, name
        self._token, self._since = "", float("-inf")
        self._exchanged: dict[str, str] = {}

    def __call__(self, method: str, path: str, version: str | None = None, **options: Any) -> httpx.Response:
        """`version` is the ETag of what is changed."""
        headers = {
            **self._headers_for(path),
            **({"If-Match": version} if version else {}),
            **options.pop("headers", {}),
        }
        return self._http.request(method, path, headers=headers, **options)

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self("GET", path, params=params)

    def post(self, path: str, json: Any = None, version: str | None = None, **headers: str) -> httpx.Response:
        return self("POST", path, version, json=json, headers=headers)

    def patch(self, path: str, json: Any, version: str | None = None) -> httpx.Response:
        return self("PATCH", path, version, json=json)

    def read(self, path: str, **params: Any) -> Any:
        """The body of a GET that must succeed."""
        answer = self.get(path, **params)
        assert answer.status_code == 200, f"{answer.request.url}: {answer.status_code} {answer.text}"
        return answer.json()

    def all(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Everything on all pages of a list."""
        items: list[dict[str, Any]] = []
        page = self.read(path, **{"limit": 200, **params})
        while True:
            items += page["items"]
            if page["next"] is None:
                return items
            page = self.read(path, **{"limit": 200, **params}, cursor=page["next"])

    def create(self, path: str, json: Any) -> httpx.Response:
        answer = self.post(path, json)
        assert answer.status_code == 201, answer.text
        return answer

    @property
    def headers(self) -> dict[str, str]:
        if self.name and time.monotonic() - self._since > RENEW_AFTER:
            self._token, self._since = self._sign_in(), time.monotonic()
        return {"Authorization": f"Bearer {self._token}"} if self.name else {}

    def _headers_for(self, path: str) -> dict[str, str]:
        headers = self.headers
        if self._variable not in os.environ or not path.startswith("/api/"):
            return headers
        service = path.split("/")[2]
        if service not in self._exchanged:
            body = {"subject_token": self._token, "audience": service}
            answer = self._http.post(EXCHANGE, json=body)
            assert answer.status_code == 200, answer.text
            self._exchanged[service] = answer.json()["access_token"]
        return {"Authorization": f"Bearer {self._exchanged[service]}"}

    @property
    def _variable(self) -> str:
        return f"GATEHOUSE_TOKEN_{self.name.replace('-', '_').upper()}"

    def _sign_in(self) -> str:
        variable = self._variable
        given = os.environ.get(variable)
        if given:
            return given
        answer = self._http.post(f"/api/identity/personas/{self.name}/sessions")
        if answer.status_code in (403, 404):
            pytest.skip(f"there are no personas at {self._http.base_url}, and {variable} isn't set")
        assert answer.status_code == 201, answer.text
        return answer.json()["access_token"]


class Callers:
    """`callers("mentor")`; the empty name is a stranger."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._known: dict[str, Caller] = {}

    def __call__(self, name: str) -> Caller:
        return self._known.setdefault(name, Caller(self._http, name))


@pytest.fixture(scope="session")
def http(platform: Any) -> Generator[httpx.Client]:
    hooks: dict[str, list[Any]] = {"request": [refuse_changes]} if os.environ.get(READ_ONLY) else {}
    with httpx.Client(base_url=platform.url, timeout=20, event_hooks=hooks) as client:
        yield client


def refuse_changes(request: httpx.Request) -> None:
    """Skips the test before it sends anything but a read; signing in needs a token by then."""
    if request.method not in READS and request.url.path != EXCHANGE:
        pytest.skip(f"{READ_ONLY} is set: {request.method} {request.url.path} is not sent")


@pytest.fixture(scope="session")
def callers(http: httpx.Client) -> Callers:
    return Callers(http)


@pytest.fixture
def member(callers: Callers) -> Caller:
    return callers("member")


@pytest.fixture
def mentor(callers: Callers) -> Caller:
    return callers("mentor")


@pytest.fixture
def coordinator(callers: Callers) -> Caller:
    return callers("coordinator")


@pytest.fixture
def marketing(callers: Callers) -> Caller:
    return callers("marketing")


@pytest.fixture
def stranger(callers: Callers) -> Caller:
    return callers("")


@pytest.fixture
def unique() -> str:
    """Part of a name that no other test, worker or run uses."""
    return uuid.uuid4().hex


@pytest.fixture
def resource(mentor: Caller, unique: str) -> Generator[dict[str, Any]]:
    """A resource of the test's own, archived afterwards."""
    new = {"name": f"Black box {unique}", "url": f"https://example.org/{unique}", "kind": "video", "level": "master"}
    made = mentor.create("/api/topics/resources", new).json()
    yield made
    put_away(mentor, f"/api/topics/resources/{made['id']}")


def put_away(caller: Caller, path: str) -> None:
    """Archives what a test made, if it hasn't done so itself."""
    answer = caller.get(path)
    if answer.status_code == 200 and answer.json()["archived_at"] is None:
        archived = caller.post(f"{path}/archive", version=answer.headers["etag"])
        assert archived.status_code == 200, archived.text


@pytest.fixture
def learner(mentor: Caller, coordinator: Caller, unique: str) -> Generator[dict[str, Any]]:
    """A person of the test's own, mentored by the persona mentor, with an empty curriculum."""
    new = {"name": f"Black Box {unique}", "email": f"{unique}@example.org"}
    answer = coordinator.create("/api/person/people", new)
    person = answer.json()
    path = f"/api/person/people/{person['id']}"
    moved = coordinator.post(f"{path}/status", {"status": "onboarding"}, answer.headers["etag"])
    assert moved.status_code == 200, moved.text
    pair = {"mentor_id": mentor.read("/api/identity/me")["person_id"], "member_id": person["id"]}
    coordinator.create("/api/person/mentor-assignments", pair)
    mentor.create("/api/curriculum/curricula", {"person_id": person["id"]})
    yield person
    put_away(coordinator, f"/api/curriculum/curricula/{person['id']}")
    put_away(coordinator, path)
