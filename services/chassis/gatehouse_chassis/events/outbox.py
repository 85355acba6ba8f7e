"""Publishing: an event is written in the transaction of the change, so either both are there or neither.

    OUTBOX = Outbox(DB, {"person.joined": None, "person.status_changed": StatusIds})         # events.py of a service

    async with DB.transaction():
        row = await PERSON.change(...)
        await OUTBOX.publish("person.status_changed", row, by=actor, ids=StatusIds(status=row.status))

An event holds ids and enum words, nothing else: a struct of `ids` has fields of type UUID, Literal, and lists of those,
and its values are checked against them. So no name, address or text can get into one, whoever asks.

Who waits for events is woken after the commit: one NOTIFY in a transaction of its own, at most every 20 ms a process.
Inside the change's transaction it would double what a lone change costs.
"""

import asyncio
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import msgspec
import structlog
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.context import current
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.repository import By
from gatehouse_chassis.events.event import CHANNEL

LEAST_BETWEEN_WAKES = 0.02  # seconds
LARGEST_IDS = 16_000  # bytes
NEEDS = {"event": "1.0.0"}
"""The collection that this code needs, as `[database.needs]` says it."""
TRACE_ID = re.compile(r"[0-9a-f]{32}\Z")
WORD = re.compile(r"[a-z][a-z0-9_]{0,47}\Z")

log = structlog.get_logger()


class Subject(Protocol):
    """What an event is about: a row, after the change."""

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> int: ...


class NotPublishable(TypeError):
    """The code publishes what no event may hold, or in a way that could lose it: a bug in the service."""


class Outbox:
    """The events of one service. `types`: for each type the struct of its further ids, or None when it has none."""

    def __init__(self, database: Database, types: Mapping[str, type[msgspec.Struct] | None]) -> None:
        self.types = dict(types)
        for name, ids in self.types.items():
            if ids is not None:
                _refuse_text(name, ids)
        self._database = database
        self._committed: asyncio.Event | None = None
        # By hand: the epoch is db-manager's; without it this cluster is new, and a place in the feed unknown.
        self._write = database.prepare_sql(
            f"insert into {database.schema}.event (epoch, id, type, subject_id, subject_version, actor_id, request_id, "  # noqa: S608 - ours
            "trace_id, ids) select epoch, $1, $2, $3, $4, $5, $6, $7, $8 from dbm.epoch"
        )

    async def publish(self, type: str, subject: Subject, *, by: By | None, ids: msgspec.Struct | None = None) -> None:
        """To be called in the transaction of the change, after it. `by=None`: the system.

        Raises NotPublishable for what no event may hold, Unavailable in a cluster that db-manager hasn't seen.
        """
        if self._database.running() is None:
            raise NotPublishable(f"{type}: publish inside the transaction of the change, or it may be lost.")
        values = self._checked(type, subject, by, ids)
        context = current.get()
        request_id, trace_id = (None, None) if context is None else (context.request_id, context.trace_id)
        written = await self._write.execute(uuid7(), type, *values[:3], _uuid(request_id), _trace(trace_id), values[3])
        if written != 1:
            raise Unavailable("The database was restored, and db-manager hasn't run since. Try again later.")
        self._database.after_commit(self._wake)

    def _checked(
        self, type: str, subject: Subject, by: By | None, ids: msgspec.Struct | None
    ) -> tuple[UUID, int, UUID | None, dict[str, Any]]:
        if type not in self.types:
            raise NotPublishable(f"{type!r} isn't published by this Outbox; add it, and to [events] publishes.")
        shape = self.types[type]
        if ids.__class__ is not (shape or None.__class__):
            wanted = "no ids" if shape is None else f"ids={shape.__name__}(...)"
            raise NotPublishable(f"{type} takes {wanted}.")
        id, version, actor = subject.id, subject.version, None if by is None else by.account
        if not isinstance(id, UUID) or isinstance(version, bool) or not isinstance(version, int):
            raise NotPublishable(f"{type}: the subject's id is no UUID, or its version no number.")
        if actor is not None and not isinstance(actor, UUID):
            raise NotPublishable(f"{type}: the account in `by` is no UUID.")
        if ids is None or shape is None:
            return id, version, actor, {}
        values = msgspec.to_builtins(ids)
        try:
            msgspec.convert(values, shape)
        except msgspec.ValidationError as error:
            # Its text quotes the value where that is one of a Literal's: only the place is told.
            place = str(error).rpartition(" - at ")[2].strip("`$.") or "ids"
            raise NotPublishable(f"{type}: {place} is neither an id nor one of its enum words.") from None
        if len(msgspec.json.encode(values)) > LARGEST_IDS:
            raise NotPublishable(f"{type}: more than {LARGEST_IDS:,} bytes of ids; let followers ask for them.")
        return id, version, actor, values

    def _wake(self) -> None:
        if self._committed is not None:
            self._committed.set()

    async def wake_followers(self) -> None:
        """Runs until it is cancelled: after commits, tells all who listen. What is missed, their poll finds."""
        committed = self._committed = asyncio.Event()
        while True:
            await committed.wait()
            committed.clear()
            try:
                # By hand: no table.
                await self._database.fetchval("select pg_notify($1, $2)", CHANNEL, self._database.schema)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, Unavailable) as error:
                log.warning("followers can't be woken; they look once a second", kind=error.__class__.__name__)
            await asyncio.sleep(LEAST_BETWEEN_WAKES)


def _refuse_text(name: str, ids: type[msgspec.Struct]) -> None:
    for field, kind in typing.get_type_hints(ids).items():
        if not _holds_ids_only(kind):
            raise NotPublishable(
                f"{ids.__name__}.{field} of {name} could hold a text. Use UUID, an enumerator's Literal, or a list."
            )


def _holds_ids_only(kind: Any) -> bool:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return all(one is types.NoneType or _holds_ids_only(one) for one in inner)
    if origin is list:
        return _holds_ids_only(inner[0])
    if origin is typing.Literal:
        return all(isinstance(word, str) and WORD.match(word) for word in inner)
    return kind is UUID


def _uuid(text: str | None) -> UUID | None:
    """A request's id is ours, a UUID; another service's that isn't stays out of events."""
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


def _trace(text: str | None) -> str | None:
    return text if text and TRACE_ID.match(text) else None
