"""The ports in memory, for tests of the promotion core and of the release page: quick, and with every fault at hand.

A fault is a function that is called before and after each write, by name; it may raise. Nothing here talks to anything.
"""

import contextlib
import hashlib
import itertools
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from gatehouse_catalog.releases import ENVIRONMENTS, Release, UnitTests
from gatehouse_release.model import (
    BlackBox,
    DangerousPlan,
    Reason,
    ReleaseChange,
    ReleaseNote,
    Requester,
    RunningService,
)
from gatehouse_release.notices import Notice
from gatehouse_release.ports import DeployFailed, Moved, Tree
from gatehouse_release.state import removed_releases, stack_path

Fault = Callable[[str], None]
NAMES = itertools.count(1)
STACK = """\
# What differs here.
config:
  aws:region: eu-central-1   # Frankfurt
  # What runs here.
  gatehouse:releases: {}
  gatehouse:tier: 'development'
"""


def digest(name: str) -> str:
    return f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def release(service: str, number: int, *, database: bool = True) -> Release:
    """The nth release of a service; the same arguments give the same release."""
    return Release(
        tag=f"v{number}",
        digest=digest(f"{service} {number}"),
        database_digest=digest(f"{service}-database {number}") if database else None,
        commit=f"c{number:07d}",
        unit_tests=UnitTests(passed=True, summary="12 passed"),
    )


def tree(policy: str, services: Mapping[str, str]) -> dict[str, str]:
    """A repository's texts: empty stacks, this policy, and services by domain, each with a database."""
    texts = {stack_path(name): STACK for name in ENVIRONMENTS} | {"stacks/policy.yaml": policy}
    for service, domain in services.items():
        texts[f"services/{service}/service.toml"] = (
            f'name = "{service}"\ndomain = "{domain}"\n[database]\nschema = "x"\n'
        )
    return texts


class MemoryRepository:
    """A linear history; a push onto anything but the head is refused."""

    def __init__(self, texts: Mapping[str, str], fault: Fault = lambda point: None) -> None:
        self.history: list[dict[str, str]] = [dict(texts)]
        self._name = next(NAMES)  # as in git, no two histories share a revision
        self.messages: list[str] = []
        self.fault = fault
        self._lock = threading.Lock()

    @property
    def texts(self) -> dict[str, str]:
        return self.history[-1]

    def read(self) -> tuple[str, Tree]:
        with self._lock:
            texts = self.history[-1]
            removed = {path: self._newest(path) for path, _ in removed_releases(texts)}
            return f"r{self._name}-{len(self.history) - 1}", {**texts, **removed}

    def _newest(self, removed: str) -> str:
        """The service.toml as it was before it was removed."""
        path = f"services/{removed.split('/')[2]}/service.toml"
        return next(texts[path] for texts in reversed(self.history) if path in texts)

    def push(self, revision: str, edits: Mapping[str, str | None], message: str, actor: Requester) -> str:
        del actor
        self.fault("before push")
        with self._lock:
            if revision != f"r{self._name}-{len(self.history) - 1}":
                raise Moved(f"main went on from {revision}")
            texts = {**self.history[-1], **{path: text for path, text in edits.items() if text is not None}}
            self.history.append({path: text for path, text in texts.items() if edits.get(path, text) is not None})
            self.messages.append(message)
            pushed = f"r{self._name}-{len(self.history) - 1}"
        self.fault("after push")
        return pushed

    def contains(self, commit: str, other: str) -> bool | None:
        """The nth releases' commits come one after the other."""
        return commit >= other if commit and other else None

    def turn(self, what: str) -> contextlib.AbstractContextManager[None]:
        del what
        return contextlib.nullcontext()

    def commit(self, edits: Mapping[str, str | None]) -> None:
        """What somebody else commits; None removes a file."""
        texts = {**self.history[-1], **edits}
        self.history.append({path: text for path, text in texts.items() if text is not None})
        self.messages.append("somebody else")


class MemoryRegistry:
    def __init__(self, fault: Fault = lambda point: None) -> None:
        self.digests: dict[str, set[str]] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.not_ours: set[str] = set()
        self.fault = fault

    def add(self, service: str, one: Release) -> None:
        self.digests.setdefault(service, set()).add(one.digest)
        self.tags[service, one.tag] = one.digest
        if one.database_digest:
            self.digests.setdefault(f"{service}-database", set()).add(one.database_digest)

    def digest(self, image: str, reference: str) -> str | None:
        if reference.startswith("sha256:"):
            return reference if reference in self.digests.get(image, ()) else None
        return self.tags.get((image, reference))

    def tag(self, image: str, digest: str, tag: str) -> None:
        self.fault("before tag")
        self.tags[image, tag] = digest
        self.fault("after tag")

    def unattested(self, image: str, digest: str) -> str:
        return "no attestation was found" if digest in self.not_ours else ""

    def annotations(self, image: str, digest: str) -> Mapping[str, str]:
        del image, digest
        return {}


class MemoryRuntime:
    """What runs follows main's stack file. Releases in `broken` are rolled back by the breaker; those in `stuck` leave
    tasks of the release before them running."""

    def __init__(self, repository: Any, read: Callable[[Tree, str], Mapping[str, Release]], fault: Fault) -> None:
        self.repository = repository
        self.read = read
        self.fault = fault
        self.broken: set[str] = set()
        self.stuck: set[str] = set()
        self.failing: set[str] = set()  # environments whose deployment ends without success
        self.runs: dict[tuple[str, str], RunningService] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def deploy(self, environment: str, revision: str) -> None:
        del revision  # the newest is as new, and goes back for nobody
        with self._lock:
            self.fault("before deploy")
            if environment in self.failing:
                raise DeployFailed("no capacity in any zone")
            meant = self.read(self.repository.read()[1], environment)
            for name in [name for place, name in self.runs if place == environment and name not in meant]:
                del self.runs[environment, name]
            for name, one in meant.items():
                self.runs[environment, name] = self._deployed(self.runs.get((environment, name)), name, one)
            self.fault("after deploy")

    def _deployed(self, before: RunningService | None, name: str, one: Release) -> RunningService:
        if before and before.digest == one.digest and not before.rolled_back and before.answered == (one.digest,) * 2:
            return before
        new = f"{name}:{next(self._numbers)}"
        old = before.digest if before else digest("none")
        if one.digest in self.broken:
            ran = before.task_definition if before else f"{name}:0"
            return RunningService(
                task_definition=ran, meant_task_definition=new, digest=old, answered=(old,), rolled_back=True
            )
        answered = (one.digest, old if one.digest in self.stuck else one.digest)
        return RunningService(task_definition=new, meant_task_definition=new, digest=one.digest, answered=answered)

    def running(self, environment: str, service: str) -> RunningService | None:
        return self.runs.get((environment, service))


class MemoryPreview(msgspec.Struct, frozen=True):
    fingerprint: str
    changes: Mapping[str, ReleaseChange]
    problems: tuple[Reason, ...] = ()
    plans: tuple[DangerousPlan, ...] = ()
    authors: Mapping[str, frozenset[str]] = MappingProxyType({})

    def to_builtins(self) -> dict[str, Any]:
        return {"fingerprint": self.fingerprint, "changes": msgspec.to_builtins(self.changes)}

    def __rich__(self) -> str:
        return "\n".join([f"Preview {self.fingerprint}", *self.changes])


class MemoryPreviews:
    """`world` is what else would show on the page; another one makes previews stale."""

    def __init__(self) -> None:
        self.world = ""
        self.problems: tuple[Reason, ...] = ()
        self.plans: tuple[DangerousPlan, ...] = ()
        self.authors: Mapping[str, frozenset[str]] = {}

    def preview(
        self, revision: str, source: str, environment: str, changes: Mapping[str, ReleaseChange]
    ) -> MemoryPreview:
        del revision
        shown = msgspec.json.encode((self.world, source, environment, changes), order="sorted")
        return MemoryPreview(hashlib.sha256(shown).hexdigest(), changes, self.problems, self.plans, self.authors)

    def notes(self, revision: str, changes: Mapping[str, ReleaseChange]) -> tuple[ReleaseNote, ...]:
        return tuple(
            ReleaseNote(text=f"Change {name}", commit="c" * 40, by="Eva", services=(name,)) for name in sorted(changes)
        )


class MemoryBlackBox:
    def __init__(self) -> None:
        self.failing: dict[str, str] = {}
        self.asked: list[tuple[str, frozenset[str]]] = []

    def run(self, environment: str, changed: Collection[str] = ()) -> BlackBox:
        self.asked.append((environment, frozenset(changed)))
        return BlackBox(passed=environment not in self.failing, summary=self.failing.get(environment, "42 passed"))


class MemoryNotices:
    def __init__(self) -> None:
        self.told: list[Notice] = []

    def tell(self, notice: Notice) -> None:
        self.told.append(notice)


class MemoryClock:
    """Stands still unless it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at

    def pass_hours(self, hours: float) -> None:
        self.at += timedelta(hours=hours)


class MemoryPorts:
    def __init__(self, texts: Mapping[str, str], read: Callable[[Tree, str], Mapping[str, Release]]) -> None:
        self.fault_hook: Fault = lambda point: None
        self.repository: Any = MemoryRepository(texts, self._fault)
        self.registry = MemoryRegistry(self._fault)
        self.runtime = MemoryRuntime(self.repository, read, self._fault)
        self.previews = MemoryPreviews()
        self.black_box = MemoryBlackBox()
        self.notices = MemoryNotices()
        self.clock = MemoryClock()

    def _fault(self, point: str) -> None:
        self.fault_hook(point)
