"""One database, many services: none reads another's schema, and each says when the database isn't as it needs it."""

import asyncio
import contextlib
import functools
import re
from itertools import permutations
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from litestar import Response, post

from gatehouse_catalog import find_root, load_catalog
from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.http.guards import public
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.testing import serving
from gatehouse_local.testing.pytest_plugin import Postgres

CATALOG = load_catalog(find_root())
SCHEMAS = [service.database.schema for service in CATALOG if service.database]
TABLE = "select min(tablename) from pg_tables where schemaname = $1"


@contextlib.asynccontextmanager
async def connected(url: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize(("mine", "others"), permutations(SCHEMAS, 2))
@pytest.mark.parametrize("kind", ["service", "reader"])
async def test_a_role_can_not_touch_another_schema(
    postgres: Postgres, database_url: str, mine: str, others: str, kind: str
) -> None:
    async with connected(database_url) as administrator:
        table = await administrator.fetchval(TABLE, others)
    assert table
    async with connected(postgres.role_url(database_url, f"{mine}_{kind}")) as role:
        for statement in (
            f'select * from "{others}"."{table}" limit 1',
            f'delete from "{others}"."{table}"',
            f'create table "{others}".intruder ()',
            f'grant usage on schema "{others}" to "{mine}_{kind}"',
            f"set role {others}_service",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await role.execute(statement)


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_a_service_changes_rows_of_its_own_and_nothing_else_of_the_database(
    postgres: Postgres, database_url: str, schema: str
) -> None:
    async with connected(postgres.role_url(database_url, f"{schema}_service")) as role:
        assert await role.fetchval("select count(*) from dbm.version where schema = $1", schema) > 0
        for statement in (
            f'create table "{schema}".another ()',
            "create table public.another ()",
            "create schema another",
            "delete from dbm.version",
        ):
            with pytest.raises(asyncpg.PostgresError) as refused:
                await role.execute(statement)
            assert isinstance(
                refused.value, (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError)
            )


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_a_reader_reads_and_changes_nothing(postgres: Postgres, database_url: str, schema: str) -> None:
    async with connected(database_url) as administrator:
        table = await administrator.fetchval(TABLE, schema)
    async with connected(postgres.role_url(database_url, f"{schema}_reader")) as role:
        await role.fetch(f'select * from "{schema}"."{table}" limit 1')
        with pytest.raises(asyncpg.PostgresError):
            await role.execute(f'delete from "{schema}"."{table}"')


SERVICE = """
name = "demo"
domain = "demo"
summary = "Needs a collection"
path = "/api/demo"
port = 8499
[database]
schema = "topics"
[database.needs]
resource = "{needs}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "services" / "demo"
    folder.mkdir(parents=True)
    return folder


def needing(folder: Path, version: str) -> Path:
    (folder / "service.toml").write_text(SERVICE.format(needs=version))
    return folder


def create(service: ServiceContext) -> Any:
    return create_app(service, [], database=Database("topics"))


@pytest.mark.parametrize("needs", ["1.999.0", "2.0.0"])
async def test_a_service_isnt_ready_on_collections_that_are_too_old(
    postgres: Postgres, database_url: str, folder: Path, needs: str
) -> None:
    url = postgres.role_url(database_url, "topics_service")
    async with serving("demo", create, folder=needing(folder, needs), database_url=url) as demo:
        answer = await demo.get("/health/ready")
    assert answer.status_code == 503
    assert re.fullmatch(rf"resource is 1\.\S+, {needs} is needed", answer.json()["checks"]["collections"])


@post("/things", guards=[public])
async def create_thing(once: Once) -> Response[Any]:
    return await once(asyncio.sleep, 0)


async def test_a_service_that_creates_once_needs_the_collection_for_it_without_saying_so(
    postgres: Postgres, database_url: str, folder: Path
) -> None:
    """The portal's schema doesn't include idempotency_key."""
    (folder / "service.toml").write_text(SERVICE.partition("[database.needs]")[0].replace('"topics"', '"portal"'))
    url = postgres.role_url(database_url, "portal_service")
    for routes, status in (([], 200), ([create_thing], 503)):
        app = functools.partial(create_app, routes=routes, database=Database("portal"))
        async with serving("demo", app, folder=folder, database_url=url) as demo:
            answer = await demo.get("/health/ready")
        assert answer.status_code == status
    assert answer.json()["checks"]["collections"] == "idempotency_key 1.0.0 is needed and not applied"


async def test_a_service_isnt_ready_while_its_database_is_away_but_alive(
    postgres: Postgres, seeded_template: str, folder: Path
) -> None:
    administrator = postgres.create_database(seeded_template)
    url = postgres.role_url(administrator, "topics_service")
    async with serving("demo", create, folder=needing(folder, "1.0.0"), database_url=url) as demo:
        assert (await demo.get("/health/ready")).status_code == 200
        postgres.drop_database(administrator)
        async with asyncio.timeout(60):  # the last answer is remembered for a second
            while (answer := await demo.get("/health/ready")).status_code == 200:
                await asyncio.sleep(0.02)
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"process": "ok", "database": "doesn't answer"}
        assert (await demo.get("/health/live")).status_code == 200
