"""`Idempotency-Key` on creating requests: the same request with the same key is done once, and answered the same.

    @post("/people", operation_id="CreatePerson", guards=[allow("staff")])
    async def create_person(self, data: NewPerson, actor: Actor, once: Once) -> Response[PersonRow]:
        return await once(PERSON.insert, data, by=actor)

`once` is there in every service that has a database. Its schema includes the collection idempotency_key.

The key, a digest of the request and the answer are stored in the transaction that does the work: either all of it is
there or nothing. An answer that is an error isn't stored, so the request may be repeated. Keys belong to an account and
are forgotten after 24 hours. Without the header the work runs in a transaction of its own.
"""
# ruff: noqa: S608 - the names of schema and table come from the code; what callers send goes as parameters

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.params import HeaderParameter
from piccolo.columns import JSONB, UUID, Integer, Text, Timestamptz
from piccolo.querystring import QueryString
from piccolo.table import Table, create_table_class

from gatehouse_catalog.structs import Job
from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, Unprocessable
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import By
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.http.etags import Versioned, created
from gatehouse_chassis.jobs.structs import Handler, JobRun

if TYPE_CHECKING:
    from gatehouse_chassis.data.database import Database

Row = TypeVar("Row", bound=Versioned)

LONGEST_KEY = 255
KEPT = timedelta(hours=24)
REPLAYED_HEADER = "Idempotency-Replayed"
SWEPT_AT_ONCE = 1000
NEEDS = {"idempotency_key": "1.0.0"}
"""The collection that this code needs, as `[database.needs]` says it."""

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="A text of your own, such as a UUID: repeating the request with it is answered the same",
    ),
]


class InProgress(Conflict):
    """409: the first request with this key hasn't finished."""

    slug = "repeat-in-progress"
    title = "The same request is still being carried out"


class KeyReused(Unprocessable):
    """422: the key was used for another request."""

    slug = "idempotency-key-reused"
    title = "This Idempotency-Key belongs to another request"


def key_table(database: "Database") -> type[Table]:
    """The collection idempotency_key, in the schema of a service. Of its key Piccolo knows the first column."""
    columns = {
        "actor": UUID(primary_key=True),
        "key": Text(),
        "digest": Text(),
        "status": Integer(null=True),
        "body": Text(null=True),
        "headers": JSONB(null=True),
        "created_at": Timestamptz(),
    }
    where = {"db": database, "tablename": "idempotency_key", "schema": database.schema}
    return create_table_class("IdempotencyKeys", class_kwargs=where, class_members=columns)


class Stored(msgspec.Struct, frozen=True):
    """What is kept of the request that used a key first. Without a status it hasn't finished."""

    digest: str
    status: int | None
    body: str | None
    headers: dict[str, str] | None


class Repeats:
    def __init__(self, database: "Database") -> None:
        table = key_table(database)
        column = {column._meta.name: column for column in table._meta.columns}
        mine = (column["actor"] == arg(1)) & (column["key"] == arg(2))
        expired = column["created_at"] < QueryString("now() - {}::interval", KEPT)
        self._database = database
        self._forget = database.prepare(table.delete().where(mine & expired))
        used = {column["actor"]: arg(1), column["key"]: arg(2), column["digest"]: arg(3)}
        self._take = database.prepare(InsertOf(used).on_conflict())
        answer: dict[Any, Any] = {column["status"]: arg(3), column["body"]: arg(4), column["headers"]: arg(5)}
        self._keep = database.prepare(table.update(answer).where(mine))
        self._recall = database.prepare(table.select(*columns_for(Stored, table)).where(mine), Stored)

    async def once(
        self, request: Request, actor: By, key: str | None, work: Callable[[], Awaitable[Response[Any]]]
    ) -> Response[Any]:
        """Run `work` in a transaction, or return the stored answer of the request that ran it."""
        if key is None:
            async with self._database.transaction():
                return await work()
        if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
            raise Invalid({"Idempotency-Key": f"1 to {LONGEST_KEY} printable ASCII characters, such as a UUID"})
        digest = await request_digest(request)
        async with self._database.transaction():
            await self._forget.execute(actor.account, key)
            if not await self._taken(actor, key, digest):
                return await self._replay(actor, key, digest)
            response = await work()
            headers = {name: value for name, value in response.headers.items() if value is not None}
            body = msgspec.json.encode(response.content).decode()
            status = response.status_code or getattr(request.route_handler, "status_code", 201)
            await self._keep.execute(actor.account, key, status, body, headers)
        return response

    async def _taken(self, actor: By, key: str, digest: str) -> bool:
        """False when the key was used before. Waits for a transaction that is using it, at most for lock_timeout."""
        try:
            return await self._take.execute(actor.account, key, digest) == 1
        except asyncpg.LockNotAvailableError:
            raise InProgress(
                "The first request with this Idempotency-Key hasn't finished. Repeat it in a moment.",
                headers={"Retry-After": "1"},
            ) from None

    async def _replay(self, actor: By, key: str, digest: str) -> Response[Any]:
        stored = await self._recall.one(actor.account, key)
        if stored is None or stored.status is None:
            raise InProgress("Repeat it in a moment.", headers={"Retry-After": "1"})
        if stored.digest != digest:
            raise KeyReused("Use a new Idempotency-Key for a new request; this one was sent with another path or body.")
        return Response(
            (stored.body or "").encode(),
            status_code=stored.status,
            headers={**(stored.headers or {}), REPLAYED_HEADER: "true"},
            media_type="application/json",
        )


def jobs(database: "Database") -> dict[str, tuple[Job, Handler]]:
    """The job that forgets what is older than 24 hours, some at a time, so that no transaction is long."""
    source = key_table(database)._meta.get_formatted_tablename()
    # By hand: pairs of columns compared with those of a query.
    sweep = database.prepare_sql(
        f"delete from {source} where (actor, key) in (select actor, key from {source} where created_at < $1 "
        f"order by created_at limit {SWEPT_AT_ONCE} for update skip locked)"
    )

    async def forget_answers(run: JobRun) -> None:
        while await sweep.execute(run.now - KEPT) == SWEPT_AT_ONCE:
            pass

    declared = Job(help="Forgets how creating requests were answered after 24 hours", every="1h")
    return {"forget_answers": (declared, forget_answers)}


class Once:
    """A creating request: does its work once for each Idempotency-Key, in one transaction with storing the answer."""

    def __init__(self, repeats: Repeats, request: Request, actor: By, key: str | None) -> None:
        self._repeats = repeats
        self._request = request
        self._actor = actor
        self._key = key

    async def __call__(
        self, work: Callable[..., Awaitable[Row]], *args: Any, named: str = "id", **kwargs: Any
    ) -> Response[Row]:
        """201 with what `work(*args, **kwargs)` returns, its ETag, and its address: below the request's, by the field
        `named`."""

        async def create() -> Response[Row]:
            row = await work(*args, **kwargs)
            return created(row, f"{self._request.url.path.rstrip('/')}/{getattr(row, named)}")

        return await self._repeats.once(self._request, self._actor, self._key, create)


def provide_once(request: Request, actor: Actor, idempotency_key: IdempotencyKey = None) -> Once:
    return Once(request.app.state.repeats, request, actor, idempotency_key)


async def request_digest(request: Request) -> str:
    """A digest of the method, path, query and body."""
    digest = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        digest.update(part.encode() + b"\x00")
    digest.update(await request.body())
    return digest.hexdigest()
