"""Dashboards as structs (panels of queries in rows), and their JSON for Grafana.

Classic dashboards (not the v2 resource): every Grafana provisions them from files, Amazon's managed one too.
Types and defaults come from grafana-foundation-sdk 0.0.21; see pyproject.toml for why that build.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec
from grafana_foundation_sdk.builders import dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

WIDTH = 24  # of Grafana's grid
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "gatehouse"
SERVICES = "label_values(gatehouse_build_info, service)"


class PanelQuery(msgspec.Struct, frozen=True):
    expr: str
    legend: str = ""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """`help` tells a first-time reader what is good and what is bad."""

    title: str
    queries: Sequence[PanelQuery]
    help: str
    unit: str = "short"
    kind: Literal["graph", "number", "table"] = "graph"
    width: int = 12
    height: int = 8
    exemplars: bool = False
    columns: Sequence[str] = ()  # of a table: labels, in order


class PanelRow(msgspec.Struct, frozen=True):
    title: str
    panels: Sequence[Panel]


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    uid: str
    title: str
    summary: str
    rows: Sequence[PanelRow]
    by_service: bool = False  # has a variable `service`, which lists what runs
    releases: str = ""  # an expression that has a sample where a release begins

    @property
    def panels(self) -> list[Panel]:
        return [panel for row in self.rows for panel in row.panels]


def dashboard_json(board: Dashboard, *, source: str = "") -> str:
    """Grafana's JSON of a dashboard; equal structs give equal text.

    `source`: the uid of the only data source to offer, for a Grafana with several environments. Its last word is
    appended to the uid of the dashboard.
    """
    if source:
        board = msgspec.structs.replace(board, uid=f"{board.uid}-{source.rpartition('-')[2]}")
    built: Any = _builder(board, source).build()
    plain = _published(json.loads(json.dumps(built, cls=JSONEncoder)))
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _published(content: dict[str, Any]) -> dict[str, Any]:
    """Without what the SDK writes and the Grafana that runs has no such key for (tests/grafana)."""
    extra = ("placement", "auto", "auto_count", "auto_min")
    for one in (*content.get("links", ()), *content["templating"]["list"], *content["annotations"].get("list", ())):
        for key in extra:
            one.pop(key, None)
    return content


def _builder(board: Dashboard, source: str) -> dashboard.Dashboard:
    chosen = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    link = dashboard.DashboardLink("Gatehouse").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(True)
    builder = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.summary)
        .tags([TAG])
        .timezone("browser")
        .time("now-1h", "now")
        .refresh("30s")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(link.keep_time(True).include_vars(True))
        .with_variable(chosen.regex(f"/^{source}$/") if source else chosen)
    )
    if board.by_service:
        variable = dashboard.QueryVariable("service").label("Service").datasource(SOURCE).query(SERVICES)
        variable = variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
        builder = builder.with_variable(variable)
    if board.releases:
        note = dashboard.AnnotationQuery().name("Releases").datasource(SOURCE).enable(True).icon_color("blue")
        shown = note.expr(board.releases).step("60s").title_format("{{service}} {{version}}").text_format("{{commit}}")
        builder = builder.annotation(shown)
    for number, row in enumerate(board.rows):
        builder = builder.with_row(dashboard.Row(row.title).id(1000 + number))
        for panel in row.panels:
            builder = builder.with_panel(_panel(panel))
    return builder


def _panel(panel: Panel) -> Any:
    makers = {"graph": _graph, "number": _number, "table": _table}
    built = makers[panel.kind](panel)
    built = built.title(panel.title).description(panel.help).datasource(SOURCE).unit(panel.unit)
    built = built.span(panel.width).height(panel.height)
    for target in _targets(panel):
        built = built.with_target(target)
    return built


def _targets(panel: Panel) -> Iterator[prometheus.Dataquery]:
    for number, query in enumerate(panel.queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + number)).expr(query.expr).datasource(SOURCE)
        if panel.kind == "graph":
            yield target.range().legend_format(query.legend).exemplar(panel.exemplars)
        elif panel.kind == "number":
            yield target.instant().legend_format(query.legend)
        else:
            yield target.instant().format(PromQueryFormat.TABLE)


def _graph(panel: Panel) -> timeseries.Panel:
    legend = VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    return timeseries.Panel().line_width(1).fill_opacity(8).min(0).legend(legend)


def _number(panel: Panel) -> stat.Panel:
    return stat.Panel().reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))


def _table(panel: Panel) -> table.Panel:
    order = {"includeByName": dict.fromkeys(panel.columns, True)}
    order["indexByName"] = {name: number for number, name in enumerate(panel.columns)}
    return table.Panel().with_transformation(DataTransformerConfig(id_val="organize", options=order))
