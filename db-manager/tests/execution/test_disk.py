"""A full disk: of an index, of the tables, and of PostgreSQL's log of changes (WAL), without which the server itself
can't go on. Each ends with 4 and says why; once there is room, applying again comes through."""

import contextlib
import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from ..servers import server
from ..world import Database

COLUMNS = {"email": {"type": "text"}}
KEY = {"type": "identity", "required": True}
INDEXES = {"by_name": {"columns": ["name", "id"]}}
ROWS = 40_000
# No WAL is given back meanwhile, so that the same always has room.
KEPT = {"checkpoint_timeout": "1h", "max_wal_size": "1GB", "autovacuum": "off"}


class Disk:
    """A disk in memory, of a size that can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def mount(self, megabytes: int, *, again: bool = False) -> bool:
        options = f"size={megabytes}m,mode=0777{',remount' if again else ''}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def leave(self, megabytes: int) -> None:
        """From now on so much is free."""
        used = os.statvfs(self.folder)
        taken = (used.f_blocks - used.f_bfree) * used.f_frsize
        assert self.mount(-(-taken // 2**20) + megabytes, again=True)


@contextlib.contextmanager
def database_on(data: Path, log: Path, wal: Path | None = None) -> Generator[Database]:
    """The database `postgres` of a server that has its files there."""
    with server(18, data, log, wal=wal, **KEPT) as (url, _):
        yield Database(url)


@pytest.fixture
def disk(tmp_path):
    made = Disk(tmp_path / "disk")
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if not made.mount(400):
        pytest.skip("mounting a small disk is not allowed here")
    yield made
    subprocess.run(["umount", "-l", str(made.folder)], check=False)


def people(checkout, database):
    checkout.collection(columns=COLUMNS)
    database.apply(checkout)
    database.people(ROWS)


def build(checkout):
    checkout.collection(version="1.1.0.0", columns=COLUMNS, indexes=INDEXES)


def fill(checkout):
    """A column that is filled in batches."""
    checkout.collection(version="1.2.0.0", columns={**COLUMNS, "key": KEY}, indexes=INDEXES)


def fails(starter, checkout, database):
    command = starter.start("apply", checkout, database.url)
    assert command.wait() == 4, command.said
    assert "No space left on device. The database's disk is full: free some space first." in command.said
    assert "pply again" in command.said
    assert "Traceback" not in command.said
    return command.said


def comes_through(database, checkout):
    database.apply(checkout)
    assert database.plan(checkout).empty
    assert database.done_twice() == []
    assert database.tables()["person"].indexes["person_by_name"].valid


def test_an_index_and_a_table_without_room(checkout, starter, disk, tmp_path):
    with database_on(disk.folder / "data", tmp_path / "log") as database:
        people(checkout, database)
        before = database.tables()
        build(checkout)
        disk.leave(1)
        assert "The step was undone" in fails(starter, checkout, database)
        assert database.tables() == before
        assert database.run("select version from dbm.version") == [("1.0.0.0",)]
        disk.leave(200)
        comes_through(database, checkout)
        fill(checkout)
        disk.leave(1)
        assert "Completed batches are kept" in fails(starter, checkout, database)
        assert database.run("select version from dbm.version") == [("1.1.0.0",)]
        disk.leave(200)
        comes_through(database, checkout)
        assert database.value("select count(distinct key) from person.person") == ROWS


def test_a_log_of_changes_without_room(checkout, starter, disk, tmp_path):
    """PostgreSQL itself ends then, with a PANIC; its last words reach us, and so whoever reads ours."""
    places = {"data": tmp_path / "data", "log": tmp_path / "log", "wal": disk.folder / "wal"}
    with database_on(**places) as database:
        people(checkout, database)
        fill(checkout)
        disk.leave(1)
        assert "The connection was lost. Completed steps are recorded" in fails(starter, checkout, database)
    disk.leave(200)
    with database_on(**places) as database:
        assert database.run("select version from dbm.version") == [("1.0.0.0",)]
        comes_through(database, checkout)
        assert database.value("select count(distinct key) from person.person") == ROWS
