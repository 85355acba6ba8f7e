"""The collector's configuration, rendered from the catalog. Pure: services in, YAML out.

ADOT's distribution of the OpenTelemetry collector reads it from the variable AOT_CONFIG_CONTENT. It finds every task of
a service by DNS, and keeps samples for some minutes when Prometheus (AMP) doesn't answer.
"""

import json
from collections.abc import Iterable
from typing import Any

from gatehouse_catalog import Service

SCRAPE_SECONDS = 30
HEALTH_PORT = 13133


def collector_config(
    services: Iterable[Service], *, environment: str, task_domain: str, remote_write: str, region: str
) -> str:
    """JSON, which is YAML too: sorted, so that equal content is equal text."""
    jobs = [_job(service, environment, task_domain) for service in services if service.port is not None]
    config: dict[str, Any] = {
        "extensions": {
            "health_check": {"endpoint": f"0.0.0.0:{HEALTH_PORT}"},
            "sigv4auth": {"region": region, "service": "aps"},
        },
        "receivers": {"prometheus": {"config": {"scrape_configs": sorted(jobs, key=lambda job: job["job_name"])}}},
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 75, "spike_limit_percentage": 15},
            "batch": {"send_batch_size": 1000, "timeout": "10s"},
        },
        "exporters": {
            "prometheusremotewrite": {
                "endpoint": remote_write,
                "auth": {"authenticator": "sigv4auth"},
                "remote_write_queue": {"queue_size": 10_000, "num_consumers": 2},
                "retry_on_failure": {"enabled": True, "initial_interval": "2s", "max_elapsed_time": "600s"},
            }
        },
        "service": {
            "extensions": ["health_check", "sigv4auth"],
            "pipelines": {
                "metrics": {
                    "receivers": ["prometheus"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["prometheusremotewrite"],
                }
            },
        },
    }
    return json.dumps(config, sort_keys=True)


def _job(service: Service, environment: str, task_domain: str) -> dict[str, Any]:
    """Two tasks under one target would write the same series and lose samples: each keeps its address (`instance`)."""
    return {
        "job_name": service.name,
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "metrics_path": "/metrics",
        "dns_sd_configs": [
            {"names": [f"{service.name}.{task_domain}"], "type": "A", "port": service.port, "refresh_interval": "15s"}
        ],
        "relabel_configs": [
            {"target_label": "environment", "replacement": environment},
            {"target_label": "service", "replacement": service.name},
        ],
    }
