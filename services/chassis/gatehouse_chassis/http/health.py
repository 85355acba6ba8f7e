"""Liveness, readiness, and the versions of the database's collections.

Liveness does no I/O: a database blip must not kill every task. Readiness queries the database at most once a second and
needs four things: the database answers, its collections are at least what the code needs, this machine's clock agrees
with the database's (tokens are dated by that one: a task whose clock is behind would refuse every fresh one), and the
process isn't draining.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec
import structlog

from gatehouse_chassis.base.drain import Drain
from gatehouse_chassis.http.auth import CLOCK_SKEW
from gatehouse_chassis.metrics.registry import Metrics

# What is missing, in words for people; empty when nothing is.
ReadinessCheck = Callable[[], Awaitable[str]]
READINESS_TIMEOUT = 1.0
REMEMBERED_SECONDS = 1.0

log = structlog.get_logger()


class CollectionVersion(msgspec.Struct, frozen=True):
    """A Version document: what db-manager applied of one collection, and when (RFC 3339, UTC)."""

    collection: str
    version: str
    applied_at: str


class Readiness(msgspec.Struct, frozen=True):
    """`checks` maps each check to `ok`, or to what is missing."""

    ready: bool
    checks: dict[str, str]


class VersionSource(Protocol):
    """What health needs of a database.

    `clock_offset`: by how many seconds its clock was at least ahead of ours at the last look; negative, behind.
    """

    clock_offset: float

    async def versions(self) -> list[CollectionVersion]:
        """The Version documents of the service's schema. Raises any exception when the database doesn't answer."""


def unmet(needs: dict[str, str], versions: list[CollectionVersion]) -> str:
    """What the code needs and the database lacks, for people to read; empty when nothing is missing."""
    return "; ".join(missing(needs, versions))


def missing(needs: dict[str, str], versions: list[CollectionVersion]) -> list[str]:
    """One sentence for each collection that isn't good for the code: its major differs, or it is older."""
    have = {document.collection: document.version for document in versions}
    problems = []
    for collection, least in sorted(needs.items()):
        found = have.get(collection)
        if found is None:
            problems.append(f"{collection} {least} is needed and not applied")
        elif not satisfies(found, least):
            problems.append(f"{collection} is {found}, {least} is needed")
    return problems


def satisfies(found: str, least: str) -> bool:
    """Whether a collection at `found` (a.b.c.enumerators) serves code that needs `least` (a.b.c)."""
    have = [int(part) for part in found.split(".")[:3]]
    need = [int(part) for part in least.split(".")]
    return have[0] == need[0] and have >= need


class HealthChecks:
    """Answers readiness and versions for one application, and caches each answer for a second."""

    def __init__(
        self,
        *,
        drain: Drain,
        metrics: Metrics,
        database: VersionSource | None,
        needs: dict[str, str],
        checks: Mapping[str, ReadinessCheck] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks or {}
        self._drain = drain
        self._metrics = metrics
        self._database = database
        self._needs = needs
        self._clock = clock
        self._at = float("-inf")
        self._versions: list[CollectionVersion] | None = None
        self._reason = ""
        self._lock = asyncio.Lock()

    async def ready(self) -> Readiness:
        checks: dict[str, str] = {"process": "draining" if self._drain.draining else "ok"}
        if self._database is not None:
            await self._refresh()
            if self._versions is None:
                checks["database"] = self._reason
            else:
                checks["database"] = "ok"
                checks["collections"] = unmet(self._needs, self._versions) or "ok"
                checks["clock"] = _disagreement(self._database.clock_offset) or "ok"
        for name, check in self._checks.items():
            checks[name] = await _answer_of(check)
        return Readiness(ready=all(value == "ok" for value in checks.values()), checks=checks)

    async def versions(self) -> list[CollectionVersion]:
        """The latest Version documents; empty when the database doesn't answer or there is none."""
        if self._database is not None:
            await self._refresh()
        return self._versions or []

    async def _refresh(self) -> None:
        async with self._lock:
            if self._clock() - self._at < REMEMBERED_SECONDS:
                return
            assert self._database is not None
            self._versions, self._reason = await read_versions(self._database.versions)
            self._at = self._clock()
            documents = self._versions
            self._metrics.saw_database(
                None if documents is None else [(item.collection, item.version) for item in documents],
                unmet=len(missing(self._needs, documents or [])),
            )


async def _answer_of(check: ReadinessCheck) -> str:
    try:
        async with asyncio.timeout(READINESS_TIMEOUT):
            return await check() or "ok"
    except TimeoutError:
        return f"no answer within {READINESS_TIMEOUT:g} s"


def _disagreement(offset: float) -> str:
    """What is wrong with this machine's clock, in words; empty when tokens can be checked by it."""
    if abs(offset) <= CLOCK_SKEW:
        return ""
    return f"{abs(offset):.0f} s {'behind' if offset > 0 else 'ahead of'} the database's"


async def read_versions(
    versions: Callable[[], Awaitable[list[CollectionVersion]]],
) -> tuple[list[CollectionVersion] | None, str]:
    """The versions, or None and why not, within READINESS_TIMEOUT seconds."""
    try:
        async with asyncio.timeout(READINESS_TIMEOUT):
            return await versions(), ""
    except TimeoutError:
        return None, f"doesn't answer within {READINESS_TIMEOUT:g} s"
    except Exception as error:
        # The text of a database's error may hold addresses and names: it belongs in the log only.
        log.warning("database check failed", error=str(error), kind=type(error).__name__)
        return None, "doesn't answer"
