"""The files of `observability/generated/`: configuration of Prometheus, Grafana and the collector."""

from pathlib import Path

from gatehouse_catalog import load_catalog
from gatehouse_observability import grafana
from gatehouse_observability.alertmanager import alertmanager_config
from gatehouse_observability.collector import PROBE_PORT, collector_config
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.panels import dashboard_json
from gatehouse_observability.prometheus import prometheus_config, rule_groups
from gatehouse_observability.rules import as_yaml, rules_document

FOLDER = "observability/generated"
# In compose the probe is in the network of the edge, which is at its public address only there.
COMPOSE_PROBE = f"edge:{PROBE_PORT}"


def generate(root: Path) -> dict[str, str]:
    """Generated files by their path below `root`; `gate generate` writes them."""
    catalog = load_catalog(root)
    collector = collector_config(
        environment="${env:GATEHOUSE_ENVIRONMENT}",
        cluster="${env:GATEHOUSE_CLUSTER}",
        remote_write="${env:GATEHOUSE_REMOTE_WRITE}",
        region="${env:AWS_REGION}",
    )
    alerting = alertmanager_config(
        topic="${GATEHOUSE_ALERTS}", heartbeat="${GATEHOUSE_HEARTBEAT}", region="${AWS_REGION}"
    )
    # In compose a service's host name is its own name.
    targets = {service.name: f"{service.name}:{service.port}" for service in catalog}
    boards = {f"{FOLDER}/dashboards/{board.uid}.json": dashboard_json(board) for board in dashboards()}
    return {
        f"{FOLDER}/rules.yaml": as_yaml(rules_document(rule_groups(catalog))),
        f"{FOLDER}/collector.yaml": as_yaml(collector),
        f"{FOLDER}/alertmanager.yaml": as_yaml(alerting),
        f"{FOLDER}/compose/prometheus.yaml": as_yaml(prometheus_config(targets, probe=COMPOSE_PROBE)),
        f"{FOLDER}/grafana/datasources.yaml": as_yaml(grafana.local_datasources()),
        f"{FOLDER}/grafana/dashboards.yaml": as_yaml(grafana.local_dashboards()),
        **boards,
    }
