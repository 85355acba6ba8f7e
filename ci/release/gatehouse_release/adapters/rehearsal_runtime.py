"""The rehearsal's runtime: each environment is a platform on this machine, kept up by the local runner.

Where AWS has Pulumi and task definitions, an environment's checkout is put together from the files of each release's
commit, and `gate up` brings the platform there. What runs is asked of each service itself, at /version.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import httpx
import msgspec

from gatehouse_catalog.laid_out import LaidOutEnvironment, LaidOutRelease, laid_out_in, lay_out_in
from gatehouse_catalog.releases import Release
from gatehouse_release.adapters.rehearsal import Rehearsal, RehearsalClock, outside
from gatehouse_release.adapters.version_probe import digest_of
from gatehouse_release.git.files import Tree, service_toml, stack_config, stack_path
from gatehouse_release.model import RunningService
from gatehouse_release.ports import DeployFailed, PortFailed, Ports, ReleaseRepository
from gatehouse_release.stack_file import APPROVED_PLANS, RELEASES

GATE = (sys.executable, "-m", "gatehouse_local.gate")
UP_SECONDS = 300.0
DOWN_SECONDS = 300.0  # it gives up by itself where nothing goes on ending
ANSWER_SECONDS = 5.0
ROUNDS = 5
# Each service of an environment is asked about: one that has just failed to start isn't started again for each.
TRIED_SECONDS = 60.0
SAID_LINES = 25


class RehearsalRuntime:
    def __init__(self, rehearsal: Rehearsal, repository: ReleaseRepository) -> None:
        self._rehearsal, self._repository = rehearsal, repository
        self._http = httpx.Client(timeout=ANSWER_SECONDS)
        self._failed: dict[str, float] = {}  # when an environment's platform last failed to start

    def deploy(self, environment: str, revision: str) -> None:
        try:
            self._deploy(environment, revision)
        except DeployFailed:
            self._failed[environment] = time.monotonic()
            raise
        self._failed.pop(environment, None)

    def _deploy(self, environment: str, revision: str) -> None:
        with self._rehearsal.alone(f"deploy-{environment}"):
            for _ in range(ROUNDS):
                head, tree = self._repository.read()
                if self._repository.contains(head, revision) is False:
                    raise PortFailed(f"Main is {head[:12]}, which doesn't hold {revision[:12]}. Was main forced?")
                self._lay_out(environment, head, tree)
                up(self._rehearsal, environment)
                path = stack_path(environment)
                if self._repository.read()[1].get(path) == tree.get(path):
                    return
        raise DeployFailed(f"{environment}: main's {stack_path(environment)} changed during {ROUNDS} deployments.")

    def running(self, environment: str, service: str) -> RunningService | None:
        """Starts the environment if it sleeps: what doesn't run can't say what it is."""
        tried = time.monotonic() - self._failed.get(environment, float("-inf")) < TRIED_SECONDS
        if not tried and not awake(self._rehearsal, environment):
            with contextlib.suppress(DeployFailed):
                self.deploy(environment, self._repository.read()[0])
        laid_out = laid_out_in(self._rehearsal.state(environment))
        one = laid_out.services.get(service) if laid_out else None
        if one is None:
            return None
        meant = f"{service} {one.release.tag}"
        return RunningService(
            task_definition=meant,
            meant_task_definition=meant,
            digest=one.release.digest,
            answered=(self._answered(environment, service, Path(one.code)),),
        )

    def _answered(self, environment: str, service: str, code: Path) -> str:
        """The digest that the service itself gives; empty when it doesn't answer."""
        port = _port(code, service) + self._rehearsal.settings.offsets[environment]
        try:
            answer = self._http.get(f"http://127.0.0.1:{port}/version")
        except httpx.HTTPError:
            return ""
        return digest_of(answer.content, service) if answer.status_code == 200 else ""

    def _lay_out(self, environment: str, revision: str, tree: Tree) -> None:
        config = stack_config(tree, environment)
        releases = msgspec.convert(config.get(RELEASES) or {}, dict[str, Release])
        if not releases:
            raise DeployFailed(f"{environment} has no releases yet.")
        services = {
            name: LaidOutRelease(release=release, code=str(self._rehearsal.files_of(release.commit)))
            for name, release in sorted(releases.items())
        }
        put_together(self._rehearsal, environment, services)
        approved = {name: str(plans) for name, plans in (config.get(APPROVED_PLANS) or {}).items()}
        content = LaidOutEnvironment(
            environment=environment, revision=revision, services=services, approved_plans=approved
        )
        lay_out_in(self._rehearsal.state(environment), content)


class RehearsalEnvironments:
    """What a page offers for environments that are on this machine, and for none in AWS."""

    def __init__(self, rehearsal: Rehearsal, clock: RehearsalClock, ports: Ports) -> None:
        self._rehearsal, self._clock, self._ports = rehearsal, clock, ports
        self.addresses: Mapping[str, str] = {name: rehearsal.url(name) for name in rehearsal.settings.offsets}

    def asleep(self) -> frozenset[str]:
        return frozenset(name for name in self.addresses if not awake(self._rehearsal, name))

    def wake(self, environment: str) -> None:
        """As main says; at its first time, too. Raises DeployFailed, PortFailed."""
        self._ports.runtime.deploy(environment, self._ports.repository.read()[0])

    def skip_to(self, moment: datetime) -> None:
        self._clock.skip_to(moment)


def put_together(rehearsal: Rehearsal, environment: str, services: Mapping[str, LaidOutRelease]) -> None:
    """The environment's checkout: each service's folder as its release's commit has it, the rest as the newest one."""
    newest = max(services.values(), key=lambda one: one.release.built_at)
    folder = rehearsal.environment(environment)
    new = folder / "checkout.new"
    shutil.rmtree(new, ignore_errors=True)
    (new / "services").mkdir(parents=True)
    for name in ("pyproject.toml", "db-manager"):
        (new / name).symlink_to(Path(newest.code) / name)
    for name in ("catalog", "chassis"):
        (new / "services" / name).symlink_to(Path(newest.code) / "services" / name)
    for name, one in services.items():
        (new / "services" / name).symlink_to(Path(one.code) / "services" / name)
    old = folder / "checkout.old"
    shutil.rmtree(old, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        rehearsal.checkout(environment).rename(old)
    new.rename(rehearsal.checkout(environment))
    shutil.rmtree(old, ignore_errors=True)


def up(rehearsal: Rehearsal, environment: str) -> None:
    """Starts the environment's platform, or brings it to what is laid out. Raises DeployFailed with what it said."""
    words = (*where(rehearsal, environment), "--port-offset", str(rehearsal.settings.offsets[environment]))
    done = gate(rehearsal, "up", "--detach", *words, patience=UP_SECONDS)
    if done.returncode:
        lines = (done.stderr + done.stdout).rstrip().splitlines()[-SAID_LINES:]
        raise DeployFailed("\n".join(lines) or f"gate up ended with {done.returncode}")


def down(rehearsal: Rehearsal, environment: str) -> None:
    """Stops the environment's platform; its data is kept. Raises PortFailed that names it."""
    if not rehearsal.checkout(environment).is_dir():
        return
    try:
        done = gate(rehearsal, "down", *where(rehearsal, environment), patience=DOWN_SECONDS)
    except PortFailed as error:
        raise PortFailed(f"{environment} doesn't stop: {error}") from error
    if done.returncode:
        raise PortFailed(f"{environment} doesn't stop: {(done.stderr or done.stdout).strip()}")


def awake(rehearsal: Rehearsal, environment: str) -> bool:
    """Whether its address answers."""
    try:
        return httpx.get(f"{rehearsal.url(environment)}/__edge/health", timeout=ANSWER_SECONDS).status_code == 200
    except httpx.HTTPError:
        return False


def where(rehearsal: Rehearsal, environment: str) -> tuple[str, ...]:
    return "--root", str(rehearsal.checkout(environment)), "--state", str(rehearsal.state(environment))


def gate_of(root: Path) -> tuple[str, ...]:
    """The command that works in this checkout, without the door, which installs what it lacks."""
    return (*GATE, "--root", str(root))


def gate(rehearsal: Rehearsal, *words: str, patience: float) -> "subprocess.CompletedProcess[str]":
    """Runs a command of this checkout. It is given nothing of a service that calls it. Raises PortFailed."""
    try:
        return subprocess.run(  # noqa: S603 - our own command
            [*gate_of(rehearsal.root), *words],
            cwd=rehearsal.root,
            env=outside(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        raise PortFailed(f"gate {words[0]} took more than {patience:.0f} s. See: gate rehearse status") from None


def _port(code: Path, service: str) -> int:
    return int(service_toml(code, service).get("port", 0))
