"""All rules of the platform, and the configuration of the local Prometheus."""

from collections.abc import Mapping
from typing import Any

from gatehouse_catalog import Catalog
from gatehouse_observability import objectives, platform_alerts
from gatehouse_observability.rules import RuleGroup, as_yaml, rules_document

CONFIG, RULES = "prometheus.yaml", "rules.yaml"
LOCAL_SECONDS = 5  # between scrapes and between evaluations, locally


def rule_groups(catalog: Catalog) -> list[RuleGroup]:
    """The groups of all services, and the platform's."""
    return [*objectives.groups(catalog), *platform_alerts.groups()]


def local_files(catalog: Catalog, targets: Mapping[str, str], *, probe: str = "") -> dict[str, str]:
    """The files of a local Prometheus by name; it is started with CONFIG. `targets`: host:port by service. `probe`:
    that of the exporter that visits from outside.
    """
    rules = rules_document(rule_groups(catalog), interval=f"{LOCAL_SECONDS}s")
    return {CONFIG: as_yaml(prometheus_config(targets, probe=probe)), RULES: as_yaml(rules)}


def prometheus_config(targets: Mapping[str, str], *, environment: str = "local", probe: str = "") -> dict[str, Any]:
    interval = f"{LOCAL_SECONDS}s"
    # Without the label `service`: it is none, and rules on services leave it out.
    outside = {"job_name": "probe", "static_configs": [{"targets": [probe], "labels": {"environment": environment}}]}
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [RULES],
        "scrape_configs": [
            {
                "job_name": service,
                "honor_labels": True,
                "static_configs": [{"targets": [target], "labels": {"service": service, "environment": environment}}],
            }
            for service, target in sorted(targets.items())
        ]
        + ([outside] if probe else []),
    }
