"""Transactions of a `Database`: Piccolo's interface, with its traps fixed.

A nested transaction is a real savepoint, a failed COMMIT gives its connection back, and tasks that share a transaction
take turns on its one connection. Use `DB.transaction()`; nothing here is built directly.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import asyncpg
from piccolo.engine.exceptions import TransactionError
from piccolo.engine.postgres import PostgresTransaction

from gatehouse_chassis.base.context import transaction_open

if TYPE_CHECKING:
    from gatehouse_chassis.data.database import Database

GONE = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.InterfaceError,
    OSError,
)
"""The errors by which a connection shows that the server ended it (restart, failover, DROP DATABASE ... FORCE)."""


class TransactionMisuse(TransactionError):
    """The code uses a transaction in a way that can't work: a bug in the service, never the caller's mistake."""


class Transaction(PostgresTransaction):
    """`async with DB.transaction():` commits at the end, rolls back on any exception and always frees its connection.

    Statements of several tasks (`asyncio.gather`) run one after the other. A nested `DB.transaction()` is a savepoint,
    and only the task that opened the outer one may open it: two tasks' savepoints can't overlap on one connection.

    `asks`: another service may be asked while it holds an advisory lock, until it has written or locked a row.
    """

    def __init__(self, engine: Database, *, allow_nested: bool = True, asks: bool = False) -> None:
        super().__init__(engine, allow_nested=allow_nested)
        self.asks = asks
        self.database = engine
        self.ended = False
        self._permit: asyncio.Semaphore | None = None
        self.owner: asyncio.Task | None = None
        self.after_commit: list[Callable[[], None]] = []
        self.lock = asyncio.Lock()

    async def __aenter__(self) -> Transaction:
        # Read again: the object may have been made before the transaction it finds itself in.
        parent = self.database.running()
        self._parent = parent
        self.owner = asyncio.current_task()
        if parent is None:
            self._permit = await self.database.write_permit()
            try:
                await self._begin_on_new_connection()
            except BaseException:
                self._permit.release()
                raise
        else:
            self._join(parent)
            async with self.lock:
                await self.begin()
        self.database.current_transaction.set(self)
        transaction_open.set(parent is not None or not self.asks)
        return self

    def _join(self, parent: Transaction) -> None:
        if parent.ended:
            raise TransactionMisuse(
                "This task began in a transaction that has ended meanwhile; wait for it inside the transaction."
            )
        if parent.owner is not self.owner:
            raise TransactionMisuse(
                "A nested transaction was opened by another task than the one that owns the outer transaction "
                "(asyncio.gather, create_task). Open it before the tasks start, or run them one after the other."
            )
        self.connection = parent.connection
        self.lock = parent.lock
        self.after_commit = parent.after_commit
        self.transaction = self.connection.transaction()

    async def _begin_on_new_connection(self) -> None:
        """Nothing has run yet, so a dead connection from the pool is worth a second try."""
        for attempt in (1, 2):
            self.connection = await self.database.acquire()
            self.transaction = self.connection.transaction()
            try:
                await self.begin()
            except GONE:
                await self.database.release(self.connection)
                if attempt == 2:
                    raise
                await self.database.expire()
            except BaseException:
                await self.database.release(self.connection)
                raise
            else:
                return

    async def __aexit__(self, exception_type, exception, traceback) -> Literal[False]:
        try:
            async with self.lock:
                await self._finish(failed=exception is not None)
        finally:
            self.ended = True
            self.database.current_transaction.set(self._parent)
            transaction_open.set(self._parent is not None)
            if self._permit is not None:
                try:
                    await self.database.release(self.connection)
                finally:
                    self._permit.release()
        if self._permit is not None and exception is None and not self._rolled_back:
            for call in self.after_commit:
                call()
        return False

    async def _finish(self, *, failed: bool) -> None:
        if self._rolled_back or self._committed:
            return
        if not failed:
            await self.commit()
            return
        try:
            await self.rollback()
        except (asyncpg.PostgresError, *GONE):
            # What made it fail matters more than that undoing failed too; the pool opens a new connection.
            with contextlib.suppress(Exception):
                self.connection.terminate()

    async def call(self, method: str, sql: str, args: tuple) -> Any:
        """Run one statement on the transaction's connection, after those of other tasks."""
        if self.ended:
            raise TransactionMisuse(
                "This statement belongs to a transaction that has ended. Wait for every task that was started inside "
                "a transaction before the transaction ends."
            )
        if not only_reads(sql):
            transaction_open.set(True)
        async with self.lock:
            return await self.database.timed(self.connection, method, sql, args)


def only_reads(sql: str) -> bool:
    """Whether the statement locks no row and writes nothing."""
    text = " ".join(sql.lower().split())
    return text.startswith("select") and " for " not in text
