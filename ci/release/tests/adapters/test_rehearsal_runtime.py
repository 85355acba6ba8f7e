"""The rehearsal's runtime: what an environment's checkout is put together from, and what runs by each service's word.

`gate up` is played; local/tests/runner/test_runner.py has the real one bring a platform from one set to the next.
"""

import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from gatehouse_catalog.laid_out import laid_out_in
from gatehouse_catalog.releases import Release
from gatehouse_release.adapters import rehearsal_runtime
from gatehouse_release.adapters.rehearsal import EDGE_PORT, Rehearsal, RehearsalSettings
from gatehouse_release.adapters.rehearsal_runtime import RehearsalRuntime
from gatehouse_release.git.checkout import Checkout
from gatehouse_release.model import Requester
from gatehouse_release.ports import DeployFailed
from gatehouse_release.stack_file import set_releases
from gatehouse_release.testing.checkout import commit
from gatehouse_release.testing.in_memory import STACK, MemoryRepository, digest

ANYBODY = Requester(name="anybody")
PATH = "stacks/Pulumi.dev.yaml"


class VersionEndpoint(BaseHTTPRequestHandler):
    """A service's /version, and an edge's health, on one port."""

    digest = ""

    def do_GET(self) -> None:
        body = json.dumps({"service": "person", "image_digest": self.digest}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Generator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), VersionEndpoint)
    threading.Thread(target=server.serve_forever, args=(0.02,)).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_an_environment_is_put_together_from_each_releases_commit_and_its_services_say_what_runs(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
):
    toml = f'name = "person"\nport = {EDGE_PORT}\n'
    git = Checkout(tmp_path)
    git.git("init", "--quiet", "--initial-branch", "main")
    for key, value in (("user.email", "a@example.org"), ("user.name", "A"), ("commit.gpgsign", "false")):
        git.git("config", key, value)
    files = {"pyproject.toml": "", "db-manager/x": "", "services/catalog/x": "", "services/chassis/x": ""}
    first = commit(git, "One", **files, **{"services/person/service.toml": toml, "services/person/a.py": "one"})
    second = commit(git, "Two", **{"services/person/a.py": "two"})
    rehearsal = Rehearsal(tmp_path)
    git.git("clone", "--quiet", "--bare", str(tmp_path), str(rehearsal.remote))
    rehearsal.settings = RehearsalSettings(offsets={"dev": port - EDGE_PORT}, seeded=True)
    repository = MemoryRepository({PATH: STACK, "services/person/service.toml": toml})
    runtime, ups = RehearsalRuntime(rehearsal, repository), []
    code = 0

    def gate(_: Rehearsal, *words: str, patience: float) -> "CompletedProcess[str]":
        ups.append(words)
        return CompletedProcess(words, code, "", "person isn't healthy")

    monkeypatch.setattr(rehearsal_runtime, "gate", gate)

    def released(sha: str, number: int) -> str:
        one = Release(tag=f"v{number}", digest=digest(f"person {number}"), commit=sha, built_at=f"2026-11-2{number}")
        revision, tree = repository.read()
        return repository.push(revision, {PATH: set_releases(tree[PATH], {"person": one}, PATH)}, "Release", ANYBODY)

    for sha, number, text in ((first, 1, "one"), (second, 2, "two"), (first, 1, "one")):
        runtime.deploy("dev", released(sha, number))
        assert (rehearsal.checkout("dev") / "services" / "person" / "a.py").read_text() == text
        laid_out = laid_out_in(rehearsal.state("dev"))
        assert laid_out is not None
        assert laid_out.services["person"].code == str(rehearsal.files_of(sha))
    assert {words[0] for words in ups} == {"up"}
    VersionEndpoint.digest = digest("person 1")
    running = runtime.running("dev", "person")
    assert running is not None
    assert (running.digest, running.answered) == (digest("person 1"), (digest("person 1"),))
    VersionEndpoint.digest = digest("person 2")
    running = runtime.running("dev", "person")
    assert running is not None
    assert running.answered != (running.digest,), "what runs is what the service says"
    assert runtime.running("dev", "topics") is None
    code = 1
    with pytest.raises(DeployFailed, match="person isn't healthy"):
        runtime.deploy("dev", released(second, 2))
