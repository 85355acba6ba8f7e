"""Grafana's provisioning files for compose: data source and dashboards.

In AWS the platform writes both to Amazon Managed Grafana, with the same `data_source`.
"""

from typing import Any

# The mount of generated/dashboards in compose, and the address of its Prometheus.
FOLDER, PROMETHEUS = "/etc/gatehouse/dashboards", "http://prometheus:9090"
SCRAPE_SECONDS = 5


def data_source(uid: str, url: str, *, scrape_seconds: int, **settings: Any) -> dict[str, Any]:
    """A Prometheus as Grafana's provisioning and its HTTP API describe it; `settings` go into jsonData."""
    return {
        "name": uid,
        "uid": uid,
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        # POST: dashboard queries can exceed the length limit of a URL. $__rate_interval is at least four times
        # timeInterval.
        "jsonData": {"httpMethod": "POST", "timeInterval": f"{scrape_seconds}s", **settings},
    }


def local_datasources() -> dict[str, Any]:
    source = data_source("gatehouse", PROMETHEUS, scrape_seconds=SCRAPE_SECONDS)
    return {"apiVersion": 1, "datasources": [{**source, "isDefault": True}]}


def local_dashboards() -> dict[str, Any]:
    provider = {"name": "gatehouse", "folder": "Gatehouse", "type": "file", "allowUiUpdates": False}
    return {"apiVersion": 1, "providers": [{**provider, "options": {"path": FOLDER}}]}
