"""What a service sees of all open transactions of its database, as a role that may see nothing of other roles."""

import os

import asyncpg

from gatehouse_chassis.data.statements import RowBuilder
from gatehouse_chassis.metrics.pg_sessions import SESSIONS, PgSessions, TransactionAges


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
