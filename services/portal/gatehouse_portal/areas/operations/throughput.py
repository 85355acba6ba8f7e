"""Throughput: traffic, errors and latency of each service, over the last hour or more."""

from litestar import Request, get
from litestar.datastructures import State
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import OPERATOR_ROLES
from gatehouse_portal.areas.operations import charts
from gatehouse_portal.areas.operations.prometheus import RANGES, Prometheus, TrafficFigures
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, wants_part
from gatehouse_portal.shell.query import chosen

# Who runs the platform, tests it, or decides that it goes live.
SEEN_BY = (*sorted(OPERATOR_ROLES), "tester", "release-manager")


@get("/throughput", guards=[guards.pages_for(*SEEN_BY)], include_in_schema=False)
async def throughput(request: Request, state: State) -> Template:
    prometheus: Prometheus = state.prometheus
    asked = chosen(request, "range").get("range")
    over = next((one for one in RANGES if one.key == asked), RANGES[0])
    answer = await prometheus.last(over)
    figures = answer if isinstance(answer, TrafficFigures) else None
    name = "operations/throughput/figures.html" if wants_part(request) else "operations/throughput/page.html"
    return page(
        request,
        name,
        figures=figures,
        ranges=RANGES,
        over=over,
        operator_roles=OPERATOR_ROLES,
        missing=None if figures else answer,
        panels=charts.panels(figures) if figures else [],
    )


ROUTES: tuple[ControllerRouterHandler, ...] = (throughput,)
