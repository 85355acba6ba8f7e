"""Jobs in real processes on the real clock: due while all were down, three tasks at once, tasks killed with -9."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

LEASE = 2.0
TASKS = 3
ROUNDS = 6
BOUND = 120.0  # seconds; only ends a hang
STALL = 30.0  # seconds that a busy machine may stand still
DUE = "update person.job set due_at = now() - interval '3 days' where name = 'work' and lease is null"


class Note(NamedTuple):
    what: str
    pid: int
    at: float


class Tasks:
    """Processes that share a database, and what they noted."""

    def __init__(self, url: str, notes: Path) -> None:
        self.url = url
        self.notes = notes
        self.processes: dict[int, subprocess.Popen] = {}

    def start(self) -> int:
        command = [sys.executable, str(Path(__file__).with_name("task.py")), self.url, str(self.notes), str(LEASE)]
        process = subprocess.Popen(command)
        self.processes[process.pid] = process
        return process.pid

    def noted(self, what: str) -> list[Note]:
        lines = self.notes.read_text(encoding="ascii").splitlines() if self.notes.exists() else []
        found = [Note(kind, int(pid), float(at)) for kind, pid, at in (line.split() for line in lines)]
        return [note for note in found if note.what == what]

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        last = time.monotonic() + BOUND
        while not condition():
            assert time.monotonic() < last, f"no {what} within {BOUND:g} s"
            time.sleep(0.01)

    def kill(self, pid: int) -> float:
        os.kill(pid, signal.SIGKILL)
        self.processes.pop(pid).wait()
        return time.monotonic()

    def end(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=BOUND)
            process.kill()


@pytest.fixture
def tasks(postgres, database_url: str, tmp_path: Path) -> Generator[Tasks]:
    made = Tasks(postgres.role_url(database_url, "person_service"), tmp_path / "notes")
    yield made
    made.end()


@pytest.mark.deep
def test_killed_tasks_are_taken_over_and_no_two_ever_run_it_at_once(tasks: Tasks, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as admin:
        tasks.start()
        tasks.wait(lambda: len(tasks.noted("ready")) == 1, "first task")
        declared = "select count(*) from person.job where name = 'work'"
        tasks.wait(lambda: admin.execute(declared).fetchone() == (1,), "job")
        tasks.end()
        tasks.processes.clear()

        admin.execute(DUE)  # while everything is down
        for _ in range(TASKS):
            tasks.start()
        tasks.wait(lambda: len(tasks.noted("ready")) == 1 + TASKS, "tasks")
        tasks.wait(lambda: len(tasks.noted("ended")) == 1, "run")
        assert len(tasks.noted("began")) == 1, "once, of three tasks and however often it was missed"

        ended = 1
        for _ in range(ROUNDS):
            began = len(tasks.noted("began"))
            # Once how the run before went is recorded, with when the next is due.
            tasks.wait(lambda: admin.execute(DUE).rowcount == 1, "end of the run")
            tasks.start()  # looks at once, and so may any other
            tasks.wait(lambda began=began: len(tasks.noted("began")) > began, "run")
            killed = tasks.kill(tasks.noted("began")[began].pid)
            tasks.wait(lambda ended=ended: len(tasks.noted("ended")) > ended, "run after the kill")
            ended += 1
            heir = tasks.noted("began")[began + 1]
            sys.stdout.write(f"taken over {heir.at - killed:.2f} s after the kill; the lease is {LEASE:g} s\n")
            assert len(tasks.noted("ended")) == ended
            assert len(tasks.noted("began")) == began + 2, "one heir"
            assert heir.at - killed < LEASE + STALL
    assert overlaps(tasks) == []


def overlaps(tasks: Tasks) -> list[tuple[Note, Note]]:
    """Runs that began while another, which was not killed, was under way."""
    began, ended = tasks.noted("began"), tasks.noted("ended")
    found = []
    for run in began:
        following = [note.at for note in began if note.pid == run.pid and note.at > run.at]
        ends = [note.at for note in ended if note.pid == run.pid and note.at > run.at]
        if ends and not any(at < ends[0] for at in following):
            found += [(run, other) for other in began if run.at < other.at < ends[0]]
    return found
