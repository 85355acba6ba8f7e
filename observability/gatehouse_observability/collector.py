"""The OpenTelemetry collector's configuration. Pure; it names no service.

ADOT's distribution reads it from the variable AOT_CONFIG_CONTENT. The collector asks ECS for the tasks of its cluster
and scrapes those whose container has our labels, so a new service changes nothing here. It buffers samples for some
minutes when Prometheus (AMP) doesn't answer.
"""

from collections.abc import Sequence
from typing import Any

from gatehouse_catalog import Service

SCRAPE_SECONDS = 30
DISCOVERY_SECONDS = 15
HEALTH_PORT = 13133
OTLP_PORT = 4318  # of OTLP over HTTP, for spans
PROBE_PORT = 9101  # of the exporter that visits from outside, beside the collector
# Bounds of the latencies' histogram that only fine graphs need; objectives have one of their own.
FINE_BOUNDS = ("0.005", "0.01", "0.025", "0.1", "0.5", "2.5", "10.0")
LATENCIES = "gatehouse_http_request_duration_seconds_bucket"
OUTAGE_SECONDS = 600  # an outage of AMP up to this long loses no samples
# Labels of a container: the port of its metrics, and the service they belong to.
PORT_LABEL, SERVICE_LABEL = "GATEHOUSE_METRICS_PORT", "GATEHOUSE_SERVICE"
TARGETS = "/tmp/targets.yaml"  # noqa: S108 - the only writable directory of the container


def labels(service: Service) -> dict[str, str]:
    """The labels by which the collector finds a service's containers."""
    return {PORT_LABEL: str(service.port), SERVICE_LABEL: service.name}


def collector_config(
    *,
    environment: str,
    cluster: str,
    remote_write: str,
    region: str,
    traces: bool = False,
    scrape_seconds: int = SCRAPE_SECONDS,
    without_bounds: Sequence[str] = (),
) -> dict[str, Any]:
    """`cluster`: the name of the ECS cluster whose tasks are scraped. `traces`: takes spans by OTLP, for X-Ray.

    `scrape_seconds`: at most 60, since rules look at five minutes at least. `without_bounds`: those of FINE_BOUNDS
    that aren't kept; a third of all series.
    """
    config = _metrics_config(environment, cluster, remote_write, region, scrape_seconds)
    if without_bounds:
        jobs = config["receivers"]["prometheus"]["config"]["scrape_configs"]
        jobs[0]["metric_relabel_configs"] = [
            {
                "source_labels": ["__name__", "le"],
                "regex": f"{LATENCIES};({'|'.join(without_bounds)})",
                "action": "drop",
            }
        ]
    if traces:
        config["receivers"]["otlp"] = {"protocols": {"http": {"endpoint": f"0.0.0.0:{OTLP_PORT}"}}}
        config["exporters"]["awsxray"] = {"region": region}
        config["service"]["pipelines"]["traces"] = {
            "receivers": ["otlp"],
            "processors": ["memory_limiter", "batch"],
            "exporters": ["awsxray"],
        }
    return config


def _metrics_config(
    environment: str, cluster: str, remote_write: str, region: str, scrape_seconds: int
) -> dict[str, Any]:
    return {
        "extensions": {
            "health_check": {"endpoint": f"0.0.0.0:{HEALTH_PORT}"},
            "sigv4auth": {"region": region, "service": "aps"},
            # contrib's ecsobserver writes the targets to a file, which the receiver reads.
            "ecs_observer": {
                "cluster_name": cluster,
                "cluster_region": region,
                "refresh_interval": f"{DISCOVERY_SECONDS}s",
                "result_file": TARGETS,
                "docker_labels": [{"port_label": PORT_LABEL, "job_name_label": SERVICE_LABEL}],
            },
        },
        "receivers": {
            "prometheus": {
                "config": {
                    "scrape_configs": [
                        {**job, "scrape_interval": f"{scrape_seconds}s"}
                        for job in (_job(environment), _probe(environment))
                    ]
                }
            }
        },
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
    """Each task keeps its address (`instance`): two under one target would write the same series and lose samples."""
    return {
        "job_name": "tasks",  # default; the observer names each target after its service
        "metrics_path": "/metrics",
        "honor_labels": True,  # otherwise each series would have `service` twice
        "file_sd_configs": [{"files": [TARGETS], "refresh_interval": f"{DISCOVERY_SECONDS}s"}],
        "relabel_configs": [
            {"target_label": "environment", "replacement": environment},
            {"source_labels": ["job"], "target_label": "service"},
        ],
    }


def _probe(environment: str) -> dict[str, Any]:
    """The probe runs in the collector's own task. Without the label `service`: it is none."""
    return {
        "job_name": "probe",
        "static_configs": [{"targets": [f"127.0.0.1:{PROBE_PORT}"], "labels": {"environment": environment}}],
    }
