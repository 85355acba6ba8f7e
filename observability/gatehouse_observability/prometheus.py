"""Prometheus' own configuration, for the one that runs beside the local platform."""

from collections.abc import Mapping
from typing import Any


def prometheus_config(
    targets: Mapping[str, str], *, rules: str, environment: str = "local", scrape_seconds: float = 5
) -> dict[str, Any]:
    """`targets`: host:port by service; `rules`: the path of the rule file, absolute or beside the configuration."""
    interval = f"{int(scrape_seconds * 1000)}ms"
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [rules],
        "scrape_configs": [
            {
                "job_name": service,
                "honor_labels": True,
                "static_configs": [{"targets": [target], "labels": {"service": service, "environment": environment}}],
            }
            for service, target in sorted(targets.items())
        ],
    }
