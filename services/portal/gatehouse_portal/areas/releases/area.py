"""The area `releases`. Promotions are carried out by what the settings name; tests bring another core."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar

from gatehouse_chassis import ServiceContext
from gatehouse_portal.areas.releases import format, home, in_process, routes
from gatehouse_portal.areas.releases.dora_exporter import DoraExporter
from gatehouse_portal.areas.releases.promotion_session import Core, PromotionSession
from gatehouse_portal.shell.area import Area, HomeSection, NavEntry


def releases(core: Core | None = None) -> Area:
    """The area, with promotions carried out by `core`; by default by what the settings name."""

    @asynccontextmanager
    async def lifespan(service: ServiceContext, app: Litestar) -> AsyncGenerator[None]:
        used = core or in_process.core_of(service)
        app.state.promotions = session = PromotionSession(used) if used else None
        exporter = DoraExporter()
        app.state.metrics.registry.register(exporter)
        reading = asyncio.create_task(exporter.keep_reading(session)) if session else None
        try:
            yield
        finally:
            if reading:
                reading.cancel()
            if session:
                await session.close()

    return Area(
        name="releases",
        folder=Path(__file__).parent,
        navigation=(
            NavEntry(
                name="Releases",
                path="/releases",
                order=50,
                about="What runs in each environment, and what can be promoted",
                seen_by=routes.SEEN_BY,
            ),
        ),
        routes=routes.ROUTES,
        filters=format.FILTERS,
        sections=(HomeSection(title="Releases", order=21, template="releases/home.html", load=home.load),),
        lifespan=lifespan,
    )


AREA = releases()
