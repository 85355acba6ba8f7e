"""The only path to PostgreSQL: a Piccolo engine on one pool, created at import and connected when the app starts.

It replaces what Piccolo 1.38's own engine gets wrong under load (each has a test): that one connects at import, keeps
the connection of a failed COMMIT for ever, ignores a nested transaction, and waits for a connection without a limit.
Here nothing connects before `open`, every connection returns to the pool, nesting is a savepoint and waiting ends.
Queries are Piccolo's; `DB.prepare` (statements.py) runs them without the cost of building them for each request.

    DB = Database("person")                                       # tables.py; connects to nothing

    await DB.open(url, application_name="person", max_size=8)     # the app's start; the chassis does this
    async with DB.transaction():                                  # commits, or rolls back on any exception
        await FIRST.execute(...)
        with contextlib.suppress(asyncpg.UniqueViolationError):
            async with DB.transaction():                          # a savepoint: only this part is undone
                await SECOND.execute(...)
    await DB.close()

Outside a transaction each statement takes a connection for as long as it runs. Sessions aren't reset between uses
(a round trip each): change settings with SET LOCAL, and take advisory locks with pg_advisory_xact_lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime
import hashlib
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, cast

import asyncpg
import msgspec
import structlog
from piccolo.engine.postgres import PostgresEngine
from piccolo.querystring import QueryString
from piccolo.table import Table

from gatehouse_chassis.data.database_problems import Busy, Unreachable
from gatehouse_chassis.data.recording import ChangeRecorder
from gatehouse_chassis.data.statements import Statement, compiled, written
from gatehouse_chassis.data.transactions import GONE, Transaction, only_reads

# Characters of a slow statement in the log: of its begin, and of its end, where the conditions are.
LONGEST_SHOWN = (250, 250)
MOST_WAITING = 16  # callers that wait, for each connection; more would wait longer than their own callers do

log = structlog.get_logger()

NOT_REACHED = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""How connecting can fail: refused, no such database, wrong password, too many clients, starting up."""


class NotOpen(RuntimeError):
    """The code asked for data before the app opened its database, or after it closed it."""


class PoolState(NamedTuple):
    size: int
    idle: int
    waiting: int
    max: int


class PoolCounters(msgspec.Struct):
    """Counters for /metrics; they only grow."""

    acquired: int = 0
    waited: int = 0
    waited_seconds: float = 0.0
    timeouts: int = 0
    reconnects: int = 0
    slow: int = 0


class PooledConnection(asyncpg.Connection):
    """Skips asyncpg's `RESET ALL; ...` round trip at every release: this code leaves no session state behind."""

    def get_reset_query(self) -> str:
        return ""


def _document(value: Any) -> bytes:
    # Piccolo hands over documents as JSON text already; everything else is encoded here.
    return b"\x01" + (value.encode() if isinstance(value, str) else msgspec.json.encode(value))


async def _prepare_session(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_document,
        decoder=lambda data: msgspec.json.decode(data[1:]),
        format="binary",
    )


class Database(PostgresEngine):
    """A service's schema.

    Attributes:
        shared_secret: 32 bytes that all tasks of the service have and nobody else, from how it signs in; empty until
            `open`.
    """

    def __init__(self, schema: str) -> None:
        # PostgresEngine.__init__ would connect (version check, extensions), so its fields are set here instead.
        self.schema = schema
        self.engine_type = "postgres"
        self.min_version_number = 15
        self.config: dict[str, Any] = {}
        self.extensions = ()
        self.extra_nodes = {}
        self.log_queries = False
        self.log_responses = False
        self.query_id = 0
        self.pool: asyncpg.Pool | None = None
        self.current_transaction = contextvars.ContextVar(f"transaction_{schema}", default=None)
        self.counters = PoolCounters()
        self.history: ChangeRecorder | None = None
        self._waiting = 0
        self._acquire_timeout = 5.0
        self._slow_seconds = 0.2
        self._writers = asyncio.Semaphore(1)
        self._aside: asyncpg.Connection | None = None
        self._aside_lock = asyncio.Lock()
        self._max_size = 0
        self.shared_secret = b""

    # Opening and closing

    async def open(
        self,
        url: str,
        *,
        application_name: str,
        max_size: int = 4,
        min_size: int = 1,
        acquire_timeout: float = 5.0,
        statement_timeout: int = 5_000,
        lock_timeout: int = 1_000,
        idle_in_transaction_timeout: int = 10_000,
        slow_statement: int = 200,
        idle_connection_seconds: float = 300.0,
    ) -> None:
        """Open the pool. `acquire_timeout` is in seconds, the others in milliseconds (PostgreSQL's own settings).

        A statement that takes longer than `slow_statement` is logged with the request's ids. A connection that isn't
        used for `idle_connection_seconds` is closed.

        Raises Unreachable when `min_size` connections can't be made; with `min_size=0` it always succeeds, and the
        first statement connects.
        """
        if self.pool is not None:
            raise RuntimeError(f"Database({self.schema!r}) is open already; close it before opening it again.")
        self._acquire_timeout = acquire_timeout
        self._slow_seconds = slow_statement / 1000
        self._max_size = max_size
        self.config = {
            "dsn": url,
            "timeout": acquire_timeout,
            "connection_class": PooledConnection,
            "server_settings": {
                "application_name": application_name,
                "search_path": self.schema,
                "statement_timeout": str(statement_timeout),
                "lock_timeout": str(lock_timeout),
                "idle_in_transaction_session_timeout": str(idle_in_transaction_timeout),
                "timezone": "UTC",
                "jit": "off",  # compiling costs more than these short statements take
            },
        }
        self.shared_secret = hashlib.sha256(b"shared by all tasks\x00" + url.encode()).digest()
        self._writers = asyncio.Semaphore(max(1, max_size - 1))
        self._aside_lock = asyncio.Lock()
        try:
            self.pool = await asyncpg.create_pool(
                **self.config,
                min_size=min(min_size, max_size),
                max_size=max_size,
                max_inactive_connection_lifetime=idle_connection_seconds,
                init=_prepare_session,
            )
        except NOT_REACHED as error:
            raise Unreachable(_why(error)) from error

    async def close(self, grace: float = 5.0) -> None:
        """Wait for connections in use, and terminate those that are left after `grace` seconds."""
        pool, self.pool = self.pool, None
        if self._aside is not None:
            self._aside.terminate()
            self._aside = None
        if pool is None:
            return
        try:
            async with asyncio.timeout(grace):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    def pool_state(self) -> PoolState:
        if self.pool is None:
            return PoolState(0, 0, 0, 0)
        return PoolState(self.pool.get_size(), self.pool.get_idle_size(), self._waiting, self._max_size)

    # Connections

    async def acquire(self) -> Any:
        """A connection of the pool, to be given back with `release`; Busy after `acquire_timeout` seconds."""
        pool = self._open_pool()
        self.counters.acquired += 1
        # An idle connection is there at once: no timer (and, before 3.12, no task) for the usual case.
        if pool.get_idle_size():
            return await self._connected(pool, None)
        started = time.monotonic()
        self._waiting += 1
        try:
            return await self._connected(pool, self._acquire_timeout)
        finally:
            self._waiting -= 1
            self.counters.waited += 1
            self.counters.waited_seconds += time.monotonic() - started

    async def _connected(self, pool: asyncpg.Pool, longest: float | None) -> Any:
        try:
            if longest is None:
                return await pool.acquire()
            # asyncpg's own timeout makes a task of each wait before Python 3.12: 14 microseconds.
            async with asyncio.timeout(longest):
                return await pool.acquire()
        except TimeoutError:
            self.counters.timeouts += 1
            size = f"all {self._max_size} connections are in use" if pool.get_size() else "PostgreSQL doesn't answer"
            raise Busy(f"No database connection within {self._acquire_timeout:g} s ({size}). Try again.") from None
        except NOT_REACHED as error:
            raise Unreachable(_why(error)) from error

    async def release(self, connection: Any) -> None:
        """Return a connection. One that can't be cleaned is closed, and its place in the pool becomes free."""
        pool = self.pool
        try:
            if pool is None:
                connection.terminate()
            else:
                await _give_back(connection)
        except (asyncpg.PostgresError, *GONE):
            return

    async def expire(self) -> None:
        """Replace each connection when it is next acquired: the server has ended at least one of them."""
        self.counters.reconnects += 1
        await self._open_pool().expire_connections()

    def _open_pool(self) -> asyncpg.Pool:
        if self.pool is None:
            raise NotOpen(
                f"Database({self.schema!r}) isn't open. In an app the lifespan opens it: create_app(..., database=DB); "
                f"in a script or a test, `await DB.open(url, application_name=...)` first."
            )
        return self.pool

    # Statements

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        return await self._call("fetch", sql, args)

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        return await self._call("fetchrow", sql, args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self._call("fetchval", sql, args)

    async def now(self) -> datetime.datetime:
        """The database's clock, on which all tasks agree; in a transaction, when that began."""
        # By hand: Piccolo's queries are about tables.
        return await self.fetchval("select now()")

    async def advisory_lock(self, name: str) -> None:
        """Until the transaction ends, nobody else who asks for the lock of this name goes on."""
        # By hand: a lock that is no row's.
        await self.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", name)

    async def try_advisory_lock(self, name: str) -> bool:
        """The same lock, unless somebody has it."""
        # By hand: a lock that is no row's.
        return await self.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", name)

    async def lock_timeout(self, milliseconds: int) -> None:
        """How long a statement waits for a lock, until the transaction ends."""
        # By hand: Piccolo has no settings.
        await self.execute("select set_config('lock_timeout', $1, true)", str(milliseconds))

    async def execute(self, sql: str, *args: Any) -> str:
        """PostgreSQL's command tag, such as `UPDATE 1`."""
        return await self._call("execute", sql, args)

    async def _call(self, method: str, sql: str, args: tuple) -> Any:
        transaction = self.running()
        if transaction is not None:
            return await transaction.call(method, sql, args)
        try:
            return await self._once(method, sql, args)
        except GONE:
            if not only_reads(sql):
                raise
        await self.expire()
        return await self._once(method, sql, args)

    async def _once(self, method: str, sql: str, args: tuple) -> Any:
        permit = None if only_reads(sql) else await self.write_permit()
        try:
            connection = await self.acquire()
            try:
                return await self.timed(connection, method, sql, args)
            finally:
                await self.release(connection)
        finally:
            if permit is not None:
                permit.release()

    async def write_permit(self) -> asyncio.Semaphore:
        """Leave to use a connection for what may wait for another's lock; `release` it afterwards. Raises Busy.

        There is one less of them than connections, so that while every writer waits for one locked row (a migration,
        somebody's psql), others still read.
        """
        permits = self._writers
        if not permits.locked():
            await permits.acquire()
            return permits
        if self._waiting >= MOST_WAITING * self._max_size:
            self.counters.timeouts += 1
            raise Busy("Too many changes wait for a database connection. Try again.")
        started = time.monotonic()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._acquire_timeout):
                await permits.acquire()
        except TimeoutError:
            self.counters.timeouts += 1
            raise Busy(f"Other changes held the database for {self._acquire_timeout:g} s. Try again.") from None
        finally:
            self._waiting -= 1
            self.counters.waited += 1
            self.counters.waited_seconds += time.monotonic() - started
        return permits

    async def fetch_aside(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """On a connection beside the pool: for what must be answered while every connection of the pool is taken."""
        async with self._aside_lock:
            if self._aside is None or self._aside.is_closed():
                try:
                    self._aside = await self.get_new_connection()
                except NOT_REACHED as error:
                    raise Unreachable(_why(error)) from error
            connection = self._aside
            try:
                return await connection.fetch(sql, *args)
            except BaseException:  # cut off, or nobody waits any more: the next look begins anew
                self._aside = None
                connection.terminate()
                raise

    async def timed(self, connection: Any, method: str, sql: str, args: tuple) -> Any:
        """Runs one statement on a connection. A slow one is logged: its SQL, in which values are $1, $2, ..., the
        request's ids, and the `pid` by which PostgreSQL's own log and pg_stat_activity know it.
        """
        started = time.perf_counter()
        try:
            return await getattr(connection, method)(sql, *args)
        finally:
            seconds = time.perf_counter() - started
            if seconds >= self._slow_seconds:
                self._log_slow(connection, sql, seconds)

    def _log_slow(self, connection: Any, sql: str, seconds: float) -> None:
        self.counters.slow += 1
        pid = None
        with contextlib.suppress(asyncpg.InterfaceError):  # the connection broke meanwhile
            pid = connection.get_server_pid()
        text = " ".join(sql.split())
        first, last = LONGEST_SHOWN
        if len(text) > first + last:
            text = f"{text[:first]} ... {text[-last:]}"
        log.warning("slow statement", milliseconds=round(seconds * 1000, 1), sql=text, pid=pid)

    def prepare(self, query: Any, row: Any = None) -> Statement[Any]:
        """Compiles a Piccolo query once; see statements.py."""
        return compiled(self, query, row)

    def prepare_sql(self, sql: str, row: Any = None) -> Statement[Any]:
        """What Piccolo can't say, with $1, $2, ... for the values."""
        return written(self, sql, row)

    # Piccolo's side

    def running(self) -> Transaction | None:
        """The innermost transaction that this task is in."""
        return cast("Transaction | None", self.current_transaction.get())

    def transaction(self, allow_nested: bool = True, asks: bool = False) -> Transaction:
        return Transaction(self, allow_nested=allow_nested, asks=asks)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Calls it once the outermost transaction has committed; at once where there is none.

        It may be called too often (of a savepoint that was undone), and not at all when the process dies.
        """
        transaction = self.running()
        if transaction is None:
            call()
        elif call not in transaction.after_commit:
            transaction.after_commit.append(call)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> list[asyncpg.Record]:
        sql, args = querystring.compile_string(engine_type="postgres")
        return await self.fetch(sql, *args)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> list[asyncpg.Record]:
        return await self.fetch(ddl)

    async def get_new_connection(self) -> asyncpg.Connection:
        """For Piccolo's `batch`: a connection beside the pool."""
        self._open_pool()
        connection = await asyncpg.connect(**self.config)
        await _prepare_session(connection)
        return connection

    async def start_connection_pool(self, **kwargs: Any) -> None:
        raise TypeError("Use `await DB.open(url, ...)`.")

    async def close_connection_pool(self) -> None:
        await self.close()


async def _give_back(connection: Any) -> None:
    """What asyncpg's `Pool.release` does, in the caller's task.

    asyncpg makes a task of it, so that nobody who is cancelled interrupts the reset of a session. Here sessions aren't
    reset, so there is nothing to wait for, except where a statement is being cancelled or the connection closed; who is
    cancelled meanwhile ends the connection, and its place becomes free.
    """
    if connection._con is None:  # given back already
        return
    connection._con._on_release()
    await connection._holder.release(connection._holder._timeout)


def database_of(table: type[Table]) -> Database:
    """Of a table declared with `db=DB`."""
    database = table._meta.db
    if not isinstance(database, Database):
        raise TypeError(f"class {table.__name__}(Table, db=DB): DB must be a gatehouse_chassis Database.")
    return database


@lru_cache(maxsize=1024)  # asked before each statement, of the few texts that a service has
def _why(error: BaseException) -> str:
    """Clients read it too: no addresses, no roles, none of PostgreSQL's own text."""
    if isinstance(error, TimeoutError):
        return "PostgreSQL didn't answer in time."
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "The database doesn't exist (yet)."
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "PostgreSQL refused the service's role."
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return "PostgreSQL has no connection left."
    return "PostgreSQL doesn't accept connections right now."
