"""Finds out what a promotion's page says: from git, the catalog's files, db-manager's planner and the services' APIs.

The fingerprint is what gets approved. It is made of what decides the page (see `preview_rules.fingerprinted`), so it is
known at once; the page itself is made when somebody looks at it.
"""

import functools
import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_release.git.checkout import Checkout, GitError
from gatehouse_release.git.files import Main, fetch, group_of, stack_config, tree_at
from gatehouse_release.model import MERGE, DangerousPlan, Reason, ReleaseChange, ReleaseNote
from gatehouse_release.ports import PortFailed, Previews, Registry, ReleaseRepository, Tree
from gatehouse_release.preview import conclusions
from gatehouse_release.preview.files_at_commit import Documents, Files
from gatehouse_release.preview.page import GroupRestart, PreviewPage, SourceHealth, TestedRelease
from gatehouse_release.preview.release_notes import release_notes
from gatehouse_release.preview.render import shown
from gatehouse_release.preview.sections import Sections
from gatehouse_release.state import RepositoryState, read_state

# What rules ask of a page: problems, dangerous plans, and authors by service.
Conclusions = tuple[tuple[Reason, ...], tuple[DangerousPlan, ...], Mapping[str, frozenset[str]]]
# Of what `pulumi up` runs: the program, the alerts and dashboards it brings, what services say of themselves.
PROGRAM = (".py", ".toml", ".yaml", ".json")


def connect(
    root: Path, environ: Mapping[str, str], repository: ReleaseRepository, registry: Callable[[], Registry]
) -> Previews:
    """Previews made in a checkout that has main's history (a workflow: fetch-depth 0)."""
    del registry  # all that the page says is in commits, which the checkout has or fetches
    return Previewer(root, environ, repository)


class Previewer:
    """`gate`: the command that compares infrastructure, if not the checkout's own door. `documents`: where APIs' are
    kept; by default as long as this process runs."""

    def __init__(
        self,
        root: Path,
        environ: Mapping[str, str],
        main: Main,
        gate: Sequence[str] = (),
        documents: Documents | None = None,
    ) -> None:
        self._checkout = Checkout(root)
        self._gate = gate or (str(root / "local" / "gate"),)
        self._main = main
        self._environ = environ
        self._documents: Documents = {} if documents is None else documents

    def preview(self, revision: str, source: str, environment: str, changes: Mapping[str, ReleaseChange]) -> "LazyPage":
        """The page of these changes to `environment`. Raises PortFailed when the revision can't be read."""
        self._known(revision)
        tree = tree_at(self._checkout, revision)
        target = stack_config(tree, environment)
        decides = conclusions.fingerprinted(msgspec.to_builtins(dict(changes)), target, self._deployed(revision))
        content = msgspec.json.encode({"environment": environment, **decides}, order="deterministic")
        fingerprint = hashlib.sha256(content).hexdigest()
        make = functools.partial(self._page, revision, source, environment, dict(changes), tree, fingerprint)
        look = functools.partial(self._problems, source, environment, dict(changes), target)
        return LazyPage(fingerprint, make, look)

    def notes(self, revision: str, changes: Mapping[str, ReleaseChange]) -> tuple[ReleaseNote, ...]:
        """The commits that these changes bring, each once. Raises PortFailed when the revision can't be read."""
        self._known(revision)
        with Files(self._checkout, self._documents) as files:
            sections = Sections(self._checkout, files, self._environ, {}, changes)
            return release_notes(sections.move(name, change) for name, change in sorted(changes.items()))

    def _known(self, revision: str) -> None:
        """Sees to it that the checkout has the revision."""
        try:
            fetch(self._checkout, revision, self._main)
        except GitError as error:
            raise PortFailed(f"{revision[:12]} can't be read here: {error}. Fix: git fetch origin") from error

    def _deployed(self, revision: str) -> dict[str, str]:
        """Path -> content id, of what decides what a deployment does. Tests and documents don't."""
        try:
            listed = self._checkout.git("ls-tree", "-r", "--format=%(objectname) %(path)", revision)
        except GitError as error:
            raise PortFailed(f"{revision[:12]} can't be read here: {error}. Fix: git fetch origin") from error
        lines = (line.split(" ", 1) for line in listed.splitlines())
        return {path: content for content, path in lines if _decides(path)}

    def _problems(
        self, source: str, environment: str, changes: Mapping[str, ReleaseChange], target: Mapping[str, Any]
    ) -> Conclusions:
        """Of the sections that rules look at; quick, beside the whole page. A rollback is from its own environment."""
        goes_back = source == environment
        with Files(self._checkout, self._documents) as files:
            sections = Sections(self._checkout, files, self._environ, target, changes)
            moves = [sections.move(name, change) for name, change in sorted(changes.items())]
            settings, databases, ways_back = [], [], []
            for name, change in sorted(changes.items()):
                if goes_back:
                    ways_back.append(sections.return_to(name, change))
                else:
                    settings += sections.settings(name, change)
                    databases.append(sections.database(name, change))
            planned = [one for one in databases if one]
            found = conclusions.problems(environment, moves, settings, planned, ways_back)
            return tuple(found), conclusions.dangerous_plans(planned), conclusions.authors(moves)

    def _page(
        self,
        revision: str,
        source: str,
        environment: str,
        changes: dict[str, ReleaseChange],
        tree: Tree,
        fingerprint: str,
    ) -> PreviewPage:
        state = read_state(revision, tree)
        in_order = sorted(changes.items())
        health = None
        if source != MERGE:
            seen_at, record, black_box, note = conclusions.source_health(state, source, sorted(changes))
            health = SourceHealth(environment=source, seen_at=seen_at, by_record=record, black_box=black_box, note=note)
        with Files(self._checkout, self._documents) as files:
            sections = Sections(self._checkout, files, self._environ, stack_config(tree, environment), changes)
            return PreviewPage(
                environment=environment,
                source=source,
                fingerprint=fingerprint,
                moves=tuple(sections.move(name, change) for name, change in in_order),
                restarts=tuple(_restarts(tree, environment, state.releases.get(environment, {}), changes)),
                tests=tuple(release_tests(state, environment, fingerprint, changes)),
                settings=tuple(one for name, change in in_order for one in sections.settings(name, change)),
                databases=tuple(one for name, change in in_order if (one := sections.database(name, change))),
                apis=tuple(one for name, change in in_order if (one := sections.api(name, change))),
                infrastructure=sections.infrastructure(environment, revision, self._gate),
                health=health,
                ways_back=tuple(sections.way_back(name, change) for name, change in in_order),
            )


def release_tests(
    state: RepositoryState, environment: str, fingerprint: str, changes: Mapping[str, ReleaseChange]
) -> Iterator[TestedRelease]:
    """What came of the unit tests of each release that comes, and who accepted a black-box run in their place."""
    for name, change in sorted(changes.items()):
        if change.after is None:
            continue
        found, digest = change.after.unit_tests, change.after.digest
        accepted = [one for one in state.acceptances(environment, fingerprint) if one.digest == digest]
        yield TestedRelease(
            service=name,
            passed=found.passed if found else None,
            summary=found.summary if found else "",
            accepted_by=accepted[-1].by if accepted else "",
            why=accepted[-1].reason if accepted else "",
        )


def _decides(path: str) -> bool:
    if not path.endswith(PROGRAM) or "/tests/" in path:
        return False
    return path.startswith(("platform/", "observability/", "services/catalog/")) or path.endswith("/service.toml")


class LazyPage:
    """A preview whose page is made once, when it is looked at; and its problems, when a decision is made."""

    def __init__(
        self,
        fingerprint: str,
        make: Callable[[], PreviewPage],
        look: Callable[[], Conclusions],
    ) -> None:
        self.fingerprint = fingerprint
        self._make = functools.cache(make)
        self._look = functools.cache(look)

    @property
    def problems(self) -> tuple[Reason, ...]:
        return self._look()[0]

    @property
    def plans(self) -> tuple[DangerousPlan, ...]:
        return self._look()[1]

    @property
    def authors(self) -> Mapping[str, frozenset[str]]:
        return self._look()[2]

    @property
    def page(self) -> PreviewPage:
        return self._make()

    def to_builtins(self) -> dict[str, Any]:
        return msgspec.to_builtins(self.page)

    def __rich__(self) -> Any:
        return shown(self.page)


def _restarts(
    tree: Tree, environment: str, released: Collection[str], changes: Mapping[str, ReleaseChange]
) -> Iterator[GroupRestart]:
    """The groups of tasks in which something is promoted, by name, where more than one service runs."""
    groups = {group_of(tree, environment, name) for name in changes}
    for group, members in sorted(groups):
        siblings = tuple(sorted(name for name in members if name in released and name not in changes))
        if siblings:
            promoted = tuple(sorted(name for name in members if name in changes))
            yield GroupRestart(group=group, promoted=promoted, siblings=siblings)
