"""The database's disk is full: what was acknowledged is stored, what wasn't is refused with a reason, reading goes on.

PostgreSQL on a file system of 160 MB in a namespace of its own, and a service on it.
"""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gatehouse_chassis.testing import serving
from gatehouse_local.runner.postgres import NAMESPACE, binary
from gatehouse_local.testing.pytest_plugin import Postgres
from gatehouse_local.testing.shared_process import free_port
from gatehouse_local.testing.waiting import until
from gatehouse_partner.app import create

IN_NAMESPACE = [*NAMESPACE, "--mount", "--keep-caps"]
# Two segments of the log are made ahead, so that it is the tables that find no room.
SERVER = """
mount -t tmpfs -o size=160m none "$1"
"$2/initdb" -D "$1/data" -U postgres -A trust --no-sync --encoding=UTF8 \\
    --locale-provider=builtin --builtin-locale=C.UTF-8
exec "$2/postgres" -D "$1/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \\
    -c shared_buffers=16MB -c min_wal_size=48MB -c max_wal_size=48MB -c autovacuum=off
"""
TRIES = 3_000
TEXT = "x" * 1_000
pytestmark = [pytest.mark.deep, pytest.mark.timeout(600)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    if subprocess.run([*IN_NAMESPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("A disk of its own takes user namespaces (sysctl user.max_user_namespaces).")
    folder, port = tmp_path / "disk", free_port()
    folder.mkdir()
    command = [*IN_NAMESPACE, "sh", "-ec", SERVER, "sh", str(folder), str(binary("postgres").parent), str(port)]
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            until(lambda: _accepts(url), f"PostgreSQL (its log: {log.name})", seconds=120)
            yield Postgres(url, tmp_path)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once, whoever is connected


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _fill(url: str) -> None:
    """Takes what room there is, in ever smaller parts. Unlogged: the log keeps its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create unlogged table public.filler (text text)")
        for rows in (2_000, 100, 5):
            with contextlib.suppress(psycopg.errors.DiskFull):
                while True:
                    connection.execute(
                        "insert into filler select repeat('x', 7000) from generate_series(1, %s)", (rows,)
                    )


async def test_a_full_disk_loses_nothing_and_says_what_it_is(server: Postgres, workspace_root: Path) -> None:
    url = server.create_database(server.seeded_template(workspace_root))
    async with serving("partner", create, database_url=server.role_url(url, "partner_service")) as partner:
        staff, stored, refused = partner.by(7, roles=["staff"]), set(), []
        _fill(url)
        for number in range(TRIES):
            new = {"name": f"Full {number}", "kind": "employer", "summary": TEXT}
            answer = await partner.post("/api/partner/partners", json=new, headers=staff)
            if answer.status_code == 201:
                stored.add(new["name"])
            else:
                refused.append(answer)
            if len(refused) == 20:
                break
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.json()["type"] for answer in refused} == {"urn:gatehouse:problem:database-takes-no-changes"}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert (await partner.get("/api/partner/partners", headers=staff)).status_code == 200
        assert (await partner.get("/health/ready")).status_code == 200
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("drop table public.filler")
            rows = connection.execute("select name from partner.partner where starts_with(name, 'Full ')").fetchall()
        assert {name for (name,) in rows} == stored
        answer = await partner.post("/api/partner/partners", json=new | {"name": "Full no more"}, headers=staff)
        assert answer.status_code == 201
