"""What many would build instead: FastAPI, SQLAlchemy's async ORM and pydantic, with the chassis's duties.

Checks the token against identity's keys and remembers it, counts and times the request, logs one JSON line, sends an
ETag, answers 304. Written as an experienced user would: pure ASGI middleware, one session factory, prepared metrics.
"""

import json
import os
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from jwt.algorithms import OKPAlgorithm
from prometheus_client import Counter, Gauge, Histogram
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ARRAY, String, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DATABASE = os.environ["GATEHOUSE_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")
IDENTITY = os.environ["GATEHOUSE_URL_IDENTITY"]
engine = create_async_engine(
    DATABASE,
    pool_size=4,
    max_overflow=0,
    connect_args={"server_settings": {"search_path": "topics", "timezone": "UTC"}},
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
requests = Counter("http_requests_total", "Requests", ("method", "route", "status"))
durations = Histogram("http_request_duration_seconds", "Durations", ("method", "route"))
in_flight = Gauge("http_requests_in_flight", "In flight")


class Base(DeclarativeBase):
    pass


class Resource(Base):
    __tablename__ = "resource"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    description: Mapped[str | None]
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID | None]
    changed_at: Mapped[datetime]
    changed_by: Mapped[uuid.UUID | None]
    number: Mapped[int]
    url: Mapped[str]
    kind: Mapped[str]
    cost: Mapped[str]
    level: Mapped[str]
    interests: Mapped[list[str]] = mapped_column(ARRAY(String))
    technologies: Mapped[list[str]] = mapped_column(ARRAY(String))
    link_status: Mapped[str]


class ResourceOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    version: int
    name: str
    description: str | None
    archived_at: datetime | None
    created_at: datetime
    created_by: uuid.UUID | None
    changed_at: datetime
    changed_by: uuid.UUID | None
    number: int
    url: str
    kind: str
    cost: str
    level: str
    interests: list[str]
    technologies: list[str]
    link_status: str


class Observed:
    """Ids, metrics and the log line, as plain ASGI: Starlette's BaseHTTPMiddleware would cost far more."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = str(uuid.uuid4())
        status = 500
        started = time.perf_counter()

        async def observed_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        in_flight.inc()
        try:
            await self.app(scope, receive, observed_send)
        finally:
            in_flight.dec()
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            requests.labels(scope["method"], route, str(status)).inc()
            durations.labels(scope["method"], route).observe(seconds)
            line = {
                "event": "request",
                "timestamp": datetime.now(UTC).isoformat(),
                "level": "info",
                "service": "peer",
                "request_id": request_id,
                "actor_id": scope.get("state", {}).get("actor_id"),
                "method": scope["method"],
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 2),
            }
            sys.stdout.write(json.dumps(line) + "\n")


def fetch_keys() -> dict[str, Any]:
    with urllib.request.urlopen(f"{IDENTITY}/api/identity/jwks.json", timeout=5) as answer:
        return {key["kid"]: OKPAlgorithm.from_jwk(key) for key in json.load(answer)["keys"]}


keys: dict[str, Any] = {}
checked: dict[str, dict[str, Any]] = {}


async def actor(request: Request, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
    token = authorization.removeprefix("Bearer ")
    claims = checked.get(token)
    if claims is None or claims["exp"] < time.time():
        if not keys:
            keys.update(fetch_keys())
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="gatehouse", issuer="gatehouse")
        except (jwt.InvalidTokenError, KeyError):
            raise HTTPException(401) from None
        checked[token] = claims
    request.state.actor_id = claims["sub"]
    return claims


async def session() -> AsyncGenerator[AsyncSession]:
    async with sessions() as opened:
        yield opened


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/resources/{id}", response_model=ResourceOut)
async def read_resource(
    id: uuid.UUID,
    response: Response,
    caller: Annotated[dict[str, Any], Depends(actor)],
    database: Annotated[AsyncSession, Depends(session)],
    if_none_match: Annotated[str | None, Header()] = None,
) -> Any:
    found = (await database.execute(select(Resource).where(Resource.id == id))).scalar_one_or_none()
    if found is None:
        raise HTTPException(404)
    etag = f'"{found.version}"'
    if if_none_match == etag:
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    return found


if __name__ == "__main__":
    port = int(os.environ["GATEHOUSE_PORT"])
    uvicorn.run(Observed(app), port=port, loop="uvloop", http="httptools", log_config=None, access_log=False)
