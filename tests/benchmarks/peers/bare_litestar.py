"""The least that Litestar and asyncpg can do: the same row by the same SQL to the same bytes, and nothing around it.

The yardstick for what the chassis costs. Knows no callers, counts nothing, logs nothing.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
import uvicorn
from litestar import Litestar, get

COLUMNS = (
    "id, version, name, description, archived_at, created_at, created_by, changed_at, changed_by, number, url, kind, "
    "cost, level, interests, technologies, link_status"
)
SELECT = f"select {COLUMNS} from resource where id = $1"


class Resource(msgspec.Struct):
    id: UUID
    version: int
    name: str
    description: str | None
    archived_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None
    number: int
    url: str
    kind: str
    cost: str
    level: str
    interests: list[str]
    technologies: list[str]
    link_status: str


class Hello(msgspec.Struct):
    hello: str = "world"


@asynccontextmanager
async def connected(app: Litestar) -> AsyncGenerator[None]:
    settings = {"search_path": "topics", "timezone": "UTC"}
    url = os.environ["GATEHOUSE_DATABASE_URL"]
    async with asyncpg.create_pool(url, min_size=4, max_size=4, server_settings=settings) as pool:
        app.state.pool = pool
        yield


@get("/resources/{id:uuid}")
async def read_resource(id: UUID) -> Resource:
    record = await app.state.pool.fetchrow(SELECT, id)
    return Resource(*record)


@get("/hello")
async def hello() -> Hello:
    return Hello()


app = Litestar([read_resource, hello], lifespan=[connected], openapi_config=None, logging_config=None)

if __name__ == "__main__":
    port = int(os.environ["GATEHOUSE_PORT"])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_config=None, access_log=False)
