"""The real git: many promoters at once against one bare remote, pushes rejected at random, crashes, stale locks."""

import random
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from gatehouse_release.git.repository import GitRepository
from gatehouse_release.model import PromotionRequest, Requester
from gatehouse_release.ports import Moved, PortFailed
from gatehouse_release.promoter import Promoter
from gatehouse_release.state import read_state
from gatehouse_release.testing.in_memory import MemoryPorts, release, tree

from ..conftest import ROOT, SERVICES, World, releases_in

EVA = Requester(name="eva", roles=frozenset({"engineer"}))
POLICY = (ROOT / "stacks" / "policy.yaml").read_text()
# A quarter of the pushes are refused though nothing moved, as by a remote that is out of breath.
OUT_OF_BREATH = "#!/bin/sh\n[ $(($(od -An -N1 -tu1 /dev/urandom) % 4)) -ne 0 ]\n"
PROMOTERS = [10, pytest.param(50, marks=pytest.mark.deep)]


def git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    return subprocess.run(["git", *arguments], cwd=folder, input=given, capture_output=True, check=True).stdout.decode()


def bare_remote(folder: Path, texts: Mapping[str, str]) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", ".")
    stream = "commit refs/heads/main\ncommitter x <x@example.org> 1700000000 +0000\ndata 5\nBegin\n"
    for path, text in texts.items():
        stream += f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
    git(folder, "fast-import", "--quiet", given=stream.encode())
    return folder


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return bare_remote(tmp_path / "remote.git", tree(POLICY, SERVICES))


def ports_at(remote: Path, work: Path, shared: MemoryPorts | None = None) -> MemoryPorts:
    """Ports with the real git; the others in memory, and shared between promoters."""
    ports = MemoryPorts({}, releases_in)
    ports.repository = GitRepository(str(remote), work)
    if shared:
        ports.registry, ports.runtime, ports.previews = shared.registry, shared.runtime, shared.previews
    else:
        ports.runtime.repository = GitRepository(str(remote), work.with_name("runtime.git"))
    return ports


def test_a_release_goes_live_through_the_real_git(remote: Path, tmp_path: Path):
    world = World(ports_at(remote, tmp_path / "work.git"))
    world.live()
    assert set(world.tags("production").values()) == {"v1"}
    log = git(remote, "log", "--format=%an %s", "main")
    assert "rolf Approve 5 services to production" in log
    assert git(remote, "fsck", "--strict") == ""


def test_a_push_onto_an_old_head_is_told(remote: Path, tmp_path: Path):
    one, other = (GitRepository(str(remote), tmp_path / name) for name in ("one.git", "other.git"))
    revision, _ = one.read()
    other.push(revision, {"stacks/a.yaml": "a: 1\n"}, "First", EVA)
    with pytest.raises(Moved):
        one.push(revision, {"stacks/b.yaml": "b: 1\n"}, "Second", EVA)
    _, texts = one.read()
    assert "stacks/a.yaml" in texts
    assert "stacks/b.yaml" not in texts


def test_a_remote_that_forbids_the_push_is_named_with_its_words(remote: Path, tmp_path: Path):
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed' >&2\nexit 1\n")
    hook.chmod(0o755)
    repository = GitRepository(str(remote), tmp_path / "work.git")
    with pytest.raises(PortFailed, match=r"refuses a push to main.*GH006.*Nothing was changed"):
        repository.push(repository.read()[0], {"stacks/a.yaml": "a: 1\n"}, "First", EVA)


def test_lock_files_of_a_crashed_run_dont_stop_the_next(remote: Path, tmp_path: Path):
    repository = GitRepository(str(remote), tmp_path / "work.git")
    revision, _ = repository.read()
    for stale in ("HEAD.lock", "refs/gatehouse/head.lock", "refs/gatehouse/next.lock", "packed-refs.lock"):
        (tmp_path / "work.git" / stale).touch()
    pushed = repository.push(revision, {"stacks/a.yaml": "a: 1\n"}, "First", EVA)
    assert repository.read()[0] == pushed


def test_a_push_whose_answer_was_lost_isnt_done_twice(remote: Path, tmp_path: Path):
    world = World(ports_at(remote, tmp_path / "work.git"))
    real, lost = world.ports.repository.push, iter([True])

    def push(*arguments: object) -> str:
        revision = real(*arguments)
        if next(lost, False):
            raise Moved("the connection broke after the push")
        return revision

    world.ports.repository.push = push
    assert world.merge(person=1).ok
    assert len(world.state.of("dev")) == 1


@pytest.mark.parametrize("count", PROMOTERS)
def test_many_promoters_at_once_lose_nothing_and_tear_nothing(tmp_path: Path, count: int):
    """From two machines, each releases one or two services to dev as one set; many want the same. Some crash."""
    services = {f"s{number:02d}": f"d{number % 4}" for number in range(30)}
    remote = bare_remote(tmp_path / "remote.git", tree(POLICY, services))
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(OUT_OF_BREATH)
    hook.chmod(0o755)
    shared = ports_at(remote, tmp_path / "shared.git")
    machines = [GitRepository(str(remote), tmp_path / f"machine-{number}.git") for number in range(2)]
    chance = random.Random(5)
    crashed: list[int] = []
    ended: list[int] = []

    def promote(number: int, names: list[str], crash_after: int | None) -> None:
        ports = ports_at(remote, tmp_path / "unused.git", shared)
        ports.repository = _Crashing(machines[number % 2], crash_after)
        promoter = Promoter(ports)
        releases = {name: release(name, number) for name in names}
        actor = Requester(name=f"p{number}", roles=frozenset({"engineer"}))
        try:
            while True:
                request = PromotionRequest(action="promote", environment="dev", releases=releases)
                shown = promoter.preview(request).fingerprint
                request = PromotionRequest(action="promote", environment="dev", releases=releases, fingerprint=shown)
                outcome = promoter.run(request, actor)
                if outcome.decision.allowed:
                    assert outcome.ok
                    ended.append(number)
                    return
                assert {reason.rule for reason in outcome.decision.reasons} <= {"preview-stale", "being-promoted"}
        except Crash:
            crashed.append(number)

    threads = []
    for number in range(1, count + 1):
        names = chance.sample(sorted(services), chance.randint(1, 2))
        for name in names:
            shared.registry.add(name, release(name, number))
        crash_after = chance.choice([None, None, 0, 1, 2])
        threads.append(threading.Thread(target=promote, args=(number, names, crash_after), daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert len(ended) + len(crashed) == count
    Promoter(ports_at(remote, tmp_path / "after.git", shared)).resume(EVA)
    _assert_nothing_lost(remote, tmp_path / "look.git", ended)


class Crash(BaseException):
    """The process ends here; nothing below it catches this."""


class _Crashing:
    """A repository that ends the process after that many pushes have arrived."""

    def __init__(self, real: GitRepository, after: int | None) -> None:
        self.read, self.turn, self.contains, self.real = real.read, real.turn, real.contains, real
        self.after, self.arrived = after, 0

    def push(self, revision: str, edits: Mapping[str, str | None], message: str, actor: Requester) -> str:
        pushed = self.real.push(revision, edits, message, actor)
        if self.arrived == self.after:
            raise Crash
        self.arrived += 1
        return pushed


def _assert_nothing_lost(remote: Path, work: Path, ended: list[int]) -> None:
    repository = GitRepository(str(remote), work)
    state = read_state(*repository.read())
    records = sorted(state.of("dev"), key=lambda record: record.history[-1].at)
    assert {record.state for record in records} == {"verified"}
    assert {f"p{number}" for number in ended} <= {record.by for record in records}
    running = {}
    for record in records:
        for name, change in record.services.items():
            assert change.before == running.get(name), "somebody's release went unseen"
            running[name] = change.after
    assert state.releases["dev"] == running
    # Every commit's stack file has each begun set whole.
    for revision in git(remote, "rev-list", "main").split():
        there = read_state(revision, repository.tree(revision))
        for record in there.undecided("dev"):
            for name, change in record.services.items():
                assert there.releases["dev"][name] == change.after, "a torn set"
