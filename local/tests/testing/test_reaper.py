"""No process outlives a test run: neither a run that ends by itself, nor one that is killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gatehouse_local.testing.reaper import run_bound

# Leaves a process in a session of its own behind, as tests do that start servers.
LEAVES = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", sys.argv[1]], start_new_session=True)
print("started", flush=True)
time.sleep(float(sys.argv[2]))
sys.exit(3)
"""


def marked(marker: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if marker in (process.info["cmdline"] or [])]


def gone(marker: str, seconds: float = 40) -> bool:
    deadline = time.monotonic() + seconds
    while marked(marker):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def marker(tmp_path: Path):
    yield str(tmp_path)
    for process in marked(str(tmp_path)):
        process.kill()


def test_what_a_run_leaves_behind_is_killed_and_named(marker: str):
    command = [sys.executable, "-c", LEAVES, marker, "0"]
    done = run_bound(command, grace=0.5, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert "Killed a process that the tests left running" in done.stderr
    assert marked(marker) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_run_leaves_nothing(marker: str, number: signal.Signals):
    command = [sys.executable, "-c", LEAVES, marker, "1000"]
    code = f"from gatehouse_local.testing.reaper import run_bound; run_bound({command}, grace=0.5)"
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    assert caller.stdout.readline() == "started\n"
    os.kill(caller.pid, number)
    caller.wait(60)
    assert gone(marker)


# Starts a process whose parent ends before it: within the run, its end must be seen.
ORPHANS = """
import os, subprocess, sys, time
start = "import subprocess; print(subprocess.Popen(['sleep', '0.3'], stdout=subprocess.DEVNULL).pid)"
pid = int(subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True).stdout)
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        sys.exit(0)
    time.sleep(0.05)
sys.exit("the orphan is still a zombie")
"""


def test_the_end_of_an_orphan_is_seen_within_the_run():
    done = run_bound([sys.executable, "-c", ORPHANS], stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
