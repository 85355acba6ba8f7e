"""The engine against a real PostgreSQL: each trap of Piccolo 1.38's is a test here."""

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from piccolo.columns import JSONB, Integer, Text
from piccolo.table import Table
from structlog.testing import capture_logs

from gatehouse_chassis.data.database import MOST_WAITING, Database, NotOpen
from gatehouse_chassis.data.database_problems import Busy, Unreachable
from gatehouse_chassis.data.transactions import TransactionMisuse
from gatehouse_chassis.http.versions import DatabaseVersions
from gatehouse_chassis.metrics.pg_sessions import SESSIONS, PgSessions

DB = Database("house")

TABLES = """
create schema house;
create table house.note (id int primary key, text text not null, details jsonb);
create table house.owner (id int primary key);
create table house.pet (id int primary key, owner_id int references house.owner deferrable initially deferred);
"""


class Note(Table, db=DB, tablename="note", schema="house"):
    id = Integer(primary_key=True)
    text = Text()
    details = JSONB(null=True)


@pytest.fixture(scope="module")
def url(postgres) -> str:
    return postgres.create_database()


@pytest.fixture
async def fresh(url):
    connection = await asyncpg.connect(url)
    await connection.execute("drop schema if exists house cascade")
    await connection.execute(TABLES)
    await connection.close()
    return url


@asynccontextmanager
async def opened(url, **options):
    chosen: dict[str, Any] = {"application_name": "test", "max_size": 3, **options}
    await DB.open(url, **chosen)
    try:
        yield DB
    finally:
        await DB.close()


class Undo(Exception):
    """Raised to make a transaction roll back."""


@asynccontextmanager
async def undone():
    try:
        async with DB.transaction():
            yield
            raise Undo
    except Undo:
        return


async def texts() -> list[str]:
    return [record["text"] for record in await DB.fetch("select text from note order by id")]


async def write(id: int, text: str = "x") -> None:
    await DB.execute("insert into note (id, text) values ($1, $2)", id, text)


def test_importing_a_services_tables_connects_to_nothing_and_leaves_black_alone():
    code = (
        "import socket, sys\n"
        "socket.socket.connect = socket.socket.connect_ex = lambda *a: sys.exit('it connected')\n"
        "from gatehouse_chassis.data.database import Database\n"
        "from piccolo.table import Table\n"
        "from piccolo.columns import Text\n"
        "class Note(Table, db=Database('house'), tablename='note', schema='house'):\n"
        "    text = Text()\n"
        "assert 'black' not in sys.modules, 'black was imported'\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


async def test_a_database_that_was_never_opened_says_how_to_open_it():
    with pytest.raises(NotOpen, match=r"DB\.open"):
        await Database("house").fetch("select 1")


async def test_sessions_have_their_name_schema_and_timeouts(fresh):
    async with opened(fresh, application_name="person", statement_timeout=1234, lock_timeout=567):
        shown = [
            await DB.fetchval(f"show {name}")
            for name in ("application_name", "search_path", "statement_timeout", "lock_timeout", "timezone")
        ]
    assert shown == ["person", "house", "1234ms", "567ms", "UTC"]


async def test_a_statement_that_takes_too_long_is_stopped(fresh):
    async with opened(fresh, statement_timeout=50):
        with pytest.raises(asyncpg.QueryCanceledError):
            await DB.fetch("select pg_sleep(10)")
        assert await DB.fetchval("select 1") == 1


async def test_a_transaction_commits_and_an_exception_rolls_back(fresh):
    async with opened(fresh):
        async with DB.transaction():
            await write(1, "kept")
        async with undone():
            await write(2, "undone")
        assert await texts() == ["kept"]


async def test_failed_commits_give_their_connections_back(fresh):
    async with opened(fresh, max_size=3):
        for id in range(5):
            with pytest.raises(asyncpg.ForeignKeyViolationError):
                async with DB.transaction():
                    await DB.execute("insert into pet values ($1, 99)", id)
        assert await asyncio.gather(*(DB.fetchval("select 1") for _ in range(3))) == [1, 1, 1]
        assert DB.pool_state().idle == DB.pool_state().size


async def test_a_nested_transaction_is_a_savepoint(fresh):
    async with opened(fresh):
        async with DB.transaction():
            await write(1, "outer")
            with pytest.raises(asyncpg.UniqueViolationError):
                await _write_twice()
            async with DB.transaction():
                await write(3, "second inner")
        assert await texts() == ["outer", "second inner"]


async def _write_twice() -> None:
    async with DB.transaction():
        await write(2, "inner")
        await write(1, "twice")


async def test_what_an_inner_transaction_kept_goes_with_the_outer_one(fresh):
    async with opened(fresh):
        async with undone():
            async with DB.transaction():
                await write(1)
            assert await texts() == ["x"]
        assert await texts() == []


async def test_gather_inside_a_transaction_takes_turns_on_its_connection(fresh):
    async with opened(fresh):
        async with undone():
            await asyncio.gather(*(write(id) for id in range(10)))
            assert len(await texts()) == 10
        assert await texts() == []


async def test_a_nested_transaction_of_another_task_is_refused(fresh):
    async def nested():
        async with DB.transaction():
            await write(1)

    async with opened(fresh):
        with pytest.raises(TransactionMisuse, match="another task"):
            async with DB.transaction():
                await asyncio.gather(nested(), nested())
        assert await texts() == []


async def test_a_task_that_outlives_its_transaction_is_told_so(fresh):
    go = asyncio.Event()

    async def late():
        await go.wait()
        await write(1)

    async with opened(fresh):
        async with DB.transaction():
            task = asyncio.create_task(late())
            await DB.fetchval("select 1")
        go.set()
        with pytest.raises(TransactionMisuse, match="has ended"):
            await task
        assert await texts() == []


async def test_a_statement_makes_no_task(fresh):
    """A task costs more than all that the pool has to do."""
    tasks = []
    loop = asyncio.get_running_loop()
    async with opened(fresh, max_size=1):
        loop.set_task_factory(lambda loop, work, **more: tasks.append(work) or asyncio.Task(work, loop=loop, **more))
        try:
            assert await DB.fetchval("select 1") == 1
        finally:
            loop.set_task_factory(None)
    assert tasks == []


async def test_a_statement_that_is_cut_off_frees_its_place(fresh):
    async with opened(fresh, max_size=1, acquire_timeout=5):
        for _ in range(3):
            statement = asyncio.create_task(DB.fetchval("select pg_sleep(30)"))
            async with asyncio.timeout(20):
                while DB.pool_state().idle:
                    await asyncio.sleep(0)
            statement.cancel()
            with pytest.raises(asyncio.CancelledError):
                await statement
            assert await DB.fetchval("select 1") == 1


async def test_cancelling_in_a_transaction_rolls_back_and_gives_the_connection_back(fresh):
    async with opened(fresh, max_size=1):
        began = asyncio.Event()

        async def slow():
            async with DB.transaction():
                await write(1)
                began.set()
                await DB.fetch("select pg_sleep(30)")

        task = asyncio.create_task(slow())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await texts() == []


async def test_waiting_for_a_connection_ends_with_busy_and_is_counted(fresh, monkeypatch):
    async with opened(fresh, max_size=1):
        before = DB.counters.timeouts
        async with DB.transaction():
            monkeypatch.setattr(DB, "_acquire_timeout", 0.05)  # only now: a slow machine may need it to connect
            held = asyncio.get_running_loop().create_task(_outside_of_it())
            with pytest.raises(Busy, match="in use") as caught:
                await held
        monkeypatch.undo()
        assert caught.value.status == 503
        assert caught.value.headers["Retry-After"] == "1"
        assert DB.counters.timeouts == before + 1
        assert await DB.fetchval("select 1") == 1


async def _outside_of_it() -> None:
    DB.current_transaction.set(None)
    await DB.fetchval("select 1")


async def test_a_slow_statement_is_told_without_its_values_and_with_the_servers_own_number(fresh):
    async with opened(fresh, slow_statement=50):
        before = DB.counters.slow
        with capture_logs() as told:
            pid = await DB.fetchval("select pg_backend_pid()")
            await DB.fetchval("select pg_sleep(0.06),\n    $1::text", "hunter2")
            async with DB.transaction():
                await DB.fetchval("select pg_sleep($1)", 0.06)
            with pytest.raises(asyncpg.DivisionByZeroError):  # what ended badly was slow all the same
                await DB.fetchval("select 1 / length(pg_sleep(0.06)::text)")
        assert {line["event"] for line in told} == {"slow statement"}
        assert DB.counters.slow == before + len(told)
        # A slow machine makes others slow, too.
        slept = [line for line in told if "sleep" in line["sql"]]
        assert [line["sql"] for line in slept] == [
            "select pg_sleep(0.06), $1::text",
            "select pg_sleep($1)",
            "select 1 / length(pg_sleep(0.06)::text)",
        ]
        assert all(line["milliseconds"] >= 60 and line["pid"] == pid for line in slept)


VERSIONS = """
create schema if not exists dbm;
drop table if exists dbm.version;
create table dbm.version (schema text, collection text, version text, applied_at timestamptz default now());
insert into dbm.version values ('house', 'note', '1.0.0.0');
"""


async def test_readiness_answers_while_every_connection_is_taken(fresh):
    connection = await asyncpg.connect(fresh)
    await connection.execute(VERSIONS)
    await connection.close()
    async with opened(fresh, max_size=1):
        source = DatabaseVersions(DB)
        held = asyncio.create_task(DB.fetchval("select pg_sleep(5)"))
        while not DB.pool_state().size or DB.pool_state().idle:  # until it is under way
            await asyncio.sleep(0)
        seen = await source.versions()
        assert [document.collection for document in seen] == ["note"]
        await _end_connections(fresh)
        assert await source.versions() == seen
        held.cancel()


@pytest.mark.parametrize("ahead", [0, 3600, -3600])
async def test_the_database_says_how_far_our_clock_is_off(fresh, ahead):
    connection = await asyncpg.connect(fresh)
    await connection.execute(VERSIONS)
    await connection.close()
    async with opened(fresh, max_size=1):
        source = DatabaseVersions(DB, lambda: time.time() + ahead)
        await source.versions()
        assert source.clock_offset == pytest.approx(-ahead, abs=60)


async def test_while_every_writer_waits_for_one_row_others_still_read(fresh):
    """One locked row (a migration, somebody's psql) once took all four connections, and with them every other table."""
    holder = await asyncpg.connect(fresh)
    async with opened(fresh, max_size=4, lock_timeout=30_000), asyncio.timeout(60):
        await write(1)
        held = holder.transaction()
        await held.start()
        await holder.execute("update house.note set text = 'held' where id = 1")
        change = "update note set text = 'x' where id = 1"

        async def changed_in_a_transaction() -> None:
            async with DB.transaction():
                await DB.execute(change)

        writers: list[asyncio.Task[Any]] = [asyncio.create_task(DB.execute(change)) for _ in range(6)]
        writers += [asyncio.create_task(changed_in_a_transaction()) for _ in range(6)]
        while DB.pool_state().size - DB.pool_state().idle < 3:
            await asyncio.sleep(0)
        assert await asyncio.gather(*(DB.fetchval("select 1") for _ in range(20))) == [1] * 20
        await held.rollback()
        await asyncio.gather(*writers)
        assert await texts() == ["x"]
        async with DB.transaction():  # every permit is back
            await DB.execute(change)
    await holder.close()


async def test_changes_that_wait_for_a_connection_are_bounded_in_number_and_time(fresh, monkeypatch):
    async with opened(fresh, max_size=2):
        done = asyncio.Event()

        async def holding() -> None:
            async with DB.transaction():
                await done.wait()

        held = asyncio.create_task(holding())
        while not DB.pool_state().size or DB.pool_state().idle:
            await asyncio.sleep(0)
        monkeypatch.setattr(DB, "_acquire_timeout", 0.2)  # only now: a slow machine may need it to connect
        waiting = [
            asyncio.create_task(DB.execute("delete from note where id = 0")) for _ in range(2 * MOST_WAITING + 1)
        ]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(result) for result in results} == {Busy}
        assert "Too many" in str(results[-1])
        done.set()
        await held


async def test_the_pool_can_be_read(fresh):
    assert DB.pool_state() == (0, 0, 0, 0)
    async with opened(fresh, max_size=2):
        async with DB.transaction():
            assert DB.pool_state() == (1, 0, 0, 2)
        assert DB.pool_state() == (1, 1, 0, 2)
    async with opened(fresh, max_size=1), asyncio.timeout(60):
        two = [asyncio.create_task(DB.fetchval("select pg_sleep(0.05)")) for _ in range(2)]
        while not DB.pool_state().waiting:
            await asyncio.sleep(0)
        assert DB.pool_state() == (1, 0, 1, 1)
        await asyncio.gather(*two)
        assert DB.pool_state() == (1, 1, 0, 1)


async def test_a_session_that_waits_for_a_lock_is_seen(fresh):
    holder, waiter = await asyncpg.connect(fresh), await asyncpg.connect(fresh)
    async with opened(fresh), asyncio.timeout(60):
        look = DB.prepare_sql(SESSIONS, PgSessions)
        held = holder.transaction()
        await held.start()
        await holder.execute("lock table house.note in access exclusive mode")
        waiting = asyncio.create_task(waiter.fetchval("select count(*) from house.note"))
        while (seen := await look.one()) is None or not seen.waiting_for_lock:
            pass
        assert (seen.waiting_for_lock, seen.idle_in_transaction) == (1, 1)
        assert seen.oldest_transaction_seconds > 0
        await held.rollback()
        assert await waiting == 0
    await holder.close()
    await waiter.close()


async def test_reads_survive_the_server_ending_every_connection(fresh):
    async with opened(fresh, max_size=3):
        await asyncio.gather(*(DB.fetchval("select pg_sleep(0.01)") for _ in range(3)))
        await _end_connections(fresh)
        assert await asyncio.gather(*(DB.fetchval("select 1") for _ in range(6))) == [1] * 6
        await _end_connections(fresh)
        async with DB.transaction():
            await write(1)
        assert await texts() == ["x"]


async def _end_connections(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_a_database_that_is_dropped_and_made_again_is_found_again(postgres):
    url = postgres.create_database()
    name = url.rpartition("/")[2].partition("?")[0]
    administrator = await asyncpg.connect(postgres.url)
    async with opened(url, max_size=3):
        await asyncio.gather(*(DB.fetchval("select pg_sleep(0.01)") for _ in range(3)))
        await administrator.execute(f'drop database "{name}" with (force)')
        with pytest.raises(Unreachable):
            await DB.fetchval("select 1")
        await administrator.execute(f'create database "{name}"')
        assert await DB.fetchval("select 1") == 1
    await administrator.close()


async def test_a_database_that_isnt_there_is_unreachable_and_says_nothing_of_its_address(postgres):
    elsewhere = postgres.create_database() + "_not"
    with pytest.raises(Unreachable) as caught:
        async with opened(elsewhere):
            pass
    assert caught.value.detail == "The database doesn't exist (yet)."
    assert DB.pool is None
    async with opened(elsewhere, min_size=0):
        with pytest.raises(Unreachable):
            await DB.fetchval("select 1")


async def test_documents_are_values_on_both_sides_with_and_without_piccolo(fresh):
    document = {"a": [1, None, "ü"], "b": {"c": True}}
    async with opened(fresh):
        await DB.execute("insert into note values (1, 'sql', $1)", document)
        await Note.insert(Note(id=2, text="piccolo", details=document))
        found = await Note.select(Note.details).order_by(Note.id)
    assert found == [{"details": document}, {"details": document}]


async def test_piccolo_queries_run_in_the_transaction(fresh):
    async with opened(fresh):
        async with undone():
            await Note.insert(Note(id=1, text="x"))
            assert await Note.count() == 1
        assert await Note.count() == 0
