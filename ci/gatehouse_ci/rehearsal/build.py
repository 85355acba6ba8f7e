"""What a merge does in the rehearsal: builds the services that it affects, runs their unit tests, releases them to Dev.

The same answers as in build.yml: `gate affected --released dev` says what to build, `gate promote built` releases it.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gatehouse_catalog import Catalog, Service, load_catalog
from gatehouse_catalog.laid_out import python_path
from gatehouse_catalog.releases import Release, UnitTests
from gatehouse_ci.affected import report
from gatehouse_ci.affected.uv_lock import Lock
from gatehouse_ci.affected.working_tree import GitError, WorkingTree
from gatehouse_ci.images import index, unit_tests
from gatehouse_release.adapters.rehearsal import Rehearsal, outside
from gatehouse_release.adapters.rehearsal_registry import BuiltImage, RehearsalRegistry
from gatehouse_release.cli import actions
from gatehouse_release.preview.files_at_commit import DocumentFolder, Files, NotKnown

Report = Callable[[str], None]
BUILD = "github-actions[bot]"  # who releases what was built, as the policy knows it


class CantMerge(Exception):
    """The branch doesn't go into main; the message says why and how to fix it. Main is as it was."""


def refresh(rehearsal: Rehearsal) -> WorkingTree:
    """The builder's checkout, at main's head."""
    git = WorkingTree(rehearsal.builder)
    git.git("fetch", "--quiet", "--prune", "origin")
    git.git("checkout", "--quiet", "--force", "--detach", "origin/main")
    return git


def merge(rehearsal: Rehearsal, branch: str) -> str:
    """Merges a branch of the checkout into the rehearsal's main; the new head. Raises CantMerge."""
    commit = WorkingTree(rehearsal.root).commit(branch)
    if commit is None:
        raise CantMerge(f"{branch} isn't known in this checkout. Fix: name a branch or a commit of it.")
    with rehearsal.alone("builder"):
        for _ in range(20):
            git = refresh(rehearsal)
            if git.commit("HEAD") == commit or git.has("HEAD", commit):
                raise CantMerge(f"main has all of {branch} already. Fix: commit your change, then merge again.")
            git.git("fetch", "--quiet", "--no-tags", str(rehearsal.root), commit)
            try:
                git.git("merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", commit)
            except GitError as error:
                conflicts = git.git("diff", "--name-only", "--diff-filter=U").splitlines()
                git.git("merge", "--abort")
                what = f"{', '.join(conflicts)} differs there too" if conflicts else str(error)
                raise CantMerge(f"{branch} can't be merged into main: {what}. Fix: rebase it, then merge.") from error
            try:
                git.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
            except GitError:
                continue  # a record came in between
            return git.git("rev-parse", "HEAD")
    raise CantMerge("main moved on 20 times. Fix: try again.")


def build(rehearsal: Rehearsal, say: Report) -> None:
    """Builds what main has and Dev hasn't, and releases it to Dev. Exits as `gate promote built` does."""
    with rehearsal.alone("builder"):
        git = refresh(rehearsal)
        answer = report.since_release(rehearsal.builder, "dev")
        for name, why in answer.held.items():
            say(f"{name} is held, so not built: {'; '.join(why)}")
        if not answer.services and not answer.removed:
            say("Nothing to build: Dev has all of main.")
            return
        say(f"Building {', '.join(answer.services)}" if answer.services else "Nothing to build")
        environ = {**outside(os.environ), "PYTHONPATH": python_path(rehearsal.builder)}
        with ThreadPoolExecutor(1) as beside:
            described = beside.submit(describe, rehearsal, git, answer.services)
            tested = unit_tests.run(rehearsal.builder, answer.services, say, environ)
            described.result()
        made = releases(rehearsal, git, answer.services, tested)
    with tempfile.TemporaryDirectory(prefix="gatehouse-built-") as folder:
        for name, release in made.items():
            (Path(folder) / f"{name}.json").write_bytes(msgspec.json.encode(release))
        actions.built(BUILD, folder, reason="", as_json=False)


def describe(rehearsal: Rehearsal, git: WorkingTree, names: Iterable[str]) -> None:
    """Keeps the OpenAPI documents that previews of these services will compare: a service is started for each."""
    head, released = git.git("rev-parse", "HEAD"), report.released(git.root, "dev")
    with Files(git, DocumentFolder(rehearsal.documents)) as files:
        for name in names:
            for commit in filter(None, (released.get(name), head)):
                with contextlib.suppress(NotKnown):  # the preview says so
                    files.document(commit, name)


def releases(
    rehearsal: Rehearsal, git: WorkingTree, names: Iterable[str], tested: dict[str, UnitTests]
) -> dict[str, Release]:
    """The images of these services at the builder's head, in the registry."""
    root, tag = git.root, report.tag_of(git)
    catalog, lock = load_catalog(root), Lock((root / "uv.lock").read_text(encoding="utf-8"))
    commit = git.git("rev-parse", "HEAD")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    registry = RehearsalRegistry(rehearsal)
    found = {}
    for name in names:
        service = catalog[name]
        image = BuiltImage(commit=commit, folders=_folders(lock, catalog, service))
        database = BuiltImage(commit=commit, folders=_database_folders(lock, service)) if service.database else None
        found[name] = Release(
            tag=tag,
            digest=registry.push(name, image, tag),
            database_digest=registry.push(f"{name}-database", database, tag) if database else None,
            commit=commit,
            built_at=now,
            collections=index.collections(root, service),
            unit_tests=tested.get(name),
        )
    return found


def _folders(lock: Lock, catalog: Catalog, service: Service) -> tuple[str, ...]:
    """What is in a service's image: its member, those it depends on, and the files of the services it uses."""
    members = {lock.members[name].folder for name in lock.reach(f"gatehouse-{service.name}")}
    if not members:  # new, and not in the lock yet
        members = {f"services/{service.name}", "services/chassis", "services/catalog"}
    everyone = {f"services/{other.name}/service.toml" for other in catalog} if "*" in service.uses.services else set()
    return tuple(sorted({*members, *everyone}))


def _database_folders(lock: Lock, service: Service) -> tuple[str, ...]:
    members = {lock.members[name].folder for name in lock.reach("gatehouse-db-manager")}
    return tuple(sorted({*members, f"services/{service.name}/database", "services/chassis/gatehouse_chassis/schema"}))
