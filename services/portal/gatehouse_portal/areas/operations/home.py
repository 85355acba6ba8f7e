"""On the home page: for operators whether every service is healthy, for all who watch traffic what is wrong there."""

from collections.abc import Iterator
from typing import Any

from litestar import Request

from gatehouse_chassis.base.actor import OPERATOR_ROLES, Actor
from gatehouse_portal.areas.operations import throughput
from gatehouse_portal.areas.operations.prometheus import ERRORS, Prometheus, ServiceFigures, TrafficFigures


async def load(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't an operator."""
    if not actor.has(*OPERATOR_ROLES):
        return None
    return {"services": await request.app.state.status_probe.all(actor.token)}


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
