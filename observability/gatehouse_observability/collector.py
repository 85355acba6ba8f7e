"""The OpenTelemetry collector's configuration, rendered from the catalog. Pure: services in, structure out.

ADOT's distribution reads it from the variable AOT_CONFIG_CONTENT. It finds every task of a service by DNS, keeps only
the labels that are needed, and holds samples for some minutes when Prometheus (AMP) doesn't answer.
"""

from collections.abc import Iterable
from typing import Any

from gatehouse_catalog import Service

SCRAPE_SECONDS = 30
HEALTH_PORT = 13133
OUTAGE_SECONDS = 600  # of AMP, that no sample is lost by


def collector_config(
    services: Iterable[Service], *, environment: str, task_domain: str, remote_write: str, region: str
) -> dict[str, Any]:
    """`task_domain`: below it each service's name resolves to the addresses of its tasks."""
    jobs = [_job(service, environment, task_domain) for service in services if service.port is not None]
    return {
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
                "retry_on_failure": {
                    "enabled": True,
                    "initial_interval": "2s",
                    "max_elapsed_time": f"{OUTAGE_SECONDS}s",
                },
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


def _job(service: Service, environment: str, task_domain: str) -> dict[str, Any]:
    """Two tasks under one target would write the same series and lose samples: each keeps its address (`instance`)."""
    return {
        "job_name": service.name,
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "metrics_path": "/metrics",
        "honor_labels": True,  # a metric's own `service` is the target's; without this each series has it twice
        "dns_sd_configs": [
            {"names": [f"{service.name}.{task_domain}"], "type": "A", "port": service.port, "refresh_interval": "15s"}
        ],
        "relabel_configs": [
            {"target_label": "environment", "replacement": environment},
            {"target_label": "service", "replacement": service.name},
        ],
    }
