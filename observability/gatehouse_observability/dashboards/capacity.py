"""*Cost and capacity*: what is paid for, and how much of it is used."""

from gatehouse_observability.dashboards.shapes import graph, rate
from gatehouse_observability.panels import Dashboard, Panel, PanelRow

# What is used, of what a task is given or aims at.
OF_AIM = (
    "service:http_requests:rate5m * 60 / on (service) (service:targets_up:count > 0)"
    " / on (service) service:scaling_requests:per_minute"
)
OF_PROCESSOR = f"avg by (service) ({rate('process_cpu_seconds_total')}) / on (service) service:compute_processor:cores"
OF_MEMORY = "max by (service) (process_resident_memory_bytes) / on (service) service:compute_memory:bytes"


def capacity() -> Dashboard:
    return Dashboard(
        uid="gatehouse-capacity",
        title="Cost and capacity",
        summary="What is paid for, and how much of it is used",
        rows=[PanelRow("Used of what is paid for", _used())],
    )


def _used() -> list[Panel]:
    return [
        graph("Tasks", "service:targets_up:count", "Each costs its processor and memory by the hour"),
        graph(
            "Requests a minute and task, of the aim",
            OF_AIM,
            "Scaling aims at 1 (scaling.requests_per_task)",
            unit="percentunit",
        ),
        graph(
            "Processor, of the share",
            OF_PROCESSOR,
            "Always far below 1: compute.cpu may be smaller",
            unit="percentunit",
        ),
        graph("Memory, of the limit", OF_MEMORY, "At 1 the task is killed", unit="percentunit"),
        graph(
            "Series of a task",
            "max by (service) (scrape_samples_scraped)",
            "Each is paid for; a climb is a label without a bound",
        ),
    ]
