"""Every command that a document names runs in a test, or it is said here why not."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gatehouse_local.gate import gate

from .test_files import ROOT, commands_in_readmes

# Read-only, and run here as they are documented.
RUN_HERE = {
    "affected": ["--json"],
    "check": ["--only", "lock"],
    "db docs": ["--out", "{folder}"],
    "generate": ["--check"],
    "way-in": ["dev"],
}
DEEP = {
    "db check": [],
    "stack cost": ["production"],
    "stack diagram": ["dev", "-o", "{folder}/dev.svg"],
    "stack diff": ["dev", "staging"],
    "stack levers": [],
}
COMMANDS, GATE, DB = (
    "ci/release/tests/cli/test_commands.py",
    "local/tests/runner/test_runner.py",
    "db-manager/tests/cli",
)
RUN_BY = {
    "db backup": GATE,
    "db restore": GATE,
    "db shell": GATE,
    "debug": GATE,
    "db apply": f"{DB}/test_commands.py",
    "db drift": f"{DB}/test_json_output.py",
    "db import": "db-manager/tests/importer/test_import.py",
    "db plan": f"{DB}/test_commands.py",
    "db reset": f"{DB}/test_commands.py",
    "db status": f"{DB}/test_commands.py",
    "db serve": f"{DB}/test_http_server.py",
    "doctor": "local/tests/cli/test_tool_commands.py",
    "down": GATE,
    "drift": "ci/tests/workflows/test_drift.py",
    "hooks install": "ci/tests/affected/test_hooks.py",
    "jobs list": "local/tests/cli/test_job_commands.py",
    "jobs discard": "local/tests/cli/test_job_commands.py",
    "jobs run": "local/tests/cli/test_job_commands.py",
    "load": "observability/tests/test_load.py",
    "logs": GATE,
    "new service": "local/tests/test_scaffold.py",
    "privacy erase": "local/tests/cli/test_privacy_commands.py",
    "privacy export": "local/tests/cli/test_privacy_commands.py",
    "privacy history": "local/tests/cli/test_privacy_commands.py",
    "probe": "observability/tests/probe/test_probe.py",
    "promote accept-tests": COMMANDS,
    "promote apply": "tests/delivery/test_failures.py",
    "promote explain": COMMANDS,
    **dict.fromkeys(["app build", "app check", "app test", "new app"], "tests/journeys/test_apps.py"),
    "promote hold": COMMANDS,
    "promote lift": COMMANDS,
    "promote plan": "tests/delivery/test_failures.py",
    "promote resume": COMMANDS,
    "promote rollback": "tests/delivery/test_failures.py",
    "promote status": COMMANDS,
    "remove service": "local/tests/test_remove_service.py",
    "reset": GATE,
    "restart": GATE,
    "stop": GATE,
    "stack check": "platform/tests/offline/test_recording.py",
    "status": GATE,
    "test": "local/tests/test_doors.py",
    "token": "local/tests/cli/test_token_command.py",
    "up": GATE,
}
NOT_RUN = {
    "bench": "takes minutes and judges nothing; benchmarks are run by hand",
    "deploy": "asks AWS; what it calls is run by ci/release/tests/adapters/test_pulumi_up.py",
    "image build": "needs a Docker engine: ci/docker/check runs it, in .ci/run",
    "image pin": "needs a registry of base images; ci/tests/images/test_base_digests.py runs it against Debian's",
    "image prune": "needs GitHub; ci/tests/images/test_prune.py runs all but that",
    "image unit-tests": "runs a service's whole tests; ci/tests/images/test_unit_tests.py runs it on a small one",
    "image scan": "needs a Docker engine: ci/docker/check runs it, in .ci/run",
    "mutate": "takes an hour; its parts are run in local/tests/mutation",
    **dict.fromkeys(
        ["rehearse delete", "rehearse merge", "rehearse skip", "rehearse status", "rehearse stop"],
        "starts four platforms: minutes. tests/benchmarks/rehearsal.py runs the story; deployments: test_runner.py",
    ),
    "promote built": "a workflow calls it; its request is decided in ci/release/tests/test_promoter.py",
}


def documented() -> set[str]:
    """The commands of `gate` that documents name, without options and arguments."""
    names = set()
    for typed in commands_in_readmes():
        door, *words = shlex.split(re.sub(r"[\[\]|….]{1,3}(?=\s|$)|\|.*|&&.*", "", typed))
        words = [word for word in words if re.fullmatch(r"-{0,2}[a-z][a-z-]*", word)]
        if door in {"./local/up", "./local/test"}:
            words.insert(0, door.removeprefix("./local/"))
        command: click.Command | None = gate
        path: list[str] = []
        while words and isinstance(command, click.Group) and not words[0].startswith("-"):
            path.append(words.pop(0))
            command = command.get_command(click.Context(gate), path[-1])
        if not isinstance(command, click.Group):
            names.add(" ".join(path))
    return names


def test_every_documented_command_runs_in_a_test_or_says_why_not():
    known = {**RUN_HERE, **DEEP, **RUN_BY, **NOT_RUN}
    assert documented() - known.keys() == set()
    assert known.keys() - documented() == set(), "no document names these any more"


def test_the_tests_that_run_them_name_them():
    missing = [
        f"{command}: {file}"
        for command, file in RUN_BY.items()
        if command.split()[-1] not in re.findall(r"[\w-]+", (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert missing == []


def run(command: str, options: list[str], folder: Path) -> subprocess.CompletedProcess:
    words = [option.format(folder=folder) for option in options]
    line = [sys.executable, "-m", "gatehouse_local.gate", *command.split(), *words]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("command", sorted(RUN_HERE))
def test_what_is_documented_runs(command: str, tmp_path: Path):
    done = run(command, RUN_HERE[command], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.deep
@pytest.mark.parametrize("command", sorted(DEEP))
def test_what_is_documented_of_the_platform_runs(command: str, tmp_path: Path):
    done = run(command, DEEP[command], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
