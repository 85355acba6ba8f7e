"""Tells pages that are open of what changed, whichever task their socket and the change are in.

    CHANGES = Changes(DB)                                             # tables.py's neighbour: live.py of a service

    async with DB.transaction():
        row = await CURRICULUM.change(...)
        CHANGES.tell(row.person_id, version=row.version, by=actor.person)

    @SocketRoute("/{person_id:uuid}/live", guards=[signed_in])
    async def live(socket: WebSocket, person_id: UUID, access: Access) -> None:
        await CHANGES.follow(socket, person_id, lambda actor: access.require(actor, person_id, "read"), newest)

After the commit, one NOTIFY in a transaction of its own carries the thing's id to all tasks; each listens on one
connection. A message holds ids and a version: the page asks for what it shows. A NOTIFY proves nothing, as any role may
send one; it only makes pages look. Permission is asked for at the beginning, before each batch of messages, when the
service says that a relationship may have ended (`recheck`), and every few seconds.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import ApiProblem, Unavailable
from gatehouse_chassis.data.database import NOT_REACHED, Database
from gatehouse_chassis.http.auth import Authenticator
from gatehouse_chassis.live.socket_layer import code_of

LEAST_BETWEEN_BATCHES = 0.02  # seconds, of a socket and of a process
RECHECK_SECONDS = 15.0
MOST_SENT = 20  # frames that a page may send in RECHECK_SECONDS; it needs none
TOO_TALKATIVE = 1008
RECONNECT_SECONDS = 0.5
MOST_SAID = 7_000  # characters; PostgreSQL's payload ends at 8,000 bytes

MayFollow = Callable[[Actor], Awaitable[Any]]
VersionOf = Callable[[UUID], Awaitable[int]]
log = structlog.get_logger()


class ChangeNotice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a page is told: the new version of what it shows, and whose change it was.

    `version` 0: something may have been missed; look again. `said`: what another task says meanwhile, and nobody keeps.
    """

    topic: UUID
    version: int = 0
    by: UUID | None = None
    recheck: bool = False
    said: str = ""


Tell = Callable[[ChangeNotice], None]


class _Follower:
    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.newest: ChangeNotice | None = None

    def tell(self, change: ChangeNotice) -> None:
        """The newest replaces one that wasn't sent yet: a slow page holds nothing up."""
        if (
            not change.recheck
            and not change.said
            and (self.newest is None or change.version == 0 or change.version > self.newest.version)
        ):
            self.newest = change
        self.woken.set()


class Changes:
    """Those of one service."""

    def __init__(self, database: Database) -> None:
        self.forget: Callable[[UUID], None] = lambda _: None
        """Called with what is rechecked, before anybody is asked: for a cache of relationships."""
        self.listening = asyncio.Event()
        """Set while this process hears of changes."""
        self._database = database
        self._channel = f"gatehouse_live_{database.schema}"
        self._followers: defaultdict[UUID, set[Tell]] = defaultdict(set)
        self._unsent: dict[tuple[UUID, str], ChangeNotice] = {}
        self._committed = asyncio.Event()

    # Who changes

    def tell(self, topic: UUID, *, version: int, by: UUID | None) -> None:
        """In the transaction of the change: after its commit, all who follow `topic` are told."""
        self._after_commit(ChangeNotice(topic=topic, version=version, by=by))

    def recheck(self, topic: UUID) -> None:
        """After the commit, whoever follows `topic` and may no longer is cut off."""
        self._after_commit(ChangeNotice(topic=topic, recheck=True))

    def say(self, topic: UUID, sealed: str) -> None:
        """At once, to all tasks, this one too: the last of what is said of a topic counts. It may be lost."""
        if len(sealed) <= MOST_SAID:
            self._send_soon(ChangeNotice(topic=topic, said=sealed))

    def _after_commit(self, change: ChangeNotice) -> None:
        self._database.after_commit(lambda: self._send_soon(change))

    def _send_soon(self, change: ChangeNotice) -> None:
        self._unsent[change.topic, _kind(change)] = change
        self._committed.set()

    # Who follows

    async def follow(self, socket: WebSocket[Any, Any, Any], topic: UUID, may: MayFollow, version: VersionOf) -> None:
        """Serves one socket until it ends. `may` raises the problem to close it for; `version`: the present one."""
        follower = _Follower()
        with self.watching(topic, follower.tell):
            await socket.accept()
            reading = asyncio.create_task(_read(socket))
            try:
                await self._serve(socket, topic, follower, may, version, reading)
            except ApiProblem as problem:
                await socket.close(code_of(problem), problem.detail)
            except WebSocketDisconnect:
                return
            finally:
                reading.cancel()

    @contextlib.contextmanager
    def watching(self, topic: UUID, tell: Tell) -> Generator[None]:
        """Calls `tell` with each change of `topic`, whichever task made it, and when somebody may have lost a right.

        `version` 0: something may have been missed.
        """
        self._followers[topic].add(tell)
        try:
            yield
        finally:
            self._followers[topic].discard(tell)
            if not self._followers[topic]:
                del self._followers[topic]

    async def _serve(
        self,
        socket: WebSocket[Any, Any, Any],
        topic: UUID,
        follower: _Follower,
        may: MayFollow,
        version: VersionOf,
        reading: "asyncio.Task[int]",
    ) -> None:
        await self._permitted(socket, may)
        # What was changed after the page was made and before this socket: the page compares.
        first = ChangeNotice(topic=topic, version=await version(topic))
        await socket.send_text(msgspec.json.encode(first).decode())
        while True:
            waking = asyncio.create_task(follower.woken.wait())
            done, _ = await asyncio.wait({waking, reading}, timeout=RECHECK_SECONDS, return_when="FIRST_COMPLETED")
            waking.cancel()
            if reading in done:
                if code := reading.result():
                    await socket.close(code, "Nothing need be sent here")
                return
            follower.woken.clear()
            await self._permitted(socket, may)
            change, follower.newest = follower.newest, None
            if change is not None:
                await socket.send_text(msgspec.json.encode(change).decode())
                await asyncio.sleep(LEAST_BETWEEN_BATCHES)

    async def _permitted(self, socket: WebSocket[Any, Any, Any], may: MayFollow) -> None:
        """Raises the problem that ends it: the token expired or was revoked, or the caller may not see it any more."""
        authenticator: Authenticator = socket.app.state.authenticator
        actor = await authenticator.actor(f"Bearer {socket.scope['auth'].token}")
        await may(actor)

    # What carries it between tasks

    @contextlib.asynccontextmanager
    async def running(self, app: Any) -> AsyncGenerator[None]:
        """Beside the application."""
        self._committed, self.listening = asyncio.Event(), asyncio.Event()
        tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._listen())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            await self._committed.wait()
            self._committed.clear()
            unsent, self._unsent = self._unsent, {}
            for change in unsent.values():
                try:
                    # By hand: no table.
                    await self._database.fetchval(
                        "select pg_notify($1, $2)", self._channel, msgspec.json.encode(change).decode()
                    )
                except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, Unavailable) as error:
                    log.warning("a change wasn't told to open pages; tried again", kind=type(error).__name__)
                    # What came meanwhile is newer.
                    self._unsent = {(change.topic, _kind(change)): change} | self._unsent
                    self._committed.set()
            await asyncio.sleep(RECONNECT_SECONDS if self._unsent else LEAST_BETWEEN_BATCHES)

    async def _listen(self) -> None:
        """On a connection of its own; after one that broke, everybody looks again."""
        while True:
            connection = None
            try:
                connection = await self._database.get_new_connection()
                await self._hear_until_it_ends(connection)
            except NOT_REACHED as error:
                log.warning("changes aren't heard for a moment", kind=type(error).__name__)
            finally:
                self.listening.clear()
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hear_until_it_ends(self, connection: asyncpg.Connection) -> None:
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        await connection.add_listener(self._channel, self._hear)
        self.listening.set()
        for topic in list(self._followers):
            self._deliver(ChangeNotice(topic=topic))
        await ended.wait()

    def _hear(self, connection: Any, pid: int, channel: str, payload: Any) -> None:
        with contextlib.suppress(msgspec.MsgspecError):
            self._deliver(msgspec.json.decode(payload, type=ChangeNotice))

    def _deliver(self, change: ChangeNotice) -> None:
        if change.recheck:
            self.forget(change.topic)
        for tell in list(self._followers.get(change.topic, ())):
            tell(change)


def _kind(change: ChangeNotice) -> str:
    return "recheck" if change.recheck else "said" if change.said else "change"


async def _read(socket: WebSocket[Any, Any, Any]) -> int:
    """Reads what a page sends and needn't, until it goes (0) or sends too much (the code to close with)."""
    loop = asyncio.get_running_loop()
    sent: list[float] = []
    while True:
        try:
            message = await socket.receive()
        except WebSocketDisconnect:
            return 0
        if message["type"] == "websocket.disconnect":
            return 0
        sent = [at for at in sent if loop.time() - at < RECHECK_SECONDS] + [loop.time()]
        if len(sent) > MOST_SENT:
            return TOO_TALKATIVE
