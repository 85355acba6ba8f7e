"""Where promotions are carried out: in this process, against the git remote that a setting names.

A remote is written to only when somebody has named it; a checkout that the local runner points at is only read.
Previews need git and a checkout's tools, as a developer's machine has them; via_github.py is for where they aren't.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit, urlunsplit

from gatehouse_chassis import ServiceContext
from gatehouse_portal.areas.releases.promotion_session import Core, LocalEnvironments
from gatehouse_portal.areas.releases.via_github import OnGitHub
from gatehouse_release.adapters.webhook import PORTAL
from gatehouse_release.adapters.wiring import Connected, rehearsed
from gatehouse_release.change_set import ChangeSet
from gatehouse_release.git.repository import GitRepository
from gatehouse_release.model import Decision, PromotionRequest, Reason, Record, ReleaseNote, Requester
from gatehouse_release.ports import NotConfigured, Ports, Preview, Tree
from gatehouse_release.promoter import Promoter
from gatehouse_release.state import RepositoryState

Folder = tempfile.TemporaryDirectory[str]
NO_REMOTE = (
    "This page shows the branch main of the checkout at {checkout}. To try promotions on this machine, run "
    "./local/gate rehearse. To promote from here, set release_remote below [portal] in local/settings.toml to the git "
    "remote that promotions are written to. There is no default, so that nobody writes to the institute’s repository "
    "by accident."
)


class ReadOnly(GitRepository):
    """A repository that is read and never written to."""

    def push(self, revision: str, edits: Mapping[str, str | None], message: str, actor: Requester) -> str:
        raise NotConfigured("This repository is read-only.", "Fix: name the portal's setting release_remote.")


class NamedRemotePorts(Connected):
    """The ports of a checkout, with the repository that the settings name. `work`: its private clone."""

    def __init__(self, remote: str, work: Path, root: Path, environ: Mapping[str, str], *, writes: bool) -> None:
        super().__init__(root, environ)
        self._remote, self._work, self._writes = remote, work, writes

    @cached_property
    def repository(self) -> GitRepository:
        return (GitRepository if self._writes else ReadOnly)(self._remote, self._work)


class InProcess:
    """The core in this process, with these ports; they are used by several threads at once."""

    fresh = 1.5
    forms: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        ports: Ports,
        *,
        where: str,
        refusal: str = "",
        folder: Folder | None = None,
        local: LocalEnvironments | None = None,
    ) -> None:
        self.ports, self.where, self.refusal, self._folder, self.local = ports, where, refusal, folder, local

    def now(self) -> datetime:
        return self.ports.clock.now()

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def read(self) -> tuple[str, Tree]:
        return self.ports.repository.read()

    def preview(self, state: RepositoryState, move: ChangeSet) -> Preview:
        return self.ports.previews.preview(state.revision, move.source, move.environment, move.changes)

    def notes(self, state: RepositoryState, record: Record) -> tuple[ReleaseNote, ...]:
        return self.ports.previews.notes(state.revision, record.services)

    def explain(self, request: PromotionRequest, actor: Requester) -> Decision:
        return Promoter(self.ports).explain(request, actor)

    def run(self, request: PromotionRequest, actor: Requester, report: Callable[[str], None]) -> list[Reason]:
        outcome = Promoter(self.ports, report).run(request, actor)
        return [] if outcome.ok else [reason for reason in outcome.decision.reasons if not reason.later]


def core_of(service: ServiceContext) -> Core | None:
    """What the settings name; None when they name nothing."""
    remote, checkout = service.settings.text("release_remote"), service.settings.text("checkout")
    if github := service.settings.text("release_github"):
        return OnGitHub(github)
    if not remote and not checkout:
        return None
    environ = {**os.environ, PORTAL: service.public_url}  # where notices lead
    if not remote and (rehearsal := rehearsed(Path(checkout), environ)):
        return InProcess(rehearsal, where="the rehearsal of this checkout", local=rehearsal.environments)
    # For this process only, and gone with it: two portals share no clone.
    folder: Folder = tempfile.TemporaryDirectory(prefix="gatehouse-releases-")
    root = Path(checkout) if checkout else Path.cwd()
    return InProcess(
        NamedRemotePorts(remote or checkout, Path(folder.name), root, environ, writes=bool(remote)),
        where=f"the branch main of {shown(remote or checkout)}",
        refusal="" if remote else NO_REMOTE.format(checkout=checkout),
        folder=folder,
    )


def shown(remote: str) -> str:
    """A remote's address without the credentials in it."""
    parts = urlsplit(remote)
    if not parts.scheme or "@" not in parts.netloc:
        return remote
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
