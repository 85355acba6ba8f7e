"""A task is killed between the mail server's acceptance and our commit: the mail is unknown, and never sent twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

LEASE = 2.0
BOUND = 120.0  # seconds; only ends a hang
FOREVER, AT_ONCE = "3600", "0"
ORDER = (
    "insert into communication.delivery (id, event_id, person_id, kind, state, created_request, changed_request) "
    "values (%s, %s, %s, 'intro_reminder', 'queued', 'test', 'test')"
)
DUE = (
    "insert into communication.job (name, key, due_at, arguments, created_request) "
    "values ('deliver', %s, now(), '{}', '')"
)


def until(condition: Callable[[], bool], what: str) -> None:
    last = time.monotonic() + BOUND
    while not condition():
        assert time.monotonic() < last, f"no {what} within {BOUND:g} s"
        time.sleep(0.02)


@pytest.mark.deep
def test_what_a_killed_task_handed_over_is_unknown_and_sent_by_nobody_else(
    postgres: Any, database_url: str, tmp_path: Path
) -> None:
    notes, delivery, person = tmp_path / "notes", uuid4(), uuid4()
    url = postgres.role_url(database_url, "communication_service")

    def starts(pause: str) -> subprocess.Popen[bytes]:
        script = str(Path(__file__).with_name("task.py"))
        return subprocess.Popen([sys.executable, script, url, str(notes), str(LEASE), pause])

    def accepted() -> list[str]:
        return notes.read_text(encoding="ascii").splitlines() if notes.exists() else []

    with psycopg.connect(database_url, autocommit=True) as admin:

        def state() -> str:
            row = admin.execute("select state from communication.delivery where id = %s", [delivery]).fetchone()
            assert row is not None
            return row[0]

        admin.execute("delete from communication.job where key <> ''")  # what the test data has
        admin.execute(ORDER, [delivery, uuid4(), person])
        admin.execute(DUE, [str(delivery)])
        first = starts(FOREVER)
        until(lambda: bool(accepted()), "mail that the server accepted")
        assert state() == "sending"
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        heirs = [starts(AT_ONCE) for _ in range(2)]
        try:
            until(lambda: state() != "sending", "task that took it over")
            left = "select count(*) from communication.job where key = %s"
            until(lambda: admin.execute(left, [str(delivery)]).fetchone() == (0,), "end of its job")
            assert state() == "unknown"
            assert accepted() == [f"accepted {person}"], "once"
        finally:
            for heir in heirs:
                heir.terminate()
                heir.wait(timeout=BOUND)
