"""The outermost layer: whatever is sent, it is answered as a problem, counted and logged; and load is bounded."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, get, post

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.http import admission, middleware
from gatehouse_chassis.http.admission import Admission
from gatehouse_chassis.http.guards import public, signed_in
from gatehouse_chassis.http.hosts import Hosts
from gatehouse_chassis.testing import InProcessClient, serving

SERVICE = """
name = "demo"
domain = "demo"
summary = "Shows the chassis"
path = "/api/demo"
port = 8499
[scaling]
concurrency = 8
"""


class Gate:
    """Holds requests until a test lets them go."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.waiting = 0


GATE: list[Gate] = []


@get("/slow", guards=[public], operation_id="Slow")
async def slow() -> dict[str, int]:
    gate = GATE[-1]
    gate.waiting += 1
    await gate.opened.wait()
    return {"waited": gate.waiting}


@get("/mine", guards=[signed_in], operation_id="Mine")
async def mine() -> dict[str, int]:
    return {}


@post("/things", guards=[public], operation_id="Keep", sync_to_thread=False)
def keep(data: dict[str, Any]) -> dict[str, Any]:
    return data


def create(service: ServiceContext) -> Litestar:
    return create_app(service, [slow, mine, keep])


@pytest.fixture
async def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[InProcessClient]:
    folder = tmp_path / "services" / "demo"
    folder.mkdir(parents=True)
    (folder / "service.toml").write_text(SERVICE, encoding="utf-8")
    monkeypatch.setattr(admission, "PAUSE", 0.0)
    async with serving("demo", create, folder=folder) as client:
        yield client


async def count(demo: InProcessClient, series: str) -> float:
    lines = (await demo.get("/metrics")).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (lambda demo: demo.get("/api/demo/mine", headers={"X-Request-Timeout-Ms": "1" * 4301}), 401),
        (lambda demo: demo.post("/api/demo/things", content=b"[" * 1000 + b"]" * 1000), 400),
        (lambda demo: demo.post("/api/demo/things", content=b'{"a":' * 100_000), 400),
        (lambda demo: demo.get("/api/demo/mine", headers={"Host": "localhost:abc"}), 421),
        (lambda demo: demo.get("/api/demo/mine", headers={"Host": "evil.example"}), 421),
        (lambda demo: demo.get("/api/demo/mine", headers={"Authorization": b"Bearer \xff\x00"}), 401),
    ],
    ids=["a number without end", "a thousand brackets", "a deep object", "no port", "another site", "no token"],
)
async def test_what_nobody_sends_by_mistake_is_answered_counted_and_logged(
    demo: InProcessClient,
    request_of: Callable[[InProcessClient], Any],
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = await count(demo, "gatehouse_http_requests_total")
    answer = await request_of(demo)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await count(demo, "gatehouse_http_requests_total") == before + 2  # and the look at the metrics itself
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    assert f"status={status}" in capsys.readouterr().out


async def test_what_fails_outside_of_litestar_is_a_500_with_an_id_and_counted(demo: InProcessClient) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("hunter2")

    layer: Any = demo.app.asgi_handler
    layer._app, whole = broken, layer._app
    answer = await demo.get("/api/demo/mine")
    layer._app = whole
    assert answer.status_code == 500
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    assert "hunter2" not in answer.text
    assert await count(demo, 'gatehouse_http_requests_total{route="unmatched"') >= 0


async def held(demo: InProcessClient, number: int, **options: Any) -> list[asyncio.Task[Any]]:
    """Requests that are being answered until the gate opens."""
    GATE.append(Gate())
    tasks = [asyncio.create_task(demo.get("/api/demo/slow", **options)) for _ in range(number)]
    for _ in range(50):
        await asyncio.sleep(0)
    return tasks


async def test_one_address_takes_a_part_of_the_places_and_the_rest_is_told_to_come_again(demo: InProcessClient) -> None:
    tasks = await held(demo, 8)
    refused = await demo.get("/api/demo/slow")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["type"] == "urn:gatehouse:problem:overloaded"
    assert (await demo.get("/health/ready")).status_code == 200
    assert await count(demo, "gatehouse_http_requests_in_flight") == 3 + 1  # and the look at the metrics itself
    GATE[-1].opened.set()
    statuses = sorted([(await task).status_code for task in tasks])
    assert statuses == [200] * 3 + [503] * 5
    assert await count(demo, "gatehouse_http_requests_in_flight") == 1
    assert await count(demo, "gatehouse_http_requests_shed_total") == 6
    assert await count(demo, 'gatehouse_http_requests_total{route="unmatched",service="demo",status="503"') == 0
    assert (await demo.get("/api/demo/slow")).status_code == 200  # every place is free again


async def test_who_is_signed_in_is_answered_while_strangers_fill_their_part(demo: InProcessClient) -> None:
    member = demo.tokens.headers("member")
    assert (await demo.get("/api/demo/mine", headers=member)).status_code == 200
    tasks = await held(demo, 30)
    addressed = [
        asyncio.create_task(demo.get("/api/demo/slow", headers={"X-Forwarded-For": f"192.0.2.{n}"})) for n in range(30)
    ]
    for _ in range(50):
        await asyncio.sleep(0)
    assert (await demo.get("/api/demo/mine", headers=member)).status_code == 200
    forged = {"Authorization": "Bearer made-up"}
    assert (await demo.get("/api/demo/mine", headers=forged)).status_code == 503  # no caller of its own
    GATE[-1].opened.set()
    await asyncio.gather(*tasks, *addressed)


async def test_of_one_caller_two_run_at_once_and_others_run_meanwhile(demo: InProcessClient) -> None:
    member, other = demo.tokens.headers("member"), demo.tokens.headers("mentor")
    for known in (member, other):
        assert (await demo.get("/api/demo/mine", headers=known)).status_code == 200
    tasks = await held(demo, 3, headers=member)
    assert GATE[-1].waiting == 2
    assert (await demo.get("/api/demo/mine", headers=other)).status_code == 200
    GATE[-1].opened.set()
    assert [(await task).status_code for task in tasks] == [200, 200, 200]
    assert GATE[-1].waiting == 3


async def test_a_stranger_waits_for_other_strangers_and_nobody_for_a_caller_who_left() -> None:
    turns = Admission(100)
    addresses = [f"192.0.2.{number}" for number in range(admission.STRANGERS_RUNNING)]
    for address in addresses:
        await turns.take_turn((address, True))
    waiting = [asyncio.create_task(turns.take_turn((f"198.51.100.{number}", True))) for number in range(2)]
    await turns.take_turn((7, True))  # whoever is known doesn't
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    turns.end_turn((addresses[0], True), 0.0)
    await waiting[1]
    assert not turns._waiting


async def test_who_always_has_requests_waiting_rests_as_long_as_they_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    turns = Admission(100)
    await turns.take_turn((7, False))
    waiting = asyncio.create_task(turns.take_turn((7, False)))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_later", lambda seconds, call, *given: (rests.append(seconds), call(*given)))
    await turns.take_turn((7, True))  # whose changes wait for a lock still reads
    second = asyncio.create_task(turns.take_turn((7, True)))
    await asyncio.sleep(0)
    assert not waiting.done(), "one change at once"
    assert not second.done(), "two at once"
    turns.end_turn((7, False), 0.03)
    await waiting
    turns.end_turn((7, True), 0.02)
    await second
    turns.end_turn((7, True), 0.01)  # nobody of theirs waits any more
    assert rests == [0.03, 0.02]


async def test_who_has_too_many_is_refused_after_a_pause_and_all_at_once_when_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paused: list[float] = []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr(admission.asyncio, "sleep", sleep)
    places = Admission(8)
    while places.enter(7):
        pass
    await places.pause(7)
    await places.pause(9)  # not for having too many: there is no pause
    while places.enter(8):
        pass
    while places.enter("192.0.2.1"):
        pass
    assert places.in_flight == 8
    await places.pause(7)
    assert len(paused) == 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 20)), max_size=80), st.integers(8, 40))
def test_no_sequence_of_requests_exceeds_a_bound_or_loses_a_place(steps, limit: int) -> None:
    admission = Admission(limit)
    for number in range(3):
        admission.found_good(b"token-%d" % number)
    inside: list[Any] = []
    for entering, credential, address in steps:
        if entering:
            caller = admission.caller(b"token-%d" % credential, f"192.0.2.{address}")
            if admission.enter(caller):
                inside.append(caller)
        elif inside:
            admission.leave(inside.pop())
        assert admission.in_flight == len(inside) <= limit
        assert sum(isinstance(caller, str) for caller in inside) <= limit * 3 / 4
        assert all(inside.count(caller) <= limit * 3 / 8 for caller in inside)
    for caller in inside:
        admission.leave(caller)
    assert admission.in_flight == 0
    assert admission.enter("192.0.2.1")


async def test_an_id_that_came_through_the_balancer_is_logged_beside_ours(
    demo: InProcessClient, capsys: pytest.CaptureFixture[str]
) -> None:
    through = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Request-Id": "admin-approved-0001"}
    answer = await demo.get("/api/demo/mine", headers=through)
    assert answer.headers["x-request-id"] != "admin-approved-0001"
    logged = capsys.readouterr().out
    assert "admin-approved-0001" in logged
    assert "203.0.113.9" in logged
    assert "198.51.100.7" not in logged  # whatever a caller wrote in front of what the balancer added
    inside = await demo.get("/api/demo/mine", headers={"X-Request-Id": "of-another-service"})
    assert inside.headers["x-request-id"] == "of-another-service"


async def answer_to(
    demo: InProcessClient, receive: Callable[[], Any], length: bytes = b"100"
) -> tuple[int, dict[str, Any]]:
    """The status and the body that a request gets whose own body comes from `receive`."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"test"), (b"content-type", b"application/json"), (b"content-length", length)]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
    }
    scope |= {"path": "/api/demo/things", "raw_path": b"/api/demo/things", "root_path": "", "query_string": b""}
    scope |= {"headers": headers, "client": ("127.0.0.1", 1), "server": ("test", 80)}
    app: Any = demo.app
    await app(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_a_body_that_never_ends_is_a_408(demo: InProcessClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.02)
    never = asyncio.Event()
    parts = [{"type": "http.request", "body": b'{"a":', "more_body": True}]

    async def receive() -> Any:
        if parts:
            return parts.pop()
        await never.wait()
        return None

    status, problem = await answer_to(demo, receive)
    assert (status, problem["type"]) == (408, "urn:gatehouse:problem:body-too-slow")


@pytest.mark.parametrize("came", [[{"type": "http.request", "body": b'{"a":', "more_body": True}], []])
async def test_a_caller_who_hangs_up_is_no_failure_of_ours(demo: InProcessClient, came: list[Any]) -> None:
    parts = [{"type": "http.disconnect"}, *came]

    async def receive() -> Any:
        return parts.pop()

    status, problem = await answer_to(demo, receive, b"100" if came else b"0")
    assert (status, problem["type"]) == (400, "urn:gatehouse:problem:incomplete")
    assert await count(demo, 'gatehouse_http_requests_total{method="POST",route="/api/demo/things"') == 1


async def test_only_good_answers_about_health_stay_out_of_the_log(
    demo: InProcessClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await demo.get("/health/live")).status_code == 200
    assert "/health/live" not in capsys.readouterr().out
    assert (await demo.post("/metrics")).status_code == 405
    assert "status=405" in capsys.readouterr().out


HOSTS = Hosts("https://gatehouse.example:8443", ["http://app.example"])


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("gatehouse.example", True),
        ("GATEHOUSE.example:8443", True),
        ("app.example", True),
        ("localhost:8400", True),
        ("127.0.0.1:8400", True),
        ("[::1]:8400", True),
        ("identity", True),
        ("", True),
        ("evil.example", False),
        ("gatehouse.example.evil.example", False),
        ("localhost:abc", False),
        ("a b", False),
        ("gatehouse.example:8443\n", False),
        ("evil.example@localhost", False),
    ],
)
def test_a_host_is_ours_or_one_that_no_site_can_have(host: str, ours: bool) -> None:
    assert HOSTS.are_ours(host.encode()) is ours
    assert HOSTS.are_ours(host.encode()) is ours  # remembered


@given(st.binary(max_size=40))
def test_no_host_makes_the_question_fail(host: bytes) -> None:
    assert HOSTS.are_ours(host) in (True, False)
