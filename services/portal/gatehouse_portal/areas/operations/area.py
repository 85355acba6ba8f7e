"""The area `operations`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar

from gatehouse_chassis import ServiceContext
from gatehouse_chassis.base.actor import OPERATOR_ROLES
from gatehouse_portal.areas.operations import events, format, home, routes, throughput
from gatehouse_portal.areas.operations.prometheus import Prometheus
from gatehouse_portal.areas.operations.service_status import StatusProbe
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry


@asynccontextmanager
async def lifespan(service: ServiceContext, app: Litestar) -> AsyncGenerator[None]:
    """The clients that ask services and Prometheus."""
    app.state.status_probe = probe = StatusProbe(service.addresses)
    probe.include(service.name, f"http://{service.host}:{service.port}", app)
    app.state.prometheus = prometheus = Prometheus(service.settings.url("prometheus_url"))
    try:
        yield
    finally:
        await probe.close()
        await prometheus.close()


AREA = Area(
    name="operations",
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            name="Throughput",
            path="/throughput",
            order=60,
            about="Traffic, errors and latency of each service",
            seen_by=throughput.SEEN_BY,
        ),
        NavEntry(
            name="Admin",
            path="/admin",
            order=70,
            about="What is running, since when, and its health",
            seen_by=tuple(sorted(OPERATOR_ROLES)),
        ),
    ),
    routes=(*routes.ROUTES, *events.ROUTES, *throughput.ROUTES),
    filters=format.FILTERS,
    sections=(
        HomeSection(title="The platform", order=30, template="operations/home.html", load=home.load),
        HomeSection(title="Traffic", order=32, template="operations/home_traffic.html", load=home.load_traffic),
    ),
    lifespan=lifespan,
)
