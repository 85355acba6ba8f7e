"""Nothing is lost and nothing handled twice: with late commits and killed consumers, after a pause, in a new cluster.

The design's figures are GATEHOUSE_EVENTS=100000; by default a seeded slice of them runs, in the deep set.
"""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rich.console import Console

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.data.database import Database
from gatehouse_db_manager import apply, load
from gatehouse_local.backups import back_up, client_environment
from gatehouse_local.postgres_wheels import binary
from gatehouse_local.testing.pytest_plugin import ROLE_PASSWORD, Postgres
from gatehouse_local.testing.shared_process import shared

from .consumer import EFFECTS, poisoned
from .processes import ROOT, Consumers, producing, settled, write

EVENTS = int(os.environ.get("GATEHOUSE_EVENTS", "4000"))
WRITERS, EACH, DELAY, KILLED_EVERY = 16, 50, 2.0, 2.0
SEED = int(os.environ.get("GATEHOUSE_SEED", "1"))
pytestmark = pytest.mark.deep


@contextlib.asynccontextmanager
async def writing(url: str) -> AsyncGenerator[Database]:
    database = Database("person")
    await database.open(url, application_name="writers", max_size=WRITERS + 1)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def administrator(postgres: Postgres, seeded_template: str) -> AsyncGenerator[asyncpg.Connection]:
    """Of a database of the test's own; `.url` finds it."""
    url = postgres.create_database(seeded_template)
    connection = await asyncpg.connect(url)
    await connection.execute(EFFECTS)
    try:
        yield connection
    finally:
        await connection.close()
        postgres.drop_database(url)


async def address(postgres: Postgres, administrator: asyncpg.Connection, role: str) -> str:
    name = await administrator.fetchval("select current_database()")
    return postgres.role_url(postgres.url.rpartition("/")[0] + f"/{name}", role)


async def accounted(administrator: asyncpg.Connection, written: list[Any]) -> tuple[int, int]:
    """Asserts that each event had its effect once or is parked. Returns how many of each."""
    published = await administrator.fetchval("select count(*) from person.event")
    assert published == len(written)
    twice = await administrator.fetchval("select count(*) - count(distinct event) from identity.effect")
    assert twice == 0
    missing = await administrator.fetchval(
        "select count(*) from person.event e where not exists (select from identity.effect f where f.event = e.id) "
        "and not exists (select from identity.event_parked p where p.id = e.id)"
    )
    assert missing == 0
    both = "select count(*) from identity.effect f join identity.event_parked p on p.id = f.event"
    assert await administrator.fetchval(both) == 0
    parked = await administrator.fetchval("select count(*) from identity.event_parked")
    assert parked == sum(map(poisoned, written)), "parked are those whose handler fails, each visible"
    out_of_order = await administrator.fetchval(
        "select count(*) from identity.effect a join identity.effect b on a.subject = b.subject and a.event < b.event "
        "and a.number > b.number"
    )
    assert out_of_order == 0
    return len(written) - parked, parked


async def test_nothing_is_lost_with_late_commits_and_killed_consumers(
    postgres: Postgres, administrator: asyncpg.Connection, tmp_path: Path
) -> None:
    person = await address(postgres, administrator, "person_service")
    identity = await address(postgres, administrator, "identity_service")
    with producing(person, tmp_path / "producer.log") as port:
        consumers = Consumers(identity, port, tmp_path / "consumers.log")
        consumers.start(3)
        killing = asyncio.create_task(consumers.keep_killing(KILLED_EVERY))
        try:
            async with writing(person) as database:
                written = await write(database, EVENTS, writers=WRITERS, each=EACH, delay=DELAY, seed=SEED)
            await settled(administrator, EVENTS, seconds=120)
        finally:
            killing.cancel()
            consumers.close()
    handled, parked = await accounted(administrator, written)
    assert consumers.killed > 0
    Console().print(f"{handled} handled once, {parked} parked, {consumers.killed} consumers killed, 0 lost")


async def test_a_consumer_that_was_down_catches_up_alone(
    postgres: Postgres, administrator: asyncpg.Connection, tmp_path: Path
) -> None:
    person = await address(postgres, administrator, "person_service")
    identity = await address(postgres, administrator, "identity_service")
    with producing(person, tmp_path / "producer.log") as port:
        consumers = Consumers(identity, port, tmp_path / "consumers.log")
        try:
            async with writing(person) as database:
                written = await write(database, EVENTS, writers=4, each=EACH, delay=0, seed=SEED)
                consumers.start()
                await settled(administrator, EVENTS, seconds=120)
                written += await write(database, EACH, writers=1, each=EACH, delay=0, seed=SEED)
                await settled(administrator, EVENTS + EACH, seconds=120)
            consumers.stop()
        finally:
            consumers.close()
    await accounted(administrator, written)


async def test_after_a_logical_restore_into_a_new_cluster_nothing_is_lost_or_handled_twice(
    postgres: Postgres, administrator: asyncpg.Connection, tmp_path: Path
) -> None:
    """There, transaction ids begin anew, below those of the cursor."""
    person = await address(postgres, administrator, "person_service")
    identity = await address(postgres, administrator, "identity_service")
    for _ in range(3000):
        await administrator.execute("select pg_current_xact_id()")
    async with writing(person) as database:
        with producing(person, tmp_path / "producer.log") as port:
            consumers = Consumers(identity, port, tmp_path / "consumers.log")
            consumers.start()
            written = await write(database, 500, writers=4, each=EACH, delay=0, seed=SEED)
            await settled(administrator, 500, seconds=120)
            consumers.stop()
            consumers.close()
        written += await write(database, 200, writers=4, each=EACH, delay=0, seed=SEED)
    cursor = int(await administrator.fetchval("select tx::text from identity.event_cursor where producer = 'person'"))
    file = tmp_path / "whole.dump"
    name = await administrator.fetchval("select current_database()")
    back_up(postgres.url.rpartition("/")[0] + f"/{name}", file)
    with shared(tmp_path / "another", "postgres") as facts:
        await _restored(facts["url"], file)
        person, identity = (_of_role(facts["url"], role) for role in ("person_service", "identity_service"))
        async with writing(person) as database:
            with pytest.raises(Unavailable, match="db-manager"):
                await write(database, 50, writers=1, each=50, delay=0, seed=SEED)
            passwords = {"person_service": ROLE_PASSWORD, "identity_service": ROLE_PASSWORD}
            await asyncio.to_thread(
                apply, facts["url"], load(ROOT), environment="local", test_data=True, passwords=passwords
            )
            written += await write(database, 300, writers=4, each=EACH, delay=0, seed=SEED)
            restored = await asyncpg.connect(facts["url"])
            assert int(await restored.fetchval("select pg_current_xact_id()::text")) < cursor
            with producing(person, tmp_path / "producer.log") as port:
                consumers = Consumers(identity, port, tmp_path / "consumers.log")
                try:
                    consumers.start()
                    await settled(restored, 1000, seconds=120)
                    consumers.stop()
                finally:
                    consumers.close()
        await accounted(restored, written)
        await restored.close()


async def _restored(url: str, file: Path) -> None:
    """The backup in a database of the new cluster, whose roles are there, as `pg_dumpall --roles-only` makes them."""
    connection = await asyncpg.connect(url)
    for schema in load(ROOT).schemas:
        for role in (schema.service_role, schema.reader_role):
            await connection.execute(f"create role {role} login password '{ROLE_PASSWORD}'")
    await connection.close()
    command = [str(binary("pg_restore")), "--exit-on-error", "--single-transaction", "--dbname", url, str(file)]
    done = await asyncio.to_thread(
        subprocess.run, command, env=client_environment(url), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def _of_role(url: str, role: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{role}:{ROLE_PASSWORD}@{rest.rpartition('@')[2]}"
