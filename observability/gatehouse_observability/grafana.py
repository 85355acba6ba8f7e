"""How Grafana comes to its data source and dashboards: provisioning files for a local one (compose).

In AWS the platform puts both into Amazon Managed Grafana; `data_source` is what they share.
"""

from typing import Any

# Where compose mounts generated/dashboards, and where its Prometheus answers.
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
        # POST: a query of a dashboard is longer than what some take in an address. timeInterval is what
        # $__rate_interval is made of: four times it, at least.
        "jsonData": {"httpMethod": "POST", "timeInterval": f"{scrape_seconds}s", **settings},
    }


def local_datasources() -> dict[str, Any]:
    source = data_source("gatehouse", PROMETHEUS, scrape_seconds=SCRAPE_SECONDS)
    return {"apiVersion": 1, "datasources": [{**source, "isDefault": True}]}


def local_dashboards() -> dict[str, Any]:
    provider = {"name": "gatehouse", "folder": "Gatehouse", "type": "file", "allowUiUpdates": False}
    return {"apiVersion": 1, "providers": [{**provider, "options": {"path": FOLDER}}]}
