"""On the home page: for operators whether every service is healthy and what waits, for others what traffic shows."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Request

from gatehouse_chassis.base.actor import OPERATOR_ROLES, Actor
from gatehouse_portal.areas.operations import throughput
from gatehouse_portal.areas.operations.prometheus import ERRORS, Prometheus, ServiceFigures, TrafficFigures
from gatehouse_portal.areas.operations.service_status import StatusProbe


async def load(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't an operator."""
    if not actor.has(*OPERATOR_ROLES):
        return None
    probe: StatusProbe = request.app.state.status_probe
    services, stopped = await asyncio.gather(probe.all(actor.token), parked(probe, actor.token))
    return {"services": services, "parked": stopped}


class Parked(msgspec.Struct, frozen=True):
    """An event or a piece of a job's work that nobody handles until somebody decides, or that fails again and again."""

    title: str
    failure: str
    tries: int
    path: str


async def parked(probe: StatusProbe, token: str) -> list[Parked]:
    """Of every service that answers: events first, each service's in the order in which it tells them."""
    feeds, jobs = await asyncio.gather(
        asyncio.gather(*(probe.followed(name, token) for name in probe.names)), probe.jobs(token)
    )
    events = [
        Parked(f"{name}: {event.type}", event.failure or "", event.tries, "/admin/events")
        for name, found in zip(probe.names, feeds, strict=True)
        for feed in found or ()
        for event in feed.unhandled
        if event.failed
    ]
    work = [
        Parked(f"{name}: {job.name}", one.last_error or "", one.failures, "/admin/jobs#failing")
        for name, found in jobs
        for job in found
        for one in job.failing
        if one.discarded_at is None
    ]
    return events + work


async def load_traffic(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """Alerts that fire and services that fail; None for who has no such page, and where there are no figures."""
    if not actor.has(*throughput.SEEN_BY):
        return None
    prometheus: Prometheus = request.app.state.prometheus
    figures = await prometheus.last()
    if not isinstance(figures, TrafficFigures) or not figures.services:
        return None
    return {"alerts": figures.alerts, "failing": list(failing(figures)), "figures": figures}


def failing(figures: TrafficFigures) -> Iterator[tuple[ServiceFigures, float]]:
    """Services whose share of errors is above what their objective leaves them now, the worst first."""
    shares = [(one, share) for one in figures.services if (share := one.now(ERRORS)) is not None]
    above = [(one, share) for one, share in shares if one.allowed is not None and share > one.allowed]
    yield from sorted(above, key=lambda pair: pair[1], reverse=True)
