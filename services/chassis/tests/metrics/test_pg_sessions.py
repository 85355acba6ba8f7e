"""What a service sees of all open transactions of its database, as a role that may see nothing of other roles."""

import asyncio
import os
import signal
import subprocess

import asyncpg
import pytest

from gatehouse_chassis.data.statements import RowBuilder
from gatehouse_chassis.metrics.pg_sessions import SESSIONS, PgSessions, TransactionAges
from gatehouse_local.runner.postgres import Embedded
from gatehouse_local.testing.pytest_plugin import free_port


async def test_an_open_transaction_of_any_role_is_seen_and_whether_it_has_written(postgres):
    url = postgres.create_database()
    holder, looker = await asyncpg.connect(url), await asyncpg.connect(url)
    times = iter([0.0, 0.0, 100.0, 100.0, 400.0, 400.0, 500.0, 500.0])
    ages, rows = TransactionAges(clock=lambda: next(times)), RowBuilder(PgSessions)

    async def looked() -> tuple[float, float]:
        found = rows.build(await looker.fetchrow(SESSIONS))
        ages.saw(found.open_transactions)
        oldest = ages.oldest()
        return oldest["reading"], oldest["writing"]

    await holder.execute("create table thing (id int)")
    role = f"looker_{os.getpid()}"
    # The role is gone with the transaction: the server is one for all tests.
    await looker.execute(f"begin; create role {role}; set local role {role}")
    hidden = "select count(*) from pg_stat_activity where pid = $1 and xact_start is not null"
    await holder.execute("begin; select 1")
    assert await looker.fetchval(hidden, holder.get_server_pid()) == 0
    seen = [await looked(), await looked()]
    await holder.execute("lock table thing in access exclusive mode")
    seen.append(await looked())
    await holder.execute("rollback; begin; select 1")  # another transaction: it is young
    seen.append(await looked())
    assert seen == [(0, 0), (100, 0), (0, 400), (0, 0)]
    await holder.execute("rollback")
    assert rows.build(await looker.fetchrow(SESSIONS)).open_transactions == []
    await looker.close()
    await holder.close()


async def test_where_nothing_is_archived_there_is_no_age_of_it(database_url):
    connection = await asyncpg.connect(database_url)
    assert (await connection.fetchrow(SESSIONS))["archive_age_seconds"] is None
    await connection.close()


@pytest.mark.deep
async def test_the_age_of_the_archive_grows_while_archiving_fails_and_falls_when_it_works_again(tmp_path):
    server = Embedded(tmp_path / "state", free_port(), throwaway=True)
    server.prepare()
    command, environment = server.command()
    switch = tmp_path / "may_archive"
    archiving = ["-c", "wal_level=replica", "-c", "archive_mode=on", "-c", f"archive_command=test -e '{switch}'"]
    with subprocess.Popen([*command, *archiving], env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            server.wait_ready(still_running=lambda: process.poll() is None)
            connection = await asyncpg.connect(server.admin_url)
            rows = RowBuilder(PgSessions)

            async def age() -> float:
                await connection.execute("select pg_switch_wal(), pg_logical_emit_message(false, 'a', 'b')")
                found = rows.build(await connection.fetchrow(SESSIONS)).archive_age_seconds
                assert found is not None
                return found

            async with asyncio.timeout(120):
                failing = await age()
                while await connection.fetchval("select failed_count from pg_stat_archiver") == 0:
                    await asyncio.sleep(0.05)
                assert await age() > failing
                switch.touch()
                while await age() > failing:
                    await asyncio.sleep(0.05)
            await connection.close()
        finally:
            process.send_signal(signal.SIGQUIT)
