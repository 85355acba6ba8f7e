"""The OpenTelemetry collector's configuration. Pure: where it stands in, structure out; no service is named in it.

ADOT's distribution reads it from the variable AOT_CONFIG_CONTENT. It asks ECS for the tasks of its cluster and scrapes
those whose container says by labels that it wants to be; so a new service changes nothing here. It holds samples for
some minutes when Prometheus (AMP) doesn't answer.
"""

from typing import Any

from gatehouse_catalog import Service

SCRAPE_SECONDS = 30
DISCOVERY_SECONDS = 15
HEALTH_PORT = 13133
OUTAGE_SECONDS = 600  # of AMP, that no sample is lost by
# Labels of a container: where its metrics are, and whose they are.
PORT_LABEL, SERVICE_LABEL = "GATEHOUSE_METRICS_PORT", "GATEHOUSE_SERVICE"
TARGETS = "/tmp/targets.yaml"  # noqa: S108 - in the container, whose only writable place it is


def labels(service: Service) -> dict[str, str]:
    """What a service's container says of itself, for the collector to find it."""
    return {PORT_LABEL: str(service.port), SERVICE_LABEL: service.name}


def collector_config(*, environment: str, cluster: str, remote_write: str, region: str) -> dict[str, Any]:
    """`cluster`: the name of the ECS cluster whose tasks are scraped."""
    return {
        "extensions": {
            "health_check": {"endpoint": f"0.0.0.0:{HEALTH_PORT}"},
            "sigv4auth": {"region": region, "service": "aps"},
            # Writes the targets into a file, which is how the receiver takes them (contrib's ecsobserver).
            "ecs_observer": {
                "cluster_name": cluster,
                "cluster_region": region,
                "refresh_interval": f"{DISCOVERY_SECONDS}s",
                "result_file": TARGETS,
                "docker_labels": [{"port_label": PORT_LABEL, "job_name_label": SERVICE_LABEL}],
            },
        },
        "receivers": {"prometheus": {"config": {"scrape_configs": [_job(environment)]}}},
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
            "extensions": ["health_check", "sigv4auth", "ecs_observer"],
            "pipelines": {
                "metrics": {
                    "receivers": ["prometheus"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["prometheusremotewrite"],
                }
            },
        },
    }


def _job(environment: str) -> dict[str, Any]:
    """Two tasks under one target would write the same series and lose samples: each keeps its address (`instance`)."""
    return {
        "job_name": "tasks",  # of a target without a name; the observer names each after its service
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "metrics_path": "/metrics",
        "honor_labels": True,  # a metric's own `service` is the target's; without this each series has it twice
        "file_sd_configs": [{"files": [TARGETS], "refresh_interval": f"{DISCOVERY_SECONDS}s"}],
        "relabel_configs": [
            {"target_label": "environment", "replacement": environment},
            {"source_labels": ["job"], "target_label": "service"},
        ],
    }
