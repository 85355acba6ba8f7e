import asyncio
import gzip
import io
import itertools
import json
import os
import signal
import socket

import aiohttp
import pytest

from gatehouse_local.runner import edge
from gatehouse_local.runner.edge import Route, RouteTable, is_internal, serving
from gatehouse_local.runner.process import spawn


def table(**paths) -> RouteTable:
    made = RouteTable([Route(service=name, path=path, targets=[f"http://{name}"]) for name, path in paths.items()])
    for target in made.targets:
        target.ready = True
    return made


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/person", "person"),
        ("/api/person/people/1", "person"),
        ("/api/personal", "portal"),
        ("/api/person/notes", "notes"),
        ("/", "portal"),
        ("/anything", "portal"),
    ],
)
def test_the_longest_path_of_whole_segments_wins(path, service):
    route = table(portal="/", person="/api/person", notes="/api/person/notes").route(path)
    assert route is not None
    assert route.service == service


def test_what_nobody_serves_has_no_route():
    assert table(person="/api/person").route("/other") is None


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/health/ready", "//metrics", "/./config", "/%6detrics", "/%256detrics", "/Metrics", "/version"],
)
def test_what_is_for_the_inside_is_seen_however_it_is_spelled(path):
    assert is_internal(path)


@pytest.mark.parametrize("path", ["/", "/api/person/health", "/healthy", "/people/metrics"])
def test_other_paths_are_not_for_the_inside(path):
    assert not is_internal(path)


def test_requests_take_turns_among_ready_targets():
    made = RouteTable([Route(service="person", path="/", targets=["http://a", "http://b", "http://c"])])
    [route] = [made.route("/")]
    assert route is not None
    assert made.turns(route) == []
    for target in made.targets:
        target.ready = target.url != "http://b"
    assert [made.turns(route)[0].url for _ in range(4)] == ["http://a", "http://c", "http://a", "http://c"]


class Site:
    """An edge in front of real processes."""

    def __init__(self, folder, command, ports):
        self.folder, self.command, self.ports = folder, command, ports
        self.children = []
        self.url = ""

    async def start(self, count=1, **environment) -> list[str]:
        targets = []
        for port in self.ports(count):
            given = {"GATEHOUSE_PORT": str(port), **{key: str(value) for key, value in environment.items()}}
            child = spawn(self.command, environment=given, folder=self.folder, on_lines=lambda _: None)
            self.children.append(child)
            await asyncio.wait([child.ready, child.exited], timeout=30, return_when=asyncio.FIRST_COMPLETED)
            assert child.ready.done(), f"no target became ready on port {port} within 30 s"
            targets.append(f"http://127.0.0.1:{port}")
        return targets

    def edge(self, targets, path="/api/person"):
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return serving([Route(service="person", path=path, targets=targets)], listener)


@pytest.fixture
async def site(tmp_path, fake_command, free_ports):
    site = Site(tmp_path, fake_command, free_ports)
    yield site
    for child in site.children:
        await child.stop(0.2)


@pytest.fixture
async def client():
    async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(30)) as session:
        yield session


async def test_a_request_is_passed_on_with_its_host_and_sender(site, client):
    async with site.edge(await site.start()):
        asked = client.get(
            f"{site.url}/api/person/x?y=%2F", headers={"Host": "institute.example", "X-Forwarded-For": "9.9.9.9"}
        )
        async with asked as answer:
            assert answer.status == 200
            assert answer.headers["X-Seen-Host"] == "institute.example"
            assert answer.headers["X-Seen-For"] == "9.9.9.9, 127.0.0.1"


async def test_a_body_that_services_would_refuse_is_refused_at_once(site, client):
    async with (
        site.edge(await site.start()),
        client.post(f"{site.url}/api/person", data=io.BytesIO(os.urandom(1_000_001))) as answer,
    ):
        assert answer.status == 413
        assert answer.content_type == "application/problem+json"


async def test_a_form_with_a_file_may_be_larger(site, client):
    """A bank's year is some ten megabytes; the page that takes it says how much it reads."""
    form = aiohttp.FormData({"account": "1"})
    form.add_field("file", io.BytesIO(os.urandom(2_000_000)), filename="bank.csv")
    async with site.edge(await site.start()), client.post(f"{site.url}/api/person", data=form) as answer:
        assert answer.status == 200


async def test_bodies_are_streamed_both_ways(site, client):
    big = os.urandom(900_000)
    async with site.edge(await site.start()):
        async with client.post(f"{site.url}/api/person", data=io.BytesIO(big)) as answer:
            assert await answer.read() == big
        async with client.get(f"{site.url}/api/person/count") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("body", [gzip.compress(b'{"a": 1}', mtime=0), b"not gzip at all"])
async def test_a_compressed_body_is_passed_on_as_it_is(site, client, body):
    """Unpacked under its old Content-Length, both sides waited for the rest for ever."""
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with (
        site.edge(await site.start()),
        client.post(f"{site.url}/api/person", data=body, headers=headers, compress=False) as answer,
    ):
        assert (answer.status, await answer.read()) == (200, body)


async def test_a_body_that_never_comes_is_a_408(site, monkeypatch):
    monkeypatch.setattr(edge, "BODY_SECONDS", 0.05)
    async with site.edge(await site.start()):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))
        writer.write(b"POST /api/person HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        async with asyncio.timeout(60):
            assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_service_that_says_nothing_is_a_504(site, client, monkeypatch):
    monkeypatch.setattr(edge, "IDLE_SECONDS", 0.2)
    silent = socket.create_server(("127.0.0.1", 0))  # accepts, and never answers
    async with site.edge([f"http://127.0.0.1:{silent.getsockname()[1]}"]) as routes:
        routes.targets[0].ready = True
        async with client.get(f"{site.url}/api/person") as answer:
            # A probe may have found it unready in between: never a wait without end.
            assert answer.status in (503, 504)
    silent.close()


async def test_the_inside_is_not_routed_even_where_the_portal_takes_everything(site, client):
    async with site.edge(await site.start(), path="/"):
        for path in ("/health/ready", "/metrics", "/config", "/%6detrics"):
            async with client.get(f"{site.url}{path}") as answer:
                assert answer.status == 404
                assert answer.content_type == "application/problem+json"
                assert (await answer.json(content_type=None))["title"] == "Not Found"


async def test_nobody_ready_is_a_503_problem(site, client, tmp_path):
    away = tmp_path / "away"
    away.touch()
    async with site.edge(await site.start(FAKE_UNREADY=away)):
        async with client.get(f"{site.url}/api/person") as answer:
            assert answer.status == 503
            assert (await answer.json(content_type=None))["detail"] == "No process of person is ready."
        away.unlink()
        async with client.get(f"{site.url}/api/person") as answer:
            assert answer.status == 200


async def test_the_edge_tells_its_own_health(site, client):
    async with site.edge(targets := await site.start()), client.get(f"{site.url}/__edge/health") as answer:
        assert list(json.loads(await answer.read())["targets"]) == targets


async def test_a_target_that_dies_is_passed_over(site, client):
    targets = await site.start(2)
    async with site.edge(targets):
        await _pids(site, client, 4)
        dead = site.children[0]
        dead.signal(signal.SIGKILL)
        await dead.exited
        assert await _pids(site, client, 6) == {site.children[1].pid}


async def _pids(site, client, count) -> set[int]:
    found = set()
    for _ in range(count):
        async with client.get(f"{site.url}/api/person") as answer:
            assert answer.status == 200, await answer.text()
            found.add(int((await answer.text()).split()[0]))
    return found


async def test_a_target_may_end_under_load_without_a_failed_request(site, client):
    targets = await site.start(2, FAKE_DELAY=0.01)
    async with site.edge(targets):
        statuses = []
        stop = asyncio.Event()

        async def visit():
            for number in itertools.count():
                if stop.is_set():
                    return
                method = client.get if number % 2 else client.put
                async with method(f"{site.url}/api/person") as answer:
                    statuses.append(answer.status)

        visitors = [asyncio.create_task(visit()) for _ in range(8)]
        while len(statuses) < 100:
            await asyncio.sleep(0.01)
        site.children[0].signal(signal.SIGTERM)
        before = len(statuses)
        while len(statuses) < before + 300:
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*visitors)
        assert set(statuses) == {200}


async def test_a_request_that_may_have_been_done_is_not_repeated(client, free_ports):
    asked = []

    async def hang_up(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[0])
        if b"/health/ready" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    [port] = free_ports(1)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    routes = [Route(service="person", path="/", targets=[f"http://127.0.0.1:{port}"])]
    async with await asyncio.start_server(hang_up, "127.0.0.1", port), serving(routes, listener):
        async with client.post(url, data=b"x") as answer:
            assert answer.status == 502
        assert asked.count(b"POST") == 1
        async with client.put(url, data=b"x") as answer:
            assert answer.status == 502
        assert asked.count(b"PUT") >= 2
