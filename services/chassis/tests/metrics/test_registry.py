"""What a service counts: bounded whatever it is sent, and written as prometheus-client itself would."""

import random
import re
import string
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar, get, post
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.http.guards import public, signed_in
from gatehouse_chassis.metrics.pg_sessions import PgSessions
from gatehouse_chassis.metrics.registry import Metrics
from gatehouse_chassis.testing import InProcessClient, serving

SERVICE = 'name = "demo"\ndomain = "demo"\nsummary = "Counts"\npath = "/api/demo"\nport = 8499\n'
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
ODD_REQUESTS = [1_000, pytest.param(10_000, marks=pytest.mark.deep)]
HANDFUL = 10


@get("/things/{identity:uuid}", guards=[public], operation_id="GetThing", sync_to_thread=False)
def read_thing(identity: UUID) -> dict[str, str]:
    return {"id": str(identity)}


@post("/things", guards=[signed_in], operation_id="CreateThing", sync_to_thread=False)
def create_thing() -> dict[str, str]:
    return {}


def create(service: ServiceContext) -> Litestar:
    return create_app(service, [read_thing, create_thing])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("services") / "demo"
    folder.mkdir()
    (folder / "service.toml").write_text(SERVICE)
    return folder


@pytest.fixture(scope="module")
async def demo(folder: Path) -> AsyncIterator[InProcessClient]:
    async with serving("demo", create, folder=folder) as client:
        yield client


async def series(demo: InProcessClient) -> set[str]:
    """Every series by name and labels."""
    text = (await demo.get("/metrics")).text
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def odd(chance: random.Random) -> dict[str, Any]:
    """An ASGI scope of what scanners, broken clients and curious people send."""

    def word(least: int = 1, most: int = 24) -> str:
        return "".join(chance.choices(string.ascii_letters + string.digits + "._~-%é", k=chance.randint(least, most)))

    path = chance.choice(
        [
            lambda: "/" + "/".join(word() for _ in range(chance.randint(1, 5))),
            lambda: f"/api/demo/things/{UUID(int=chance.getrandbits(128))}",
            lambda: f"/api/demo/things/{word()}",
            lambda: f"/api/demo/{word()}",
            lambda: chance.choice(
                ["/wp-login.php", "/.env", "//", "/api/demo/things", "/health", "/metrics/" + word()]
            ),
            lambda: "/api/demo/things/" + word(2_000, 60_000),
            lambda: f"/{word()}\ufffd\x00\r\n",  # as a server decodes %ff, which isn't UTF-8
        ]
    )()
    method = chance.choice(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", word(3, 9)])
    headers = [(b"host", word().encode()), (b"x-request-id", word(1, 80).encode()), (b"traceparent", word().encode())]
    headers += [(word().lower().encode(), word().encode()), (b"authorization", f"Bearer {word()}".encode())]
    headers += [(b"origin", word().encode("latin-1", "replace") + b"\xff")] * chance.randint(0, 1)
    return {
        "type": "http",
        "http_version": chance.choice(["1.0", "1.1", "2"]),
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode() + chance.choice([b"", b"\xff\xfe"]),
        "query_string": f"{word()}={word()}".encode() + chance.choice([b"", b"&\xff"]),
        "root_path": "",
        "headers": headers,
        "server": ("test", 80),
        "client": (f"10.0.{chance.randrange(256)}.{chance.randrange(256)}", 1),
        "extensions": {},
    }


@pytest.mark.parametrize("count", ODD_REQUESTS)
async def test_thousands_of_odd_requests_add_a_handful_of_series(demo: InProcessClient, count: int):
    await demo.get(f"/api/demo/things/{UUID(int=7)}")  # each route has done its usual work once
    await demo.post("/api/demo/things", headers=demo.tokens.headers("member"))
    await demo.get("/metrics")
    before = await series(demo)
    chance = random.Random(6)
    answered: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    for _ in range(count):
        await demo.app(odd(chance), receive, send)  # ty: ignore[invalid-argument-type] - a scope is a dict
    assert len(answered) == count
    assert {404, 405, 401} <= set(answered)
    assert 500 not in answered
    added = await series(demo) - before
    assert len(added) <= HANDFUL, "\n".join(sorted(added))


async def test_a_websocket_that_no_route_has_is_refused_and_counted_nowhere(demo: InProcessClient):
    before = await series(demo)
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        told.append(message["type"])

    for number in range(20):
        path = {"path": f"/things/{number}", "raw_path": b"/things", "query_string": b"", "headers": []}
        scope = {"type": "websocket", "scheme": "ws", "root_path": "", "subprotocols": [], "extensions": {}, **path}
        await demo.app(scope, receive, send)  # ty: ignore[invalid-argument-type] - a scope is a dict
    assert set(told) == {"websocket.close"}
    assert await series(demo) == before


async def test_what_no_route_answers_is_one_series_a_status(demo: InProcessClient):
    await demo.request("BREW", "/coffee")
    await demo.delete("/api/demo/things")
    found = {one for one in await series(demo) if 'route="unmatched"' in one}
    assert all(one.startswith("gatehouse_http_requests_total{") and 'method="other"' in one for one in found)
    statuses = [match[1] for one in found if (match := re.search(r'status="(\d+)"', one))]
    assert len(statuses) == len(set(statuses))
    assert {"404", "405"} <= set(statuses)


def test_the_text_is_the_librarys_own_byte_for_byte(folder: Path):
    metrics = Metrics(ServiceContext.load(folder, {"GATEHOUSE_ENVIRONMENT": "test", "GATEHOUSE_VERSION": 'a"b\\c\nd'}))
    chance = random.Random(6)
    for number in range(300):
        route = f"/things{number % 20}/{{id:uuid}}"
        metrics.traffic.answered("GET", route, chance.choice([200, 404]), chance.expovariate(5), f"{number:032x}")
    metrics.watch_pool(lambda: (3, 1, 0, 4), lambda: (10**12, 2, 0.1 + 0.2, 0, 1, 5))
    metrics.saw_database([("thing", "1.0.0.1"), ("other", "2.1.0.0")], unmet=1)
    for _ in range(2):  # the second time from what was kept
        ours, media_type = metrics.render(OPENMETRICS)
        assert stable(ours) == stable(generate_latest(metrics.registry))
        assert list(text_string_to_metric_families(ours.decode()))
        assert media_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        metrics.traffic.answered("POST", "/things1/{id:uuid}", 201, 3e-7)


def stable(text: bytes) -> list[str]:
    """Without what grows between two looks: what this process uses, and the age of an open transaction."""
    grows = r"process_(cpu|resident|virtual|open)|gatehouse_db_open_transaction_seconds{"
    return [line for line in text.decode().splitlines() if not re.match(grows, line)]


def test_sessions_in_postgresql_are_shown_by_what_they_do(folder: Path):
    metrics = Metrics(ServiceContext.load(folder, {"GATEHOUSE_ENVIRONMENT": "test"}))
    seen: list[PgSessions] = []
    metrics.watch_sessions(lambda: seen[-1] if seen else None)
    assert b"gatehouse_db_sessions" not in metrics.render()[0]
    seen.append(
        PgSessions(
            active=1,
            idle=4,
            idle_in_transaction=0,
            waiting_for_lock=2,
            oldest_transaction_seconds=1.5,
            blocks_cached=90,
            blocks_read=10,
            deadlocks=0,
            open_transactions=["3/7", "4/2 writes"],
        )
    )
    text = metrics.render()[0].decode()
    assert re.search(r'gatehouse_db_sessions\{service="\w+",state="waiting_for_lock"\} 2.0', text)
    assert re.search(r'gatehouse_db_open_transaction_seconds\{kind="writing",service="\w+"\} \d', text)
    assert re.search(r'gatehouse_db_blocks_total\{found="disk",service="\w+"\} 10.0', text)
    ours, _ = metrics.render(OPENMETRICS)
    assert stable(ours) == stable(generate_latest(metrics.registry))


PROCESS = """
import os, resource, sys
from prometheus_client import CollectorRegistry, ProcessCollector
registry = CollectorRegistry()
ProcessCollector(registry=registry)
def look():
    return [registry.get_sample_value("process_" + name) for name in
        ("open_fds", "resident_memory_bytes", "max_fds", "start_time_seconds")]
before = look()
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)], b"x" * 50_000_000
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
after = look()
print(after[0] - before[0] == 20, after[1] - before[1] > 45e6, after[2] == 100, after[3])
"""


def test_a_process_is_shown_as_it_is():
    """What alerts on descriptors, memory and restarts read: moved in a process of its own, and in the next."""
    first, second = [
        subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    ]
    assert first[:3] == second[:3] == ["True"] * 3
    assert float(second[3]) >= float(first[3]) > time.time() - 600
