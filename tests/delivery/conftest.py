"""An institute that delivers, on this machine: a bare git remote, Debian's image registry, moto's ECS, the real ports.

What stands in for something: images are made by hand (no Docker), Pulumi is pulumi_stand_in.py, the black-box suite
is a script that says what a test wants, and the clock goes when it is told to.
"""

import contextlib
import shutil
from collections.abc import Collection, Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from boto3.session import Session

from gatehouse_catalog import find_root
from gatehouse_catalog.releases import UnitTests
from gatehouse_ci.affected import report
from gatehouse_db_manager.config.load import INCLUDED
from gatehouse_release.adapters import black_box, registry, webhook
from gatehouse_release.adapters.ecs import EcsRuntime
from gatehouse_release.adapters.pulumi_up import Deployer
from gatehouse_release.adapters.version_probe import DirectVersionProbe
from gatehouse_release.git.checkout import Checkout
from gatehouse_release.git.repository import GitRepository
from gatehouse_release.model import Action, Decision, PromotionRequest, Record, Release, Requester
from gatehouse_release.ports import BlackBoxSuite, Notices, Previews, Runtime
from gatehouse_release.preview import previewer
from gatehouse_release.promoter import Promoter, PromotionOutcome
from gatehouse_release.state import RepositoryState
from gatehouse_release.testing.checkout import commit, copied, with_remote, write
from gatehouse_release.testing.docker_registry import DockerRegistry, docker_registry
from gatehouse_release.testing.ecs import Ecs, moto_ecs

from .pulumi_stand_in import Engine, pulumi

ROOT = find_root()
CODE = "services/person/gatehouse_person/person/rules.py"
REPOSITORY = "institute/gatehouse"
# A Monday, ten in the morning where the policy's windows are.
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PEOPLE = {
    "ci": ["automation"],
    "eva": ["engineer"],
    "tim": ["tester"],
    "sam": ["sre"],
    "rita": ["release-manager"],
    "rolf": ["release-manager"],
    "rosa": ["release-manager"],
}
BLACK_BOX = "#!/bin/sh\ncat verdict\ngrep -q failed verdict && exit 1 || exit 0\n"

# Stands for GitHub's CLI, which asks GitHub: every image is attested but those in not-ours.
GH = """#!/bin/sh
case "$*" in
    "attestation verify oci://"*" --signer-workflow "*"/.github/workflows/build.yml --source-ref refs/heads/main") ;;
    *) echo "unexpected: $*" >&2; exit 1 ;;
esac
digest="${3##*@}"
if grep -qF "$digest" "$(dirname "$0")/not-ours"; then echo "Error: no attestations found" >&2; exit 1; fi
"""


class Clock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def pass_hours(self, hours: float) -> None:
        self.time += timedelta(hours=hours)


@dataclass(frozen=True)
class RealPorts:
    """All the real ports, as a run of `gate promote` has them."""

    repository: GitRepository
    registry: registry.OciRegistry
    runtime: Runtime
    previews: Previews
    black_box: BlackBoxSuite
    notices: Notices
    clock: Clock


@dataclass
class Institute:
    checkout: Checkout
    remote: Path
    images: DockerRegistry
    ecs: Ecs
    engine: Engine
    ports: RealPorts
    environ: dict[str, str]
    lines: list[str] = field(default_factory=list)
    built: int = 0

    @property
    def promoter(self) -> Promoter:
        return Promoter(self.ports, report=self.lines.append, patience=timedelta(0))

    @property
    def state(self) -> RepositoryState:
        return self.promoter.state()

    # What people do

    def merge(self, subject: str, **files: str) -> None:
        """Merges a change to main."""
        self.pull()
        commit(self.checkout, subject, **files)
        self.checkout.git("push", "--quiet", "--no-verify", "origin", "HEAD:main")

    def merge_move(self, subject: str, service: str, name: str = "") -> None:
        """Merges the removal of a service's folder, or another name for it."""
        self.pull()
        words = ["mv", f"services/{service}", f"services/{name}"] if name else ["rm", "-r", f"services/{service}"]
        self.checkout.git(words[0], "--quiet" if not name else "-k", *words[1:])
        if name:
            file = self.checkout.root / "services" / name / "service.toml"
            text = file.read_text().replace(f'name = "{service}"', f'name = "{name}"')
            file.write_text(text.replace(f'"{service}.', f'"{name}.'))  # its events have its name
        commit(self.checkout, subject)
        self.checkout.git("push", "--quiet", "--no-verify", "origin", "HEAD:main")

    @property
    def affected(self) -> list[str]:
        """The services that build.yml would build: those that differ from what is released to dev."""
        return report.since_release(self.checkout.root, "dev").services

    def merge_code(self) -> dict[str, Release]:
        """Merges a change of person's code, and builds it."""
        self.merge(f"Rule better (#{self.built + 1})", **{CODE: f"RULES = {self.built + 1}\n"})
        return self.build(["person"])

    def pull(self) -> None:
        self.checkout.git("fetch", "--quiet", "origin")
        self.checkout.git("reset", "--quiet", "--hard", "origin/main")

    def build(self, services: Iterable[str], failing: str = "") -> dict[str, Release]:
        """Pushes an image for two architectures of each service, and of its database, as build.yml does.

        The unit tests of all passed, but those of `failing`.
        """
        self.built += 1
        tag, head = f"v{self.built}", self.checkout.git("rev-parse", "HEAD")
        known = self.state.services
        made = {service: self._built(service, tag, head, known[service].has_database) for service in services}
        failed = UnitTests(passed=False, summary="2 failed, 31 passed")
        return {
            name: msgspec.structs.replace(one, unit_tests=failed) if name == failing else one
            for name, one in made.items()
        }

    def _built(self, service: str, tag: str, head: str, has_database: bool) -> Release:
        labels = {"org.opencontainers.image.revision": head, "org.opencontainers.image.version": tag}
        digests = {}
        for image in [service, f"{service}-database"] if has_database else [service]:
            digests[image] = self.images.push(f"{REPOSITORY}/{image}", text=f"{image} {tag}", labels=labels)
            self.ports.registry.tag(image, digests[image], tag)
        return Release(
            tag=tag,
            digest=digests[service],
            database_digest=digests.get(f"{service}-database"),
            commit=head,
            built_at=self.ports.clock.now().isoformat(),
            unit_tests=UnitTests(passed=True, summary="31 passed"),
        )

    def seen(self, action: Action, environment: str, **fields: Any) -> PromotionRequest:
        """A request whose preview was looked at."""
        request = PromotionRequest(action=action, environment=environment, **fields)
        if action in ("promote", "rollback", "approve", "apply", "accept-tests") and not request.fingerprint:
            fingerprint = self.promoter.preview(request).fingerprint
            request = msgspec.structs.replace(request, fingerprint=fingerprint)
        return request

    def ask(self, who: str, action: Action, environment: str, **fields: Any) -> PromotionOutcome:
        return self.run(self.seen(action, environment, **fields), who)

    def run(self, request: PromotionRequest, who: str) -> PromotionOutcome:
        return self.promoter.run(request, actor(who))

    def refused(self, request: PromotionRequest, who: str) -> Decision:
        """Runs what must be refused: `explain` says just the same, and nothing was written."""
        before = self.state.revision
        explained = self.promoter.explain(request, actor(who))
        decision = self.run(request, who).decision
        assert not decision.allowed
        assert decision.reasons == explained.reasons
        assert self.state.revision == before
        return decision

    def done(self, who: str, action: Action, environment: str, **fields: Any) -> Record:
        """The record of what must succeed."""
        outcome = self.ask(who, action, environment, **fields)
        assert outcome.ok, told(outcome) + str(
            [(s.state, s.why) for s in outcome.record.history] if outcome.record else ""
        )
        assert outcome.record
        return outcome.record

    def go_live(self, action: Action = "promote", **fields: Any) -> Record:
        """Proposed by one release manager, approved by two others, applied."""
        record = self.done("rita", action, "production", **fields)
        assert record.state == "proposed"
        for name in ("rolf", "rosa"):
            self.done(name, "approve", "production", record=record.id)
        return self.done("rita", "apply", "production", record=record.id)

    # What can be seen

    def agree(self, environment: str, **tags: str) -> None:
        """Stack file, what runs, environment tags and records all say that these releases are there, and no others."""
        state = self.state
        releases = state.releases[environment]
        assert {name: release.tag for name, release in releases.items()} == tags
        assert self.ecs.runs(environment) == {name: release.digest for name, release in releases.items()}
        for name, release in releases.items():
            assert self.ports.registry.digest(name, environment) == release.digest
            if release.database_digest:
                assert self.ports.registry.digest(f"{name}-database", environment) == release.database_digest
            assert self.ecs.answered(environment, name) == {release.digest}
        if releases:
            record = state.last_seen(environment)
            assert record is not None
            assert record.seen is not None
            assert record.seen.releases == releases
        assert not state.undecided(environment)

    # What goes wrong

    def fixed(self) -> None:
        self.engine.fix()
        self.ecs.answers.clear()
        self.black_box_says("12 passed in 0.10s")
        self.not_ours("none")

    def not_ours(self, digest: str) -> None:
        """`gh` finds no attestation of an image with this digest."""
        write(self.remote.parent / "bin" / "not-ours", digest + "\n")

    def black_box_says(self, verdict: str) -> None:
        write(self.checkout.root / "verdict", verdict + "\n")


def actor(name: str) -> Requester:
    return Requester(name=name, roles=frozenset(PEOPLE[name]))


def told(outcome: PromotionOutcome) -> str:
    return "\n".join(map(str, outcome.decision.reasons))


def rules_of(decision: Decision) -> set[str]:
    return {reason.rule for reason in decision.reasons}


@pytest.fixture(scope="module")
def institute(tmp_path_factory: pytest.TempPathFactory) -> Generator[Institute]:
    """A new institute with all services: nothing is built yet, nothing runs anywhere."""
    with an_institute(tmp_path_factory.mktemp("institute")) as made:
        yield made


@contextlib.contextmanager
def an_institute(folder: Path, services: Collection[str] = ()) -> Generator[Institute]:
    """With these services only, or all; the fewer, the quicker."""
    checkout = a_checkout(folder, services)
    with contextlib.ExitStack() as stack:
        images = stack.enter_context(docker_registry(folder / "images"))
        ecs = stack.enter_context(moto_ecs())
        engine = stack.enter_context(pulumi(folder / "bin"))
        write(folder / "bin" / "gh", GH)
        (folder / "bin" / "gh").chmod(0o755)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for key, value in ecs.environ.items():
            patch.setenv(key, value)
        patch.delenv("AWS_PROFILE", raising=False)
        yield put_together(folder, checkout, images, ecs, engine)


def put_together(folder: Path, checkout: Checkout, images: DockerRegistry, ecs: Ecs, engine: Engine) -> Institute:
    environ = {
        **ecs.environ,
        "PATH": f"{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "GATEHOUSE_REGISTRY": f"{images.host}/{REPOSITORY}",
        "GATEHOUSE_REMOTE": str(folder / "remote.git"),
    }
    remote = with_remote(checkout, folder / "remote.git")
    root, repository = checkout.root, GitRepository(str(remote), folder / "work")
    deployer = Deployer(root, repository, environ, poll=0.05)
    opened = registry.connect(root, environ)
    ports = RealPorts(
        repository=repository,
        registry=opened,
        runtime=EcsRuntime(Session(), deployer, repository, DirectVersionProbe(ecs.address)),
        previews=previewer.connect(root, environ, repository, lambda: opened),
        black_box=black_box.connect(root, environ),
        notices=webhook.connect(environ),
        clock=Clock(),
    )
    made = Institute(
        checkout=checkout, remote=remote, images=images, ecs=ecs, engine=engine, ports=ports, environ=environ
    )
    made.fixed()
    return made


def a_checkout(folder: Path, services: Collection[str]) -> Checkout:
    """This checkout's catalog, stack files, policy and database configuration; and some code to change."""
    root = folder / "checkout"
    for source in ROOT.glob("services/*/database"):
        shutil.copytree(source, root / source.relative_to(ROOT), ignore=shutil.ignore_patterns("test-data"))
    for shared in (Path("db-manager/types"), Path(INCLUDED)):
        shutil.copytree(ROOT / shared, root / shared)
    write(root / "stacks" / "policy.yaml", (ROOT / "stacks" / "policy.yaml").read_text(encoding="utf-8"))
    write(root / "local" / "test", BLACK_BOX)
    (root / "local" / "test").chmod(0o755)
    checkout = copied(ROOT, root)
    for file in root.glob("services/*/service.toml"):
        if services and file.parent.name not in services:
            shutil.rmtree(file.parent)
    ignored = (root / ".gitignore").read_text(encoding="utf-8")
    commit(checkout, "Ignore what the black-box suite says", **{".gitignore": f"{ignored}verdict\n"})
    return checkout
