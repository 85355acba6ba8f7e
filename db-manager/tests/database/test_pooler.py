"""A real PgBouncer in the way: refused in each of its modes before anything is done, and nothing is left in its
sessions that the next one who is given them would find."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gatehouse_local.runner.postgres import unprivileged
from gatehouse_local.testing.pytest_plugin import free_port

from ..servers import ready

COLUMNS = {"email": {"type": "text"}}
SETTINGS = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
auth_type = plain
auth_file = {users}
pool_mode = {mode}
unix_socket_dir =
"""
LEFT = """
select (select count(*) from pg_locks join pg_database d on d.oid = database and d.datname = current_database()
    where locktype = 'advisory'), current_setting('search_path'),
    current_setting('client_min_messages'), current_setting('client_connection_check_interval')
"""


def program():
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if not found and os.environ.get("CI"):
        pytest.fail("PgBouncer isn't installed here.")
    return found or pytest.skip("PgBouncer isn't installed here. Fix: apt install pgbouncer")


@pytest.fixture(params=["transaction", "statement", "session"])
def pooler(request, database, tmp_path):
    """The database's address through a PgBouncer."""
    known, listen, command = conninfo_to_dict(database.url), free_port(), program()
    users = tmp_path / "users.txt"
    users.write_text(f'"{known["user"]}" "{known["password"]}"\n')
    given = {"host": known["host"], "port": known["port"], "listen": listen, "users": users, "mode": request.param}
    file = tmp_path / "pgbouncer.ini"
    file.write_text(SETTINGS.format(**given))
    words = [*unprivileged(tmp_path), command, "--quiet", str(file)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL, cwd=Path("/")) as process:
        yield ready(make_conninfo(database.url, port=listen, sslmode="disable", gssencmode="disable"), process)
        process.terminate()


def test_a_pooler_is_refused_before_anything_is_done(checkout, database, starter, pooler):
    """authentik #23876, tern #146: the lock stays with a session that is somebody else's by then."""
    checkout.collection(columns=COLUMNS)
    database.apply(checkout)
    checkout.collection(version="1.1.0.0", columns={**COLUMNS, "nick": {"type": "word"}})
    before = database.marks()
    with psycopg.connect(pooler, autocommit=True) as connection:
        fresh = connection.execute(LEFT).fetchone()
    for word in ("apply", "plan"):
        command = starter.start(word, checkout, pooler)
        assert command.wait() == 3, command.said
        assert "goes through a connection pooler" in command.said
        assert "Use the address of PostgreSQL itself" in command.said
        assert "for-tests-only" not in command.said
    with psycopg.connect(pooler, autocommit=True) as connection:
        assert connection.execute(LEFT).fetchone() == fresh
    assert database.marks() == before
    database.apply(checkout)
    assert database.plan(checkout).empty
