"""A test whose child dies or stops answering, or whose network is gone, ends within its bound, and so does its run.

Which child, and when, is chosen by a seed. More of them: GATEHOUSE_LOST_CHILDREN=10 ./local/test deep -k lost_children.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

TESTS = {
    "PostgreSQL": "services/chassis/tests/data/test_database.py",
    "the platform": "tests/blackbox/test_edge.py",
    "Chromium": "tests/journeys/test_journeys.py",
    "services under the runner": "local/tests/runner/test_supervisor.py",
    "db-manager": "db-manager/tests/execution/test_starters.py",
    "git": "ci/release/tests/git/test_repository.py",
    "the registry": "ci/release/tests/adapters/test_registry.py",
}
ROUNDS = int(os.environ.get("GATEHOUSE_LOST_CHILDREN", "1"))
TEST_SECONDS, PROCESS_SECONDS = 30, 60  # of a test, and of one that doesn't notice its end
RUN_SECONDS = 230  # for the tests before it, one test at its bound, and the end of what it started
PROGRAM = (
    "import sys; from gatehouse_local.testing.reaper import run_bound; sys.exit(run_bound(sys.argv[1:]).returncode)"
)
BOUNDS = ("-o", f"timeout={TEST_SECONDS}", "-o", f"faulthandler_timeout={PROCESS_SECONDS}")
# Not even the loopback address answers there.
NO_NETWORK = ("unshare", "--user", "--map-current-user", "--net")
pytestmark = pytest.mark.deep
SEES_LOSS = {"PostgreSQL", "the platform", "Chromium", "the registry"}


def started(root: Path, tmp_path: Path, tests: str, *before: str) -> tuple[subprocess.Popen[str], Path]:
    output = tmp_path / "output"
    command = ["-m", "pytest", "-x", "-n0", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "base"), *BOUNDS]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GATEHOUSE"))}
    with output.open("w") as file:
        words = [*before, sys.executable, "-c", PROGRAM, sys.executable, *command, tests]
        run = subprocess.Popen(words, cwd=root, env=environment, stdout=file, stderr=subprocess.STDOUT, text=True)
    return run, output


def ended(run: subprocess.Popen[str], output: Path) -> str:
    """The run's output, once it has ended by itself."""
    try:
        run.wait(RUN_SECONDS)
    except subprocess.TimeoutExpired:
        run.kill()
        pytest.fail(f"The run didn't end within {RUN_SECONDS} s:\n{output.read_text()[-3000:]}")
    return output.read_text()


def children_of_tests(run: subprocess.Popen[str]) -> list[psutil.Process]:
    """What the tests started: all below pytest, which runs below `run_bound` and the process in between."""
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(run.pid).children(recursive=True):
            if process.cmdline()[1:3] == ["-m", "pytest"]:
                return process.children(recursive=True)
    return []


def left_running(folder: Path) -> list[str]:
    commands = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    return [command for command in commands if str(folder) in command]


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("child", TESTS)
def test_a_run_with_lost_children_ends(workspace_root: Path, tmp_path: Path, child: str, number: int):
    chosen = random.Random(f"{child} {number}")
    fault = chosen.choice([signal.SIGKILL, signal.SIGSTOP])
    run, output = started(workspace_root, tmp_path, TESTS[child])
    pause, lost = chosen.uniform(0, 2), ""
    while run.poll() is None and not lost:
        if children := children_of_tests(run):
            time.sleep(pause)
            with contextlib.suppress(psutil.Error, IndexError):
                victim = chosen.choice(children_of_tests(run) or children)
                lost = " ".join(victim.cmdline()) or victim.name()
                victim.send_signal(fault)
        time.sleep(0.05)
    text = ended(run, output)
    assert lost, f"The tests of {child} started nothing:\n{text[-3000:]}"
    assert not left_running(tmp_path), f"{fault.name} of {lost}:\n{text[-3000:]}"


@pytest.mark.parametrize("child", sorted(SEES_LOSS))
def test_without_a_network_a_test_fails_and_the_run_ends(workspace_root: Path, tmp_path: Path, child: str):
    if subprocess.run([*NO_NETWORK, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user can't make a network namespace")
    run, output = started(workspace_root, tmp_path, TESTS[child], *NO_NETWORK)
    text = ended(run, output)
    assert run.returncode == 1, text[-3000:]
    assert not left_running(tmp_path), text[-3000:]
