"""Readiness: the database answers, its collections serve the code, and nobody asks it more than once a second."""

import asyncio
from pathlib import Path

import pytest

from gatehouse_catalog.structs import Service
from gatehouse_chassis.base.drain import Drain
from gatehouse_chassis.http.health import CollectionVersion, HealthChecks, satisfies, unmet
from gatehouse_chassis.metrics.registry import Metrics
from gatehouse_chassis.service.service import Build, ServiceContext
from gatehouse_chassis.service.settings import Settings


def service() -> ServiceContext:
    entry = Service(name="demo", domain="d", summary="s", path="/api/demo", port=8499, folder=Path("services/demo"))
    return ServiceContext(
        entry=entry,
        environment="local",
        settings=Settings({}),
        build=Build(),
        addresses={},
        public_url="http://localhost:8400",
        host="127.0.0.1",
        port=0,
    )


class Source:
    """A database's Version documents, which a test changes; `away` and `slow` make it misbehave."""

    def __init__(self, **versions: str) -> None:
        self.documents = versions
        self.away = False
        self.slow = False
        self.clock_offset = 0.0
        self.asked = 0

    async def versions(self) -> list[CollectionVersion]:
        self.asked += 1
        if self.away:
            message = "connection to 10.0.0.7 refused for user person_service"
            raise ConnectionError(message)
        if self.slow:
            await asyncio.Event().wait()
        return [CollectionVersion(name, version, "2026-01-01T00:00:00Z") for name, version in self.documents.items()]


@pytest.mark.parametrize(
    ("found", "least", "good"),
    [
        ("1.0.0.1", "1.0.0", True),
        ("1.2.0.3", "1.0.5", True),
        ("1.0.4.1", "1.0.5", False),
        ("2.0.0.1", "1.0.0", False),  # a breaking change: the code is too old for it
        ("1.9.9.9", "2.0.0", False),
        ("1.10.0.1", "1.9.0", True),
    ],
)
def test_a_collection_serves_code_of_the_same_major_that_is_not_newer(found: str, least: str, good: bool) -> None:
    assert satisfies(found, least) is good


def test_what_is_missing_is_said_in_words() -> None:
    found = [CollectionVersion("person", "1.0.0.1", "")]
    assert unmet({"person": "1.1.0", "profile": "1.0.0"}, found) == (
        "person is 1.0.0.1, 1.1.0 is needed; profile 1.0.0 is needed and not applied"
    )


async def test_ready_follows_the_database_and_tells_nothing_of_it() -> None:
    now = 100.0
    source = Source(person="1.0.0.1")
    metrics = Metrics(service())
    health = HealthChecks(drain=Drain(), metrics=metrics, database=source, needs={"person": "1.0.0"}, clock=lambda: now)
    assert (await health.ready()).ready
    source.away = True
    assert (await health.ready()).ready  # remembered
    now += 1.1
    found = await health.ready()
    assert not found.ready
    assert found.checks["database"] == "doesn't answer"
    source.away = False
    source.documents = {"person": "1.1.0.2"}
    now += 1.1
    assert (await health.ready()).ready
    assert 'gatehouse_collection_version_info{collection="person",service="demo",version="1.1.0.2"} 1.0' in (
        metrics.render()[0].decode()
    )


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (0.0, "ok"),
        (5.0, "ok"),
        (-5.0, "ok"),
        (10.2, "10 s behind the database's"),
        (-86_400.0, "86400 s ahead of the database's"),
    ],
)
async def test_a_clock_that_tokens_cannot_be_checked_by_is_not_ready(offset: float, said: str) -> None:
    source = Source(person="1.0.0.1")
    source.clock_offset = offset
    health = HealthChecks(drain=Drain(), metrics=Metrics(service()), database=source, needs={})
    found = await health.ready()
    assert (found.checks["clock"], found.ready) == (said, said == "ok")


async def test_metrics_tell_that_the_database_is_away_and_what_it_lacks() -> None:
    metrics, source, now = Metrics(service()), Source(person="1.0.0.1"), 0.0
    health = HealthChecks(drain=Drain(), metrics=metrics, database=source, needs={"person": "1.2.0"}, clock=lambda: now)
    await health.versions()
    seen = metrics.render()[0].decode()
    assert 'gatehouse_database_up{service="demo"} 1.0' in seen
    assert 'gatehouse_collections_unmet{service="demo"} 1.0' in seen
    source.away = True
    now += 1.1
    await health.versions()
    assert 'gatehouse_database_up{service="demo"} 0.0' in metrics.render()[0].decode()


async def test_a_hanging_database_is_not_waited_for() -> None:
    source = Source()
    source.slow = True
    health = HealthChecks(drain=Drain(), metrics=Metrics(service()), database=source, needs={})
    assert (await health.ready()).checks["database"] == "doesn't answer within 1 s"


async def test_a_hundred_probes_at_once_ask_the_database_once() -> None:
    source = Source(person="1.0.0.1")
    health = HealthChecks(drain=Drain(), metrics=Metrics(service()), database=source, needs={})
    await asyncio.gather(*(health.ready() for _ in range(100)))
    assert source.asked == 1


async def test_ready_follows_what_the_service_itself_checks() -> None:
    said = ["no key can be opened"]

    async def keys() -> str:
        return said[0]

    checks = HealthChecks(
        drain=Drain(), metrics=Metrics(service()), database=None, needs={}, checks={"signing keys": keys}
    )
    assert (await checks.ready()).checks == {"process": "ok", "signing keys": "no key can be opened"}
    assert not (await checks.ready()).ready
    said[0] = ""
    assert (await checks.ready()).ready
