"""The GitHub port against a server on loopback that speaks the shapes GitHub documents. GitHub itself isn't asked."""

import http.server
import json
import threading
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gatehouse_release.adapters import github
from gatehouse_release.adapters.github import GitHub
from gatehouse_release.ports import NotConfigured, PortFailed

ROOT = "/repos/institute/gatehouse"


class Server:
    """Answers by path; `asked` is what came."""

    def __init__(self, server: http.server.ThreadingHTTPServer) -> None:
        self.address = f"http://127.0.0.1:{server.server_port}"
        self.answers: dict[str, Any] = {}
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, str, dict[str, list[str]], Any]] = []


@pytest.fixture
def server() -> Generator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            assert self.headers["authorization"] == "Bearer token"
            assert self.headers["x-github-api-version"] == "2022-11-28"
            fake.asked.append((self.command, parts.path, parse_qs(parts.query), json.loads(body) if body else None))
            found = fake.answers.get(parts.path)
            answer = found(parse_qs(parts.query)) if callable(found) else found
            self.send_response(204 if answer is None and fake.status == 200 else fake.status)
            for key, value in fake.headers.items():
                self.send_header(key, value)
            self.end_headers()
            if answer is not None:
                self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        fake = Server(listening)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield fake
        listening.shutdown()


@pytest.fixture
def hub(server: Server, tmp_path: Path) -> Generator[GitHub]:
    environ = {"GITHUB_TOKEN": "token", "GITHUB_REPOSITORY": "institute/gatehouse", "GITHUB_API_URL": server.address}
    opened = github.connect(tmp_path, environ)
    yield opened
    opened.close()


def test_a_workflow_is_started_on_main_with_its_forms_inputs(server: Server, hub: GitHub):
    hub.dispatch("promote.yml", {"environment": "test", "domain": "people"})
    (asked,) = server.asked
    body = {"ref": "main", "inputs": {"environment": "test", "domain": "people"}}
    assert asked == ("POST", f"{ROOT}/actions/workflows/promote.yml/dispatches", {}, body)


def test_runs_say_how_they_do(server: Server, hub: GitHub):
    run = {
        "id": 1,
        "html_url": "https://github.com/institute/gatehouse/actions/runs/1",
        "display_title": "Promote",
        "status": "completed",
        "conclusion": "failure",
        "created_at": "2026-11-23T09:00:00Z",
    }
    going = {**run, "id": 2, "status": "in_progress", "conclusion": None}
    server.answers[f"{ROOT}/actions/workflows/promote.yml/runs"] = {"workflow_runs": [going, run]}
    since = datetime(2026, 11, 23, 8, tzinfo=UTC)
    found = hub.runs("promote.yml", since)
    assert [(one.id, one.status, one.conclusion) for one in found] == [
        (2, "in_progress", ""),
        (1, "completed", "failure"),
    ]
    assert server.asked[0][2]["created"] == [">=2026-11-23T08:00:00+00:00"]


def test_pull_requests_between_two_commits_are_each_named_once(server: Server, hub: GitHub):
    """Over two pages; one commit came without a pull request, one with a pull request that was never merged."""

    def compare(query: dict[str, list[str]]) -> dict[str, Any]:
        numbers = range(100) if query["page"] == ["1"] else range(100, 103)
        return {"commits": [{"sha": f"c{number}"} for number in numbers]}

    def pull(number: int, merged: str | None = "2026-11-23T09:00:00Z") -> dict[str, Any]:
        url = f"https://github.com/institute/gatehouse/pull/{number}"
        return {
            "number": number,
            "title": f"Change {number}",
            "user": {"login": "sunita"},
            "html_url": url,
            "merged_at": merged,
        }

    server.answers[f"{ROOT}/compare/a...b"] = compare
    server.answers |= {f"{ROOT}/commits/c{number}/pulls": [] for number in range(103)}
    server.answers |= {
        f"{ROOT}/commits/c0/pulls": [pull(7)],
        f"{ROOT}/commits/c1/pulls": [pull(7)],
        f"{ROOT}/commits/c2/pulls": [pull(9, None)],
        f"{ROOT}/commits/c102/pulls": [pull(8)],
    }
    found = hub.pull_requests("a", "b")
    assert [(one.number, one.title, one.by) for one in found] == [(7, "Change 7", "sunita"), (8, "Change 8", "sunita")]


@pytest.mark.parametrize(
    ("status", "headers", "fix"),
    [
        (401, {}, "still valid"),
        (403, {}, "give the token the permission"),
        (403, {"x-ratelimit-remaining": "0", "retry-after": "30"}, "wait 30 s"),
        (404, {}, "is it there on main"),
        (422, {}, "has other inputs"),
        (500, {}, "try again"),
    ],
)
def test_what_github_refuses_is_told_with_what_to_do(
    server: Server, hub: GitHub, status: int, headers: dict[str, str], fix: str
):
    server.status, server.headers = status, headers
    server.answers[f"{ROOT}/actions/workflows/promote.yml/dispatches"] = {"message": "Bad"}
    with pytest.raises(PortFailed, match=rf"GitHub refuses POST .*: {status} Bad\. .*{fix}"):
        hub.dispatch("promote.yml", {})


def test_a_github_that_is_not_there_is_told(tmp_path: Path):
    hub = GitHub("institute/gatehouse", "token", "http://127.0.0.1:1")
    with pytest.raises(PortFailed, match="GitHub can't be asked"):
        hub.dispatch("promote.yml", {})
    hub.close()


def test_without_a_token_nothing_is_asked(tmp_path: Path):
    with pytest.raises(NotConfigured, match="set GITHUB_TOKEN"):
        github.connect(tmp_path, {})
