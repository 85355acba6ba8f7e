"""Where promotions are carried out: in this process, against the git remote that a setting names.

A remote is written to only when somebody has named it; a checkout that the local runner points at is only read.
Previews need git and a checkout's tools, as a developer's machine has them; on_github.py is for where they aren't.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from gatehouse_chassis import Service
from gatehouse_ci import black_box, preview, registry, running
from gatehouse_ci.checkout import Checkout
from gatehouse_ci.git import GitRepository
from gatehouse_ci.moves import Move
from gatehouse_ci.ports import (
    BlackBoxSuite,
    NotConfigured,
    Ports,
    Preview,
    Previews,
    Registry,
    Repository,
    Runtime,
    Tree,
)
from gatehouse_ci.promote import Promoter
from gatehouse_ci.state import State
from gatehouse_ci.structs import Actor, Change, Decision, Reason, Request
from gatehouse_portal.desk import Core
from gatehouse_portal.on_github import OnGitHub

Folder = tempfile.TemporaryDirectory[str]
NO_REMOTE = (
    "Shown is the branch main of the checkout at {checkout}. To promote from here, name the remote that may be written "
    'to, in local/settings.toml: release_remote = "…" below [portal]. It is asked for, so that nobody writes to the '
    "institute’s repository by accident."
)


class ReadOnly:
    """A repository that is looked at and never written to."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def read(self) -> tuple[str, Tree]:
        return self._repository.read()

    def push(self, revision: str, edits: Mapping[str, str | None], message: str, actor: Actor) -> str:
        raise NotConfigured("This repository is only read.", "Mend: name the portal's setting release_remote.")

    def turn(self, what: str) -> AbstractContextManager[None]:
        return self._repository.turn(what)


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class EitherPreviews:
    """Made in the checkout, which can compare infrastructure too, if it has the revision; else in the clone of the
    remote, which has every commit. The checkout is somebody's: nothing is fetched into it.
    """

    def __init__(self, here: Previews, clone: Previews, checkout: Checkout) -> None:
        self._here, self._clone, self._checkout = here, clone, checkout

    def preview(self, revision: str, source: str, environment: str, changes: Mapping[str, Change]) -> Preview:
        known = self._checkout.commit(revision) is not None
        return (self._here if known else self._clone).preview(revision, source, environment, changes)


class Connected:
    """The real ports, each made when it is used first. `work`: the private clone of the remote."""

    def __init__(self, remote: str, work: Path, root: Path, environ: Mapping[str, str], *, writes: bool) -> None:
        self._remote, self._work, self._root, self._environ, self._writes = remote, work, root, environ, writes

    @cached_property
    def repository(self) -> Repository:
        found = GitRepository(self._remote, self._work)
        return found if self._writes else ReadOnly(found)

    @cached_property
    def registry(self) -> Registry:
        return registry.connect(self._root, self._environ)

    @cached_property
    def runtime(self) -> Runtime:
        return running.connect(self._root, self._environ, self.repository)

    @cached_property
    def previews(self) -> Previews:
        here, clone = (
            preview.connect(place, self._environ, self.repository, lambda: self.registry)
            for place in (self._root, self._work)
        )
        return EitherPreviews(here, clone, Checkout(self._root))

    @cached_property
    def black_box(self) -> BlackBoxSuite:
        return black_box.connect(self._root, self._environ)

    clock = Clock()


class Here:
    """The core in this process, with these ports; they are used by several threads at once."""

    fresh = 1.5
    forms: Mapping[str, str] = MappingProxyType({})

    def __init__(self, ports: Ports, *, where: str, refusal: str = "", folder: Folder | None = None) -> None:
        self.ports, self.where, self.refusal, self._folder = ports, where, refusal, folder

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def read(self) -> tuple[str, Tree]:
        return self.ports.repository.read()

    def preview(self, state: State, move: Move) -> Preview:
        return self.ports.previews.preview(state.revision, move.source, move.environment, move.changes)

    def explain(self, request: Request, actor: Actor) -> Decision:
        return Promoter(self.ports).explain(request, actor)

    def run(self, request: Request, actor: Actor, report: Callable[[str], None]) -> list[Reason]:
        outcome = Promoter(self.ports, report).run(request, actor)
        return [] if outcome.ok else [reason for reason in outcome.decision.reasons if not reason.later]


def of(service: Service) -> Core | None:
    """What the settings name; None when they name nothing."""
    remote, checkout = service.settings.text("release_remote"), service.settings.text("checkout")
    if github := service.settings.text("release_github"):
        return OnGitHub(github)
    if not remote and not checkout:
        return None
    # For this process only, and gone with it: two portals share no clone.
    folder: Folder = tempfile.TemporaryDirectory(prefix="gatehouse-releases-")
    root = Path(checkout) if checkout else Path.cwd()
    return Here(
        Connected(remote or checkout, Path(folder.name), root, os.environ, writes=bool(remote)),
        where=f"the branch main of {shown(remote or checkout)}",
        refusal="" if remote else NO_REMOTE.format(checkout=checkout),
        folder=folder,
    )


def shown(remote: str) -> str:
    """A remote's address without what may stand in it to sign in."""
    parts = urlsplit(remote)
    if not parts.scheme or "@" not in parts.netloc:
        return remote
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
