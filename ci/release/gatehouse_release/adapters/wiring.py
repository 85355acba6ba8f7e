"""The real ports, each made when it is used first: one that isn't configured stops only those who need it."""

import base64
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_release.adapters import github_app, webhook
from gatehouse_release.adapters.black_box import ADDRESS
from gatehouse_release.adapters.rehearsal import Rehearsal, RehearsalClock, outside, rehearsal_of
from gatehouse_release.adapters.rehearsal_registry import RehearsalRegistry
from gatehouse_release.adapters.rehearsal_runtime import RehearsalEnvironments, RehearsalRuntime, gate_of
from gatehouse_release.git.repository import GitRepository
from gatehouse_release.ports import BlackBoxSuite, Clock, NotConfigured, Notices, Previews, Registry, Runtime

REMOTE = "GATEHOUSE_REMOTE"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Connected:
    """The ports of a checkout. What isn't configured raises NotConfigured when it is asked for."""

    def __init__(self, root: Path, environ: Mapping[str, str]) -> None:
        self.root = root
        self.environ = environ
        self.clock: Clock = SystemClock()

    @cached_property
    def repository(self) -> GitRepository:
        remote = self.environ.get(REMOTE) or remote_of(self.root)
        return GitRepository(remote, self.root / ".gate" / "promote.git", extra=signed_in(self.environ))

    @cached_property
    def registry(self) -> Registry:
        from gatehouse_release.adapters import registry  # noqa: PLC0415 - httpx, for those who need it

        return registry.connect(self.root, self.environ)

    @cached_property
    def runtime(self) -> Runtime:
        try:
            from gatehouse_release.adapters import ecs  # noqa: PLC0415 - boto3, for those who need it
        except ModuleNotFoundError as error:
            message = f"AWS can't be asked: the package {error.name} isn't installed."
            raise NotConfigured(message, "Run: uv sync --all-packages --group platform") from None
        return ecs.connect(self.root, self.environ, self.repository)

    @cached_property
    def previews(self) -> Previews:
        from gatehouse_release.preview import previewer  # noqa: PLC0415 - the planners, for those who need them

        return previewer.connect(self.root, self.environ, self.repository, lambda: self.registry)

    @cached_property
    def black_box(self) -> BlackBoxSuite:
        from gatehouse_release.adapters import black_box  # noqa: PLC0415 - as above

        return black_box.connect(self.root, self.environ)

    @cached_property
    def notices(self) -> Notices:
        return webhook.connect(self.environ)


class RehearsalPorts(Connected):
    """The ports of a checkout's rehearsal (gate rehearse): all that differs from AWS."""

    def __init__(self, rehearsal: Rehearsal, root: Path, environ: Mapping[str, str]) -> None:
        addresses = {f"{ADDRESS}{name.upper()}": rehearsal.url(name) for name in ENVIRONMENTS}
        told = {key: environ[key] for key in (webhook.WEBHOOK, webhook.PORTAL) if key in environ}
        super().__init__(root, {**outside(environ), **addresses, **told})
        self.rehearsal = rehearsal
        self.clock = clock = RehearsalClock(rehearsal)
        self.environments = RehearsalEnvironments(rehearsal, clock, self)

    @cached_property
    def repository(self) -> GitRepository:
        return GitRepository(str(self.rehearsal.remote), self.rehearsal.work)

    @cached_property
    def registry(self) -> Registry:
        return RehearsalRegistry(self.rehearsal)

    @cached_property
    def runtime(self) -> Runtime:
        return RehearsalRuntime(self.rehearsal, self.repository)

    @cached_property
    def previews(self) -> Previews:
        from gatehouse_release.preview import previewer  # noqa: PLC0415 - the planners, for those who need them
        from gatehouse_release.preview.files_at_commit import DocumentFolder  # noqa: PLC0415 - as above

        root, kept = self.rehearsal.builder, DocumentFolder(self.rehearsal.documents)
        return previewer.Previewer(root, self.environ, self.repository, gate=gate_of(root), documents=kept)

    @cached_property
    def black_box(self) -> BlackBoxSuite:
        from gatehouse_release.adapters import black_box  # noqa: PLC0415 - as above

        root = self.rehearsal.builder
        return black_box.Suite(root, self.environ, program=(*gate_of(root), "test"))


def rehearsed(root: Path, environ: Mapping[str, str]) -> RehearsalPorts | None:
    """The ports of the checkout's rehearsal, if it has one that isn't switched off."""
    rehearsal = rehearsal_of(root, environ)
    return RehearsalPorts(rehearsal, root, environ) if rehearsal else None


def connect(root: Path, environ: Mapping[str, str]) -> Connected:
    """The ports of this checkout: those of its rehearsal, if it has one."""
    return rehearsed(root, environ) or Connected(root, environ)


def remote_of(root: Path) -> str:
    """The remote that this checkout pushes to. Raises NotConfigured when it has none."""
    command = ["git", "remote", "get-url", "--push", "origin"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - git, our own words
    if done.returncode:
        fix = f"Add one, or set {REMOTE} to what git can push to."
        raise NotConfigured("This checkout has no remote called origin.", fix)
    return done.stdout.strip()


def signed_in(environ: Mapping[str, str]) -> Callable[[], dict[str, str]]:
    """In a workflow: git signs in at GitHub by a token, handed over so that no message shows it."""
    token = github_app.token_of(environ)
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")

    def environment() -> dict[str, str]:
        if token is None:
            return {}
        basic = base64.b64encode(f"x-access-token:{token()}".encode()).decode()
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
        }

    return environment
