"""`gate jobs` on a running platform, and what it says without one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_local.cli.job_commands import lines
from gatehouse_local.testing.waiting import until

GATE = [sys.executable, "-m", "gatehouse_local.gate", "jobs"]
JOB = {
    "name": "sweep",
    "schedule": "every 1h",
    "waiting": 0,
    "running_since": None,
    "next_at": None,
    "failures": 0,
    "succeeded_at": None,
    "milliseconds": None,
    "last_error": None,
}


def run(*words: str, state: Path) -> subprocess.CompletedProcess:
    command = [*GATE, *words, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=os.environ)


def test_without_a_platform_it_says_how_to_start_one(tmp_path: Path):
    done = run("list", state=tmp_path)
    assert (done.returncode, done.stderr) == (1, "Error: identity isn't running. Fix: start it with ./local/up\n")


def test_a_job_is_told_with_what_is_wrong_with_it():
    assert lines(JOB) == ["  sweep, every 1h", "    last never, next when something is enqueued"]
    ill = {**JOB, "waiting": 7, "failures": 3, "last_error": "ValueError in sweep (jobs.py:7)"}
    assert lines(ill)[2:] == ["    7 in its queue", "    failed 3 times in a row: ValueError in sweep (jobs.py:7)"]
    work = {"id": "7-1", "failures": 3, "last_error": "KeyError", "due_at": None, "discarded_at": None}
    gone = {**work, "discarded_at": "2026-11-01T10:00:00+00:00", "discarded_reason": "No address"}
    told = lines({**JOB, "failing": [work, gone]})
    assert told[2:4] == ["    7-1: KeyError", "      failed 3 times, tried again never"]
    assert told[5].endswith(": No address")
    assert "running now" in lines({**JOB, "running_since": "2026-11-01T10:00:00Z"})[1]


@pytest.mark.platform
def test_a_job_of_a_running_service_runs_when_asked(platform):
    state = Path(platform.state)

    def ran() -> bool:
        found = json.loads(run("list", "--json", state=state).stdout)
        return any(job["name"] == "mark_intro_reminders" and job["succeeded_at"] for job in found["person"])

    assert run("run", "person", "mark_intro_reminders", state=state).stdout.startswith(
        "mark_intro_reminders is due now."
    )
    until(ran, "the job's run")
    shown = run("list", state=state).stdout
    services = [line for line in shown.splitlines() if not line.startswith(" ")]
    assert services == sorted(platform.services)
    refused = run("run", "person", "mark_intro_reminder", state=state)
    assert refused.returncode == 1
    assert 'Did you mean "mark_intro_reminders"?' in refused.stderr
    gone = "019a0000-0001-7000-8000-000000000077"
    refused = run("discard", "person", gone, "--reason", "Its person is gone", state=state)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Only work that has failed can be discarded" in refused.stderr
    assert "nobody isn't running. Running: " in run("run", "nobody", "sweep", state=state).stderr
