"""The routes that every service has at the root of its port: health, version, configuration, metrics.

The load balancer doesn't route them; people see them on the portal's Admin page.
"""

import time
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.enums import MediaType

from gatehouse_chassis.http.guards import operators, public
from gatehouse_chassis.http.health import CollectionVersion, HealthChecks, Readiness
from gatehouse_chassis.http.rate_limits import LimitedRoute
from gatehouse_chassis.metrics.registry import Metrics
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_chassis.service.settings import Resolved


class Alive(msgspec.Struct, frozen=True):
    status: str = "alive"


class VersionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What code runs, since when, and on which versions of its collections."""

    service: str
    domain: str
    summary: str
    environment: str
    version: str
    commit: str
    built_at: str
    image_digest: str
    started_at: str
    collections: list[CollectionVersion]


class ConfiguredValue(msgspec.Struct, frozen=True, kw_only=True):
    """One declared setting. A secret's value is `set` or `unset`, never itself."""

    key: str
    type: str
    value: Any
    origin: str
    secret: bool
    help: str


class ConfigDocument(msgspec.Struct, frozen=True):
    service: str
    environment: str
    settings: list[ConfiguredValue]
    limits: list[LimitedRoute] = []


def shown(resolved: Resolved) -> ConfiguredValue:
    """A setting as an operator may see it."""
    setting = resolved.setting
    value: Any = resolved.value
    if setting.secret:
        value = "unset" if resolved.value is None else "set"
    return ConfiguredValue(
        key=resolved.key,
        type=setting.type,
        value=value,
        origin=str(resolved.origin),
        secret=setting.secret,
        help=setting.help,
    )


def operations(service: ServiceContext, health: HealthChecks, metrics: Metrics) -> Router:
    """The router with these routes."""
    started_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    config = ConfigDocument(
        service=service.name,
        environment=service.environment,
        settings=[shown(resolved) for resolved in service.settings],
    )

    @get(
        "/health/live", guards=[public], operation_id="GetLiveness", summary="Is the process alive?", tags=["platform"]
    )
    async def live() -> Alive:
        return Alive()

    @get(
        "/health/ready",
        guards=[public],
        operation_id="GetReadiness",
        summary="Can it take requests?",
        tags=["platform"],
        raises=[],
    )
    async def ready() -> Response[Readiness]:
        readiness = await health.ready()
        return Response(readiness, status_code=200 if readiness.ready else 503)

    @get(
        "/version",
        guards=[public],
        operation_id="GetVersion",
        summary="What code and schema is this?",
        tags=["platform"],
    )
    async def version() -> VersionDocument:
        return VersionDocument(
            service=service.name,
            domain=service.entry.domain,
            summary=service.entry.summary,
            environment=service.environment,
            version=service.build.version,
            commit=service.build.commit,
            built_at=service.build.built_at,
            image_digest=service.build.image_digest,
            started_at=started_at,
            collections=await health.versions(),
        )

    @get(
        "/config",
        guards=[operators],
        operation_id="GetConfig",
        summary="Every declared setting, its value and where it came from; and the limits for strangers",
        tags=["platform"],
    )
    async def configuration(state: State) -> ConfigDocument:
        return msgspec.structs.replace(config, limits=state.limited_routes)

    @get(
        "/metrics",
        guards=[public],
        operation_id="GetMetrics",
        summary="Metrics in Prometheus' text format",
        tags=["platform"],
        media_type=MediaType.TEXT,
    )
    async def exposition(request: Request) -> Response[bytes]:
        await health.versions()
        text, media_type = metrics.render(request.headers.get("accept", ""))
        return Response(text, media_type=media_type)

    return Router(path="/", route_handlers=[live, ready, version, configuration, exposition])
