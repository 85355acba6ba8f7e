"""*Releases*, what runs, and *Delivery*, how quickly changes get there."""

from gatehouse_observability.dashboards.shapes import BUILDS, BY_SERVICE, NEW_BUILDS, graph
from gatehouse_observability.panels import Dashboard, Panel, PanelQuery, PanelRow


def releases() -> Dashboard:
    return Dashboard(
        uid="gatehouse-releases",
        title="Releases",
        summary="What runs, and since when",
        releases=NEW_BUILDS,
        rows=[PanelRow("What runs", _builds())],
    )


def _builds() -> list[Panel]:
    return [
        Panel(
            title="Builds",
            queries=[PanelQuery(BUILDS)],
            help="Tasks of each build; two builds of one service are a deploy in progress",
            kind="table",
            columns=["service", "version", "commit", "Value"],
        ),
        graph("Builds side by side", f"count by (service) ({BUILDS})", "1, but during a deploy"),
        Panel(
            title="Running since",
            queries=[PanelQuery("max by (service) (process_start_time_seconds) * 1000", BY_SERVICE)],
            help="When the youngest task began",
            unit="dateTimeFromNow",
            kind="number",
            width=24,
            height=5,
        ),
    ]


def delivery() -> Dashboard:
    """DORA's four, from the record of promotions (gatehouse_release.dora says what exactly is counted)."""
    return Dashboard(
        uid="gatehouse-delivery",
        title="Delivery",
        summary="How quickly changes reach people, and how often they hurt; per environment, over 30 days",
        releases=NEW_BUILDS,
        rows=[PanelRow("The last 30 days", _figures())],
    )


def _figures() -> list[Panel]:
    def each(title: str, series: str, text: str, unit: str = "short") -> Panel:
        return graph(title, f"max by (stage) (gatehouse_delivery_{series})", text, legend="{{stage}}", unit=unit)

    return [
        each(
            "Deployments",
            'changes{outcome="deployments"}',
            "Promotions and rollbacks that were seen running. Often and small is good",
        ),
        each(
            "Lead time",
            "lead_seconds",
            "The median from the build of a merge until it was seen running. A day is good",
            "s",
        ),
        each(
            "Changes that failed",
            "failure_ratio",
            "The share of promotions that failed or were rolled back. Below 0.15 is good",
            "percentunit",
        ),
        each(
            "Time to restore",
            "restore_seconds",
            "The median from a failed deployment until it was over. Below an hour is good",
            "s",
        ),
    ]
