"""Drift: what a deployment of main would change in an environment. A preview against AWS as it is now must be empty.

Read-only: the role it runs with (`gate way-in ENVIRONMENT --may plan`) can't change anything. What to do about drift is
in platform/runbooks/drift.md.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gatehouse_release.git.files import stack_config
from gatehouse_release.ports import NotConfigured, PortFailed

PROGRAM = "pulumi"
PATIENCE_SECONDS = 1800
UNCHANGED = frozenset({"same", "read", "refresh"})
SAID_LINES = 30


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """`looked`: False where nothing is released yet. `changes`: what a deployment would do, a line per resource."""

    environment: str
    looked: bool
    changes: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.looked:
            return f"{self.environment}: nothing has been released there yet, so there is nothing to compare."
        if not self.changes:
            return f"{self.environment} has not drifted from main."
        lines = "\n".join(f"  {change}" for change in self.changes)
        return f"{self.environment} has drifted from main:\n{lines}\nFix: platform/runbooks/drift.md"


def find_drift(root: Path, environment: str, environ: Mapping[str, str]) -> Drift:
    """Raises NotConfigured without Pulumi, PortFailed when the preview itself fails."""
    config = stack_config(root, environment)
    if not config:
        raise NotConfigured(f"There is no stacks/Pulumi.{environment}.yaml.", "Fix: name an environment that has one.")
    if not config.get("gatehouse:releases"):
        return Drift(environment=environment, looked=False)
    program = shutil.which(PROGRAM, path=environ.get("PATH"))
    if program is None:
        raise NotConfigured(f"{PROGRAM} isn't on PATH.", "Fix: install it, or run the workflow drift.yml.")
    command = [program, "preview", "--stack", environment, "--refresh", "--json", "--non-interactive"]
    try:
        done = subprocess.run(  # noqa: S603 - pulumi, found on PATH
            command,
            cwd=root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PortFailed(f"{environment}: the preview took more than {PATIENCE_SECONDS} s. Fix: try again.") from error
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).rstrip().splitlines()[-SAID_LINES:])
        raise PortFailed(f"{environment}: the preview ended with {done.returncode}:\n{said}")
    return Drift(environment=environment, looked=True, changes=changes(done.stdout))


def changes(preview: str) -> tuple[str, ...]:
    """The changes in the output of `pulumi preview --json`, in its order. Raises PortFailed when it can't be read."""
    try:
        steps = json.loads(preview)["steps"]
        return tuple(f"{step['op']} {_named(step['urn'])}" for step in steps if step["op"] not in UNCHANGED)
    except (ValueError, KeyError, TypeError) as error:
        raise PortFailed(
            f"Pulumi's preview can't be read: {error!r}. Fix: use the version of Pulumi that drift.yml installs."
        ) from error


def _named(urn: str) -> str:
    """urn:pulumi:dev::gatehouse::a:b:C$aws:ecs/service:Service::person -> aws:ecs/service:Service person"""
    types, name = urn.split("::")[2:4]
    return f"{types.rpartition('$')[2]} {name}"
