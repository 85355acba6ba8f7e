"""Images that no record could return to are deleted, and no other; against Debian's registry and played packages."""

import http.server
import json
import threading
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatehouse_ci.images.prune import CantPrune, Packages, needed, prune
from gatehouse_release.adapters.registry import Credentials, OciRegistry
from gatehouse_release.model import ObservedSet, Record, ReleaseChange
from gatehouse_release.ports import PortFailed
from gatehouse_release.records import next_id, render
from gatehouse_release.state import RepositoryState, read_state
from gatehouse_release.testing.docker_registry import DockerRegistry, docker_registry
from gatehouse_release.testing.in_memory import Release, release, tree

REPOSITORY = "institute/gatehouse"
NOW = datetime(2026, 11, 29, tzinfo=UTC)
POLICY = Path(__file__).parents[3] / "stacks" / "policy.yaml"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


class PlayedPackages:
    """What GitHub's packages API says of each image's versions; `status` other than 200: it refuses."""

    def __init__(self) -> None:
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.status, self.address = 200, ""

    def add(self, image: str, digest: str, days: int) -> None:
        made = (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")
        known = self.versions.setdefault(image, [])
        known.append(
            {"id": len(known) + 1, "name": digest, "created_at": made, "metadata": {"container": {"tags": []}}}
        )

    def digests(self, image: str) -> set[str]:
        return {one["name"] for one in self.versions.get(image, [])}


@pytest.fixture
def github() -> Generator[PlayedPackages]:
    played = PlayedPackages()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            assert path.startswith("/orgs/institute/packages/container/gatehouse%2F")
            image = path.split("%2F")[1].removesuffix("/versions")
            page = int(dict(one.split("=") for one in query.split("&"))["page"])
            self.reply(played.versions.get(image, [])[(page - 1) * 100 : page * 100])

        def do_DELETE(self) -> None:
            image, _, number = self.path.split("%2F")[1].partition("/versions/")
            kept = [one for one in played.versions[image] if str(one["id"]) != number.partition("?")[0]]
            played.versions[image] = kept
            self.reply(None)

        def reply(self, content: Any) -> None:
            self.send_response(played.status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        played.address = f"http://127.0.0.1:{listening.server_port}"
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield played
        listening.shutdown()


def record(environment: str, before: Release, after: Release, seen: Release) -> dict[str, str]:
    made = Record(
        id=next_id([], "", NOW),
        kind="promotion",
        environment=environment,
        by="eva",
        at=NOW,
        state="verified",
        services={"person": ReleaseChange(before=before, after=after)},
        seen=ObservedSet(at=NOW, releases={"person": seen}),
    )
    return {made.path: render(made)}


def state_of(*records: dict[str, str]) -> RepositoryState:
    texts = tree(POLICY.read_text(encoding="utf-8"), {"person": "people"})
    for one in records:
        texts |= one
    return read_state("r0", texts)


def test_what_any_record_could_return_to_is_needed():
    before, after, seen = (release("person", number) for number in (1, 2, 3))
    found = needed(state_of(record("production", before, after, seen)))
    assert found["person"] == {before.digest, after.digest, seen.digest}
    assert found["person-database"] == {one.database_digest for one in (before, after, seen)}


def test_a_record_that_cannot_be_read_keeps_everything():
    (path, text), *_ = record("dev", *[release("person", 1)] * 3).items()
    with pytest.raises(CantPrune, match="isn't known"):
        needed(state_of({path: text.replace("by: eva", "by: tim")}))


def test_only_what_is_old_and_needed_by_nobody_goes(server: DockerRegistry, github: PlayedPackages):
    kept, lost, fresh = (server.push(f"{REPOSITORY}/person", text=text) for text in ("kept", "lost", "fresh"))
    one = Release(tag="v1", digest=kept)
    with OciRegistry(f"{server.host}/{REPOSITORY}", credentials=Credentials(), first_wait=0) as registry:
        parts = registry.digests("person", kept)
        for digest in parts | registry.digests("person", lost):
            github.add("person", digest, days=90)
        github.add("person", fresh, days=2)
        for number in range(120):  # more than a page
            github.add("person", f"sha256:{number:064x}", days=31)
        state = state_of(record("test", one, one, one))
        packages, said = Packages("Institute/Gatehouse", "token", github.address), []

        def run(*, delete: bool) -> int:
            limit = timedelta(days=30)
            return prune(state, registry, packages, NOW, younger_than=limit, delete=delete, report=said.append)

        before = github.digests("person")
        count = run(delete=False)
        assert (count, github.digests("person")) == (len(before) - len(parts) - 1, before)
        assert said[0].startswith("would delete person@sha256:")
        assert run(delete=True) == count
        assert github.digests("person") == {*parts, fresh}
        github.status = 403
        with pytest.raises(PortFailed, match="packages: write"):
            run(delete=True)
