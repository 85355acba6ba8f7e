"""Makes the rehearsal of a checkout: a remote, a clone to build in, two releases. Each step may be the last before
a crash: making it again goes on where it ended.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from gatehouse_catalog import load_catalog
from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_ci.affected.working_tree import GitError
from gatehouse_ci.rehearsal.build import build, refresh, releases
from gatehouse_release.adapters import rehearsal_runtime
from gatehouse_release.adapters.rehearsal import SWITCH, Rehearsal, RehearsalSettings, offsets_from
from gatehouse_release.adapters.wiring import RehearsalPorts
from gatehouse_release.git.checkout import Checkout
from gatehouse_release.model import Requester
from gatehouse_release.ports import Moved, PortFailed
from gatehouse_release.promoter import Promoter
from gatehouse_release.stack_file import set_releases
from gatehouse_release.state import stack_path

Report = Callable[[str], None]
MAKER = Requester(name="gate-rehearse", roles=frozenset({"automation"}), kind="service")
# The second release: one line of one small service, whose unit tests take seconds.
CHANGED = "services/partner/gatehouse_partner/partner/routes.py"
BEFORE, AFTER = 'summary="One partner"', 'summary="One partner, by id"'
SECOND = "Say how one partner is found"
STOP_ASKING_SECONDS = 30.0


def make(root: Path, first_offset: int, say: Report) -> Rehearsal:
    """The rehearsal of this checkout, ready to be used. Raises PortFailed, GitError."""
    rehearsal = Rehearsal(root)
    try:
        settings = rehearsal.settings
    except FileNotFoundError:
        settings = RehearsalSettings(offsets=offsets_from(first_offset))
        rehearsal.settings = settings
    os.environ[SWITCH] = "on"
    ports = RehearsalPorts(rehearsal, root, os.environ)
    if settings.seeded:
        Promoter(ports, say).resume(MAKER)  # what a promotion left that was killed
        return rehearsal
    _remote(rehearsal, say)
    _builder(rehearsal)
    _first_release(rehearsal, ports, say)
    _second_release(rehearsal, ports, say)
    rehearsal.settings = msgspec.structs.replace(rehearsal.settings, seeded=True)
    return rehearsal


def _remote(rehearsal: Rehearsal, say: Report) -> None:
    if rehearsal.remote.is_dir():
        return
    say("Making the remote, from what this checkout has committed")
    new = rehearsal.remote.with_name("main.git.new")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    git = Checkout(rehearsal.root)
    git.git("init", "--quiet", "--bare", "--initial-branch", "main", str(new))
    Checkout(new).git("config", "receive.shallowUpdate", "true")
    git.git("push", "--quiet", "--no-verify", str(new), "HEAD:refs/heads/main", env=_bare())
    new.rename(rehearsal.remote)


def _bare() -> Mapping[str, str]:
    """A hook of the checkout isn't meant here."""
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": os.devnull}


def _builder(rehearsal: Rehearsal) -> None:
    if rehearsal.builder.is_dir():
        return
    new = rehearsal.builder.with_name("builder.new")
    shutil.rmtree(new, ignore_errors=True)
    Checkout(rehearsal.folder).git("clone", "--quiet", str(rehearsal.remote), str(new))
    git, own = Checkout(new), Checkout(rehearsal.root)
    for key, otherwise in (("user.name", "Rehearsal"), ("user.email", "rehearsal@localhost")):
        try:
            value = own.git("config", key)
        except GitError:
            value = otherwise
        git.git("config", key, value)
    git.git("config", "commit.gpgsign", "false")
    new.rename(rehearsal.builder)


def _first_release(rehearsal: Rehearsal, ports: RehearsalPorts, say: Report) -> None:
    """What the checkout has, in every environment. No record: nobody has seen it run."""
    state = Promoter(ports).state()
    if all(state.releases[name] for name in ENVIRONMENTS):
        return
    git = refresh(rehearsal)
    say("Releasing it to every environment")
    found = releases(rehearsal, git, load_catalog(rehearsal.builder).names, {})
    edits = {path: set_releases(state.tree[path], found, path) for path in (stack_path(name) for name in ENVIRONMENTS)}
    ports.repository.push(state.revision, edits, "Release what there is to every environment", MAKER)


def _second_release(rehearsal: Rehearsal, ports: RehearsalPorts, say: Report) -> None:
    """One line changed, merged, built and released to Dev, by the steps of every merge."""
    git = refresh(rehearsal)
    if not git.git("log", "--format=%H", "--fixed-strings", f"--grep={SECOND}"):
        text = (rehearsal.builder / CHANGED).read_text(encoding="utf-8")
        if BEFORE not in text:
            raise PortFailed(f"{CHANGED} has no {BEFORE}. Fix: change CHANGED in gatehouse_ci/rehearsal/make.py.")
        try:
            ports.repository.push(git.git("rev-parse", "HEAD"), {CHANGED: text.replace(BEFORE, AFTER)}, SECOND, MAKER)
        except Moved as error:
            raise PortFailed(f"{error}. Fix: gate rehearse again.") from error
    Promoter(ports, say).resume(MAKER)
    build(rehearsal, say)


def stop(rehearsal: Rehearsal) -> None:
    """Stops every environment, side by side; what they hold is kept. Raises PortFailed naming those that don't stop.

    On a busy machine one may be too slow: it is waited for again, by itself.
    """
    with ThreadPoolExecutor(len(ENVIRONMENTS)) as side_by_side:
        asked = {name: side_by_side.submit(_stopped, rehearsal, name) for name in ENVIRONMENTS}
    slow = [name for name, answer in asked.items() if answer.result()]
    errors = [error for name in slow if (error := _stopped(rehearsal, name))]
    if errors:
        raise PortFailed("\n".join([*errors, "The other environments are stopped. See: gate rehearse status"]))


def _stopped(rehearsal: Rehearsal, name: str) -> str:
    """Why an environment doesn't stop; empty: it has."""
    try:
        rehearsal_runtime.down(rehearsal, name)
    except PortFailed as error:
        return str(error)
    return ""


def delete(rehearsal: Rehearsal) -> None:
    """Stops every environment, and removes all there is of the rehearsal."""
    stop(rehearsal)
    gone = rehearsal.folder.with_name("rehearsal.gone")
    shutil.rmtree(gone, ignore_errors=True)
    rehearsal.folder.rename(gone)
    shutil.rmtree(gone)


def show_in_portal(rehearsal: Rehearsal) -> str:
    """The address of the release page of this checkout's platform, whose portal now looks again; empty: none runs."""
    done = rehearsal_runtime.gate(rehearsal, "status", "--json", patience=STOP_ASKING_SECONDS)
    found = msgspec.json.decode(done.stdout or b"{}", type=dict)
    if done.returncode or not found.get("url"):
        return ""
    rehearsal_runtime.gate(rehearsal, "restart", "portal", patience=120.0)
    return f"{found['url']}/releases"
