"""The plans whose prose is open in this process: one document in memory for all pages that show it.

A page's change is checked, applied and stored before anybody else hears of it; a page that is told nothing still has
it, and sends it again when it is back. Pages of another task hear of a change by the number that it has in the
database (CHANGES). Whether somebody may still read and write is asked before each of their changes, before each batch
that they are sent, and when a relationship may have ended.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import structlog
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect
from pycrdt import Doc

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import ApiProblem, TooLarge, Unavailable
from gatehouse_chassis.live.changes import ChangeNotice
from gatehouse_chassis.live.socket_layer import code_of
from gatehouse_chassis.live.tickets import Tickets
from gatehouse_curriculum.document import messages, queries
from gatehouse_curriculum.document.messages import NOBODY, Presence
from gatehouse_curriculum.document.open_page import TRY_LATER, MayDo, OpenPage, SocketEnded
from gatehouse_curriculum.document.texts import put_together
from gatehouse_curriculum.document.update_format import NOTHING, Malformed, is_known, read_state, read_update
from gatehouse_curriculum.live import CHANGES

UNDERSTOOD_NOT, TOO_TALKATIVE = 1007, 1008
PRESENT_SECONDS = 0.15  # between two times that other tasks are told who is here
FORGOTTEN_SECONDS = 30.0  # pages say that they are there every 15
TASK = secrets.token_bytes(8)  # this process
MOST_FRAMES, PER_SECONDS = 1_000, 10.0  # of one page; somebody who types fast sends 30 a second

log = structlog.get_logger()


class Room:
    """One document and the pages that show it, in this task."""

    def __init__(self, id: UUID, tickets: Tickets) -> None:
        self.id = id
        self._tickets = tickets
        self._elsewhere: dict[bytes, tuple[float, dict[int, Presence]]] = {}
        self._saying: asyncio.TimerHandle | None = None
        self.pages: set[OpenPage] = set()
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.presence: dict[int, tuple[OpenPage, Presence]] = {}
        self.doc: Doc = Doc()
        self._seq = 0
        self._heard = 0
        self._missed = False
        self._wanted = asyncio.Event()
        self._queue: list[tuple[bytes, dict[int, int], OpenPage, UUID, asyncio.Future[None]]] = []
        self._size = 0

    def hear(self, change: ChangeNotice) -> None:
        """Another task may have written, or says who is there."""
        if change.said:
            self._hear_who(change.said)
            return
        if change.recheck:
            return
        self._heard = max(self._heard, change.version)
        self._missed |= change.version == 0
        if self._missed or self._heard > self._seq:
            self._wanted.set()

    async def run(self) -> None:
        """Reads it, then writes what its pages send, until it is cancelled or something goes wrong."""
        try:
            await self._load()
            self.ready.set_result(None)
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                if self._missed or self._heard > self._seq:
                    await self._catch_up()
                if self._queue:
                    await self._write()
        except ApiProblem as problem:
            self._break_up(code_of(problem) if problem.status < 500 else TRY_LATER, problem)
        except Exception as error:
            log.error("a document can't be kept in step", document=str(self.id), exc_info=error)
            self._break_up(TRY_LATER, Unavailable("It can't be written right now."))

    def state(self) -> bytes:
        return messages.state_frame(self.doc.get_state())

    async def change(self, update: bytes, page: OpenPage, by: UUID) -> None:
        """Returns when it is stored. Raises Malformed, or the problem that it meets."""
        needed = read_update(update)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((update, needed, page, by, done))
        self._wanted.set()
        await asyncio.shield(done)  # what is being stored is stored, and told, when this page goes meanwhile

    def shown(self, presences: list[Presence], page: OpenPage, by: Actor) -> None:
        """What a page says that it does, to all pages: its own as well, whose connection is alive by that."""
        told = []
        for one in presences:
            owner, known = self.presence.get(one.client, (page, one._replace(clock=-1)))
            if owner is not page and owner in self.pages:
                continue  # pages say again what they heard of others
            if one.clock > known.clock or (one.clock == known.clock and one.state == NOBODY):
                now = one.by(str(by.account), by.name)
                self.presence[one.client] = (page, now)
                told.append(now)
        if told:
            self._tell(messages.awareness_frame(told))
            self._say_soon()

    def present(self) -> bytes:
        here = [one for _, one in self.presence.values() if one.state != NOBODY]
        since = time.monotonic() - FORGOTTEN_SECONDS
        there = [one for at, known in self._elsewhere.values() if at > since for one in known.values()]
        return messages.awareness_frame([*here, *there])

    def _say_soon(self) -> None:
        """To the other tasks: who is here."""

        def say() -> None:
            self._saying = None
            here = messages.awareness_frame(one for _, one in self.presence.values() if one.state != NOBODY)
            CHANGES.say(self.id, self._tickets.seal(TASK + here, str(self.id)))

        if self._saying is None:
            self._saying = asyncio.get_running_loop().call_later(PRESENT_SECONDS, say)

    def _hear_who(self, sealed: str) -> None:
        said = self._tickets.unseal(sealed, str(self.id))
        if said is None or said.startswith(TASK):
            return
        task, frame = said[: len(TASK)], said[len(TASK) :]
        there = {one.client: one for one in messages.read_awareness(messages.read_frame(frame).content)}
        _, known = self._elsewhere.get(task, (0.0, dict[int, Presence]()))
        if task not in self._elsewhere and self.presence:
            self._say_soon()
        self._elsewhere[task] = (time.monotonic(), there)
        gone = [one._replace(clock=one.clock + 1, state=NOBODY) for id, one in known.items() if id not in there]
        news = [one for id, one in there.items() if known.get(id) != one]
        if news or gone:
            self._tell(messages.awareness_frame([*news, *gone]))

    def left(self, page: OpenPage) -> None:
        self.pages.discard(page)
        page.forget()
        gone = [one for owner, one in self.presence.values() if owner is page]
        for one in gone:
            del self.presence[one.client]
        frame = [one._replace(clock=one.clock + 1, state=NOBODY) for one in gone if one.state != NOBODY]
        if frame:
            self._tell(messages.awareness_frame(frame))
            self._say_soon()

    def _tell(self, frame: bytes, but: OpenPage | None = None) -> None:
        for page in self.pages:
            if page is not but:
                page.push(frame)

    async def _load(self) -> None:
        found = await queries.stored(self.id)
        self.doc = put_together(found.state, found.updates)
        self._seq, self._size = found.seq, found.size

    async def _catch_up(self) -> None:
        self._missed, heard = False, self._heard
        found = await queries.stored(self.id, self._seq)
        for update in [found.state, *found.updates] if found.state else found.updates:
            self.doc.apply_update(update)
            self._tell(messages.update_frame(update))
        self._seq, self._size = max(self._seq, found.seq), found.size
        if self._heard == heard:  # any role may notify: a number that nothing has is asked for once
            self._heard = self._seq

    async def _write(self) -> None:
        batch, self._queue = self._queue, []
        good = []
        for update, needed, page, by, done in batch:
            if self._size + len(update) > queries.MOST_BYTES:
                done.set_exception(TooLarge("The texts of this plan are too long; shorten some."))
                continue
            self.doc.apply_update(update)
            if is_known(needed, read_state(self.doc.get_state())):
                good.append((update, page, by, done))
                continue
            # Part of it waits for something that never came. The page sends all that is new when it is back.
            done.set_exception(Malformed("It builds on what isn't known here."))
            await self._load()
            for earlier, *_ in good:
                self.doc.apply_update(earlier)
        if not good:
            return
        try:
            appended = await queries.append(self.id, [(update, by) for update, _, by, _ in good])
        except Exception as error:
            for *_, done in good:
                done.set_exception(error if isinstance(error, ApiProblem) else Unavailable("It can't be stored now."))
            raise
        if appended.seq - len(good) == self._seq:
            self._seq = appended.seq
        else:  # another task wrote in between
            self._missed = True
            self._wanted.set()
        self._size = appended.size
        for update, page, _, done in good:
            self._tell(messages.update_frame(update), page)
            page.tell_soon(self.state)
            done.set_result(None)
        if appended.wants_rebuild:
            await queries.rebuild(self.id)
            self._size = (await queries.stored(self.id, self._seq)).size

    def _break_up(self, code: int, problem: ApiProblem) -> None:
        """Nobody keeps what may not be stored: pages come back, and send what they have."""
        if not self.ready.done():
            self.ready.set_exception(problem)
            self.ready.exception()
        for *_, done in self._queue:
            done.set_exception(problem)
        for page in self.pages:
            page.end(code, problem.detail)


class Rooms:
    """Those of this process."""

    def __init__(self) -> None:
        self._rooms: dict[UUID, tuple[Room, asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    async def follow(
        self, socket: WebSocket[Any, Any, Any], document: UUID, person: UUID, may_begin: MayDo, may: MayDo
    ) -> None:
        """Serves one socket until it ends. `may_begin`, `may`: raise the problem to close it for."""
        await socket.accept()
        page = OpenPage(socket, may_begin)

        def recheck(change: ChangeNotice) -> None:
            if change.recheck:
                page.woken.set()

        with CHANGES.watching(person, recheck):
            try:
                await page.permitted()
                page.may = may
                with self._entered(document, page) as room:
                    await room.ready
                    await _first_of(page.send(), _read(socket, page, room))
            except SocketEnded as ended:
                await socket.close(ended.code, ended.reason)
            except Malformed as error:
                log.warning("a frame isn't understood", reason=str(error))
                await socket.close(UNDERSTOOD_NOT, str(error))
            except ApiProblem as problem:
                code = code_of(problem) if problem.status < 500 else TRY_LATER
                await socket.close(code, problem.detail)
            except WebSocketDisconnect:
                return

    @contextlib.contextmanager
    def _entered(self, document: UUID, page: OpenPage) -> Any:
        """The room, with this page in it. One that nobody is in any more, or that broke up, is forgotten."""
        if document not in self._rooms or self._rooms[document][1].done():
            room = Room(document, page.tickets)
            self._rooms[document] = (room, asyncio.create_task(self._serve(room)))
        room, serving = self._rooms[document]
        room.pages.add(page)
        try:
            yield room
        finally:
            room.left(page)
            if not room.pages:
                serving.cancel()
                if self._rooms.get(document, (None,))[0] is room:
                    del self._rooms[document]

    async def _serve(self, room: Room) -> None:
        with CHANGES.watching(room.id, room.hear):
            await room.run()


async def _read(socket: WebSocket[Any, Any, Any], page: OpenPage, room: Room) -> None:
    """What a page sends, until it goes. Raises Malformed, SocketEnded or the problem that ends it."""
    loop = asyncio.get_running_loop()
    frames, since, greeted = 0, loop.time(), False
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        frame: bytes | None = message.get("bytes")
        if frame is None:
            raise Malformed("Only binary frames are understood.")
        if loop.time() - since > PER_SECONDS:
            frames, since = 0, loop.time()
        frames += 1
        if frames > MOST_FRAMES:
            raise SocketEnded(TOO_TALKATIVE, "Too many messages")
        read = messages.read_frame(frame)
        if read.kind == "state":
            page.push(messages.whole_frame(room.doc.get_update(read.content)))
            if not greeted:
                page.push(room.state())
                page.push(room.present())
                greeted = True
        elif read.kind == "query":
            page.push(room.present())
        elif read.kind == "awareness":
            room.shown(messages.read_awareness(read.content), page, await page.permitted())
        elif read.content != NOTHING:
            actor = await page.permitted()
            await room.change(read.content, page, actor.account)


async def _first_of(*what: Awaitable[None]) -> None:
    """Until one of them ends; the others are cancelled. Raises what it raised."""
    tasks = [asyncio.ensure_future(one) for one in what]
    try:
        done, _ = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


ROOMS = Rooms()
