"""One connection of its own for a service that follows others: it hears who published, and says which task reads.

A task that holds the advisory lock of a producer reads its feed; the others wait. The lock ends with the connection, so
another task goes on within a second of a kill. That two never handle one event doesn't depend on it: the cursor's row
does that (reader.py). A NOTIFY proves nothing, as any role may send one; it only makes a reader look.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import asyncpg

from gatehouse_chassis.data.database import NOT_REACHED, Database
from gatehouse_chassis.events.event import CHANNEL

# So that the server notices within 30 s that a host is gone.
KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4"}


class WakeUp:
    def __init__(self, database: Database, producers: Iterable[str]) -> None:
        self.heard = {producer: asyncio.Event() for producer in producers}
        self._database = database
        self._connection: asyncpg.Connection | None = None
        self._led: set[str] = set()
        self._turn = asyncio.Lock()

    async def leads(self, producer: str) -> bool:
        """Whether this task is the one that reads the producer's feed. Raises what connecting raises."""
        async with self._turn:
            connection = self._connection
            if connection is None or connection.is_closed():
                self._led.clear()
                connection = self._connection = await self._connect()
            if producer in self._led:
                return True
            key = f"gatehouse events {self._database.schema} {producer}"
            # By hand: a lock that is no row's.
            if await connection.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", key):
                self._led.add(producer)
            return producer in self._led

    async def _connect(self) -> asyncpg.Connection:
        connection = await self._database.get_new_connection()
        try:
            for setting, value in KEEPALIVE.items():
                # By hand: settings of the session. A Unix socket has none of these.
                await connection.execute("select set_config($1, $2, false)", setting, value)
            await connection.add_listener(CHANNEL, self._hear)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _hear(self, connection: Any, pid: int, channel: str, producer: Any) -> None:
        if producer in self.heard:
            self.heard[producer].set()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*NOT_REACHED):
                async with asyncio.timeout(2):
                    await connection.close()
