"""Container definitions in the form in which ECS returns them. Pure: structs in, canonical JSON out.

ECS fills in defaults and sorts some lists. A definition that leaves this to ECS differs from what is read back, so
every `up` creates a new revision (pulumi-aws #4576, #5256): lists are sorted here, and every default is explicit.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gatehouse_catalog import Service
from gatehouse_catalog.releases import Release
from gatehouse_catalog.structs import SettingValue, setting_variable
from gatehouse_observability.collector import OTLP_PORT
from gatehouse_platform.config.settings import Collector, EnvironmentSettings

# Longest request that the chassis finishes after SIGTERM (gatehouse_chassis.serve.LONGEST_REQUEST).
LONGEST_REQUEST_SECONDS = 30
# What remains for closing the pool and the last log lines.
LEEWAY_SECONDS = 5
# The user of our images; as a number, so that ECS can tell that it isn't root.
USER = "10001:10001"
SCRATCH = "scratch"
# The SSM agent behind `ecs execute-command` writes here; the rest of the file system is read-only.
SHELL_VOLUMES = {"shell-lib": "/var/lib/amazon", "shell-log": "/var/log/amazon"}
LOG_BUFFER = "4m"
# The collector, by Service Connect; off unless `traces` is set.
TRACES = f"http://collector:{OTLP_PORT}"
# In a service.toml's `uses`.
EVERY = "*"


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between our containers. `secrets`: ARN (with the JSON key) by environment variable."""

    name: str
    image: str
    log_group: str
    region: str
    environment: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: Mapping[str, int] = {}
    mounts: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    stop_seconds: int = 30


def container_definitions(*containers: Container) -> str:
    """The JSON of a task definition's containers: equal content gives equal text, whatever its order."""
    rendered = [_rendered(container) for container in sorted(containers, key=lambda container: container.name)]
    return json.dumps(rendered, sort_keys=True, separators=(",", ":"))


def _rendered(container: Container) -> dict[str, Any]:
    return {
        "name": container.name,
        "image": container.image,
        "essential": True,
        "cpu": 0,
        "command": list(container.command),
        "environment": _sorted({"name": name, "value": value} for name, value in container.environment.items()),
        "secrets": _sorted({"name": name, "valueFrom": arn} for name, arn in container.secrets.items()),
        "portMappings": [
            {"name": name, "containerPort": port, "hostPort": port, "protocol": "tcp", "appProtocol": "http"}
            for name, port in sorted(container.ports.items())
        ],
        "mountPoints": sorted(
            (
                {"sourceVolume": volume, "containerPath": path, "readOnly": False}
                for volume, path in container.mounts.items()
            ),
            key=lambda mount: str(mount["sourceVolume"]),
        ),
        "volumesFrom": [],
        "systemControls": [],
        "user": USER,
        "privileged": False,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"initProcessEnabled": True, "capabilities": {"add": [], "drop": ["ALL"]}},
        "stopTimeout": container.stop_seconds,
        # ECS leaves an empty one out.
        **({"entryPoint": list(container.entry_point)} if container.entry_point else {}),
        **({"dockerLabels": dict(container.labels)} if container.labels else {}),
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": container.log_group,
                "awslogs-region": container.region,
                "awslogs-stream-prefix": container.name,
                # Logging never blocks a service: lines are dropped when the log service is slow.
                "mode": "non-blocking",
                "max-buffer-size": LOG_BUFFER,
            },
            "secretOptions": [],
        },
    }


def _sorted(entries: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(entries, key=lambda entry: entry["name"])


def volumes(settings: EnvironmentSettings, owner: str = "") -> dict[str, str]:
    """The writable directories of a container by volume; they are deleted with the task. `owner`: whose they are,
    where several containers share a task.
    """
    own = {SCRATCH: "/tmp", **(SHELL_VOLUMES if settings.shell_in_tasks else {})}  # noqa: S108 - in the container
    return {f"{volume}-{owner}" if owner else volume: path for volume, path in own.items()}


def stop_seconds(settings: EnvironmentSettings) -> int:
    """Seconds between SIGTERM and SIGKILL: the drain, the longest request, and leeway."""
    return settings.drain_seconds + LONGEST_REQUEST_SECONDS + LEEWAY_SECONDS


def image(account: str, region: str, repository: str, name: str, digest: str) -> str:
    """The address of an image of ghcr.io in ECR's pull-through cache, by digest."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com/ghcr/{repository}/{name}@{digest}"


def address(name: str) -> str:
    """The address of a service for other services, by Service Connect."""
    return f"http://{name}"


def service_environment(
    service: Service,
    used: Iterable[Service],
    release: Release,
    *,
    environment: str,
    settings: EnvironmentSettings,
) -> dict[str, str]:
    """The environment variables that the chassis reads (gatehouse_chassis.service.service), without secrets.

    A service that uses every other gets one template of their addresses, not one variable each: a new service leaves
    its task definition unchanged.
    """
    variables = {
        "GATEHOUSE_ENVIRONMENT": environment,
        "GATEHOUSE_PUBLIC_URL": f"https://{settings.dns.name}",
        "GATEHOUSE_VERSION": release.tag,
        "GATEHOUSE_COMMIT": release.commit,
        "GATEHOUSE_BUILD_TIME": release.built_at,
        "GATEHOUSE_IMAGE_DIGEST": release.digest,
        "GATEHOUSE_DRAIN_SECONDS": str(settings.drain_seconds),
        "GATEHOUSE_HOST": "0.0.0.0",  # noqa: S104 - in its container
        "GATEHOUSE_PORT": str(service.port),
    }
    if EVERY in service.uses.services:
        variables["GATEHOUSE_SERVICE_URLS"] = address("{service}")
        used = [other for other in used if other.name in service.followed]
    if settings.traces and settings.collector:
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = TRACES
    variables |= {other.address_variable: address(other.name) for other in used}
    choice = settings.services.get(service.name)
    for key, value in (choice.settings if choice else {}).items():
        variables[setting_variable(key, secret=False)] = setting_text(value)
    return variables


def setting_text(value: SettingValue) -> str:
    """A setting as the chassis parses it from the environment."""
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return ",".join(value)
        case _:
            return str(value)


def secret_sources(service: Service, settings: EnvironmentSettings) -> dict[str, str]:
    """The secret settings that are passed here, each with the source of its value: `random` or `given`."""
    choice = settings.services.get(service.name)
    sources = {
        key: (choice.secrets.get(key, "random") if choice else "random")
        for key, setting in service.settings.items()
        if setting.secret
    }
    return {key: source for key, source in sorted(sources.items()) if source != "none"}


def collector_image(collector: Collector) -> str:
    return f"{collector.image}@{collector.digest}"
