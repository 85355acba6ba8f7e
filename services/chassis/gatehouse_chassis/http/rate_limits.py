"""Limits for strangers: how often one address may call a route that needs no sign-in. More is answered with 429.

    @post("/token", guards=[anonymous(per_minute=60, at_once=20)])

An address is what the balancer saw (X-Forwarded-For); of IPv6 its /64, which is what one customer gets. Requests that
didn't come through the balancer are other services' and aren't counted: they call for many people.

The count is a row in the service's schema, so it holds across tasks, exactly. It is GCRA (ITU-T I.371): one statement
of its own, outside of the request's transaction. The database sees a keyed digest, never an address.
"""

import hashlib
import ipaddress
import math
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from piccolo.columns import Bytea, Timestamptz
from piccolo.table import Table, create_table_class

from gatehouse_chassis.base.context import current
from gatehouse_chassis.base.problems import TooMany
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.http.guards import Guard, guard

SWEEP_AFTER = 60.0  # seconds between two looks of one task for rows of the past
SWEPT_AT_ONCE = 200
NEEDS = {"rate_bucket": "1.0.0"}
"""The collection that this code needs, as `[database.needs]` says it."""
_LIMIT = "__gatehouse_limit__"


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """What one address may send to a route: `at_once` in a moment, `per_minute` in the long run."""

    per_minute: int
    at_once: int

    @property
    def interval(self) -> float:
        """Seconds that one request takes from the bucket."""
        return 60 / self.per_minute


class LimitedRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A route for strangers, as /config shows it."""

    route: str
    per_minute: int
    at_once: int


def bucket_table(database: Database) -> type[Table]:
    """The collection rate_bucket, in the schema of a service."""
    columns = {"key": Bytea(primary_key=True), "full_until": Timestamptz()}
    where = {"db": database, "tablename": "rate_bucket", "schema": database.schema}
    return create_table_class("RateBucket", class_kwargs=where, class_members=columns)


class RateLimiter:
    """Counts in the service's database. `secret`: what digests are keyed with, the same in all tasks."""

    def __init__(self, database: Database, secret: str) -> None:
        source = bucket_table(database)._meta.get_formatted_tablename()
        self._key = hashlib.sha256(b"rate limits\x00" + secret.encode()).digest()
        self._swept_at = time.monotonic()
        # By hand: a conflict changes the row only while the bucket has room, and no row says that it had none.
        self._take = database.prepare_sql(
            f"insert into {source} as bucket (key, full_until) values ($1, now() + $2::interval) "  # noqa: S608 - ours
            "on conflict (key) do update set full_until = greatest(bucket.full_until, now()) + $2::interval "
            "where greatest(bucket.full_until, now()) - now() <= $3::interval returning true"
        )
        # By hand: a few rows at a time, none of which somebody else is changing.
        self._sweep = database.prepare_sql(
            f"delete from {source} where key in (select key from {source} where full_until < now() "  # noqa: S608 - ours
            f"order by full_until limit {SWEPT_AT_ONCE} for update skip locked)"
        )

    async def refuse_more(self, route: str, address: str, limit: RateLimit) -> None:
        """Counts one request. Raises TooMany when this address has sent as many as it may."""
        digest = hashlib.blake2b(f"{route}\x00{counted_as(address)}".encode(), key=self._key, digest_size=16).digest()
        one = timedelta(seconds=limit.interval)
        room = timedelta(seconds=(limit.at_once - 1) * limit.interval)
        if await self._take.value(digest, one, room) is None:
            wait = {"Retry-After": str(math.ceil(limit.interval))}
            raise TooMany("Too many requests came from your address. Wait a moment, then try again.", headers=wait)
        if time.monotonic() - self._swept_at > SWEEP_AFTER:
            self._swept_at = time.monotonic()
            await self._sweep.execute()


def counted_as(address: str) -> str:
    """An address as it is counted. What is no address, which a caller may send to the local edge, is one of its own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


def anonymous(*, per_minute: int, at_once: int) -> Guard:
    """Anyone, signed in or not; each address at most so often."""
    limit = RateLimit(per_minute=per_minute, at_once=at_once)

    @guard("anyone")
    async def limited(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
        context = current.get()
        if context is not None and context.forwarded_for:
            limiter: RateLimiter = connection.app.state.rate_limiter
            route = f"{connection.scope.get('method')} {connection.scope.get('path_template')}"
            await limiter.refuse_more(route, context.forwarded_for, limit)

    setattr(limited, _LIMIT, limit)
    return limited


def limit_of(guards: Iterable[Any]) -> RateLimit | None:
    return next((limit for one in guards if (limit := getattr(one, _LIMIT, None)) is not None), None)
