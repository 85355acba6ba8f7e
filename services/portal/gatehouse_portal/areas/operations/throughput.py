"""Throughput: what every service is asked, how often it fails and how long it takes, in the last hour."""

from litestar import Request, get
from litestar.datastructures import State
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_portal import charts, guards
from gatehouse_portal.figures import Prometheus, TrafficFigures
from gatehouse_portal.pages import FIGURES_SEEN_BY, page, wants_part


@get("/throughput", guards=[guards.pages_for(*FIGURES_SEEN_BY)], include_in_schema=False)
async def throughput(request: Request, state: State) -> Template:
    prometheus: Prometheus = state.prometheus
    found = await prometheus.last_hour()
    known = isinstance(found, TrafficFigures)
    name = "throughput/figures.html" if wants_part(request) else "throughput/page.html"
    return page(
        request,
        name,
        figures=found if known else None,
        missing=None if known else found,
        panels=charts.panels(found) if isinstance(found, TrafficFigures) else [],
    )


ROUTES: list[ControllerRouterHandler] = [throughput]
