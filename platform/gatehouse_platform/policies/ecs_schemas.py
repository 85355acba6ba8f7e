"""Holds recorded task definitions and services against the shapes of ECS's own API, as botocore ships them.

Translates what the provider would send; finds wrong names, types and values of the API's model, and sizes that Fargate
doesn't have. It doesn't show what ECS checks only when it is called (existence, quotas, combinations).
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from gatehouse_catalog.rules import FARGATE_MEMORY_MIB
from gatehouse_platform.offline.graph import Graph, RecordedResource
from gatehouse_platform.policies.tasks import SERVICE, TASK_DEFINITION, containers_of

FARGATE_STOP_SECONDS = 120
# Properties of the provider that have no counterpart in the API.
OF_THE_PROVIDER = {
    "forceDelete",
    "forceNewDeployment",
    "skipDestroy",
    "sigintRollback",
    "trackLatest",
    "triggers",
    "waitForSteadyState",
    "region",
    "__defaults",
}


def problems(graph: Graph) -> Iterator[str]:
    """Every task definition and service that ECS's model refuses, and why."""
    for task in graph.of_type(TASK_DEFINITION):
        yield from _named(task, validated("RegisterTaskDefinition", task_definition_request(task)))
        yield from _named(task, _sizes(task))
    for service in graph.of_type(SERVICE):
        yield from _named(service, validated("CreateService", service_request(service)))


def _named(resource: RecordedResource, found: Iterator[str]) -> Iterator[str]:
    for problem in found:
        yield f"{resource.kind} {resource.name}: {problem}"


@cache
def _ecs() -> Any:
    return botocore.session.get_session().get_service_model("ecs")


def validated(operation: str, request: dict[str, Any]) -> Iterator[str]:
    """What botocore says of a request, and values that the model's lists don't have."""
    shape = _ecs().operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    yield from _values(request, shape, operation)


def _values(value: Any, shape: Any, path: str) -> Iterator[str]:
    """botocore checks names and types, not lists of values: this does."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for key, item in value.items():
            if key in shape.members:
                yield from _values(item, shape.members[key], f"{path}.{key}")
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:
            yield from _values(item, shape.member, f"{path}[]")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield f"{path} = {value}: is not one of {', '.join(shape.enum)}"


def _sizes(task: RecordedResource) -> Iterator[str]:
    cpu, memory = int(task.properties["cpu"]), int(task.properties["memory"])
    if memory not in FARGATE_MEMORY_MIB.get(cpu, ()):
        yield f"cpu {cpu} with memory {memory} is no Fargate size"
    for container in containers_of(task):
        if container.get("stopTimeout", 0) > FARGATE_STOP_SECONDS:
            yield f"{container['name']}.stopTimeout is above Fargate's {FARGATE_STOP_SECONDS} s"


def task_definition_request(task: RecordedResource) -> dict[str, Any]:
    """The provider's properties as RegisterTaskDefinition takes them."""
    given = _sent(task)
    given["containerDefinitions"] = containers_of(task)
    return given


def service_request(service: RecordedResource) -> dict[str, Any]:
    """The provider's properties as CreateService takes them."""
    given = _sent(service)
    given["serviceName"] = given.pop("name")
    deployment = _moved(
        given, deploymentMaximumPercent="maximumPercent", deploymentMinimumHealthyPercent="minimumHealthyPercent"
    )
    deployment |= given.pop("deploymentConfiguration", {})
    if "bakeTimeInMinutes" in deployment:  # a string for the provider, a number for the API
        deployment["bakeTimeInMinutes"] = int(deployment["bakeTimeInMinutes"])
    if "deploymentCircuitBreaker" in given:
        deployment["deploymentCircuitBreaker"] = given.pop("deploymentCircuitBreaker")
    if "alarms" in given:
        deployment["alarms"] = given.pop("alarms")
    given["deploymentConfiguration"] = deployment
    _moved_into(given, "enableEcsManagedTags", "enableECSManagedTags")
    _moved_into(given, "capacityProviderStrategies", "capacityProviderStrategy")
    network = dict(given.pop("networkConfiguration"))
    network["assignPublicIp"] = "ENABLED" if network.get("assignPublicIp") else "DISABLED"
    given["networkConfiguration"] = {"awsvpcConfiguration": network}
    if registries := given.pop("serviceRegistries", None):
        given["serviceRegistries"] = [registries]
    if connected := given.get("serviceConnectConfiguration"):
        services = [_renamed(one, clientAlias="clientAliases") for one in connected.get("services", [])]
        given["serviceConnectConfiguration"] = {**connected, **({"services": services} if services else {})}
    return given


def _sent(resource: RecordedResource) -> dict[str, Any]:
    given = {key: value for key, value in resource.properties.items() if key not in OF_THE_PROVIDER}
    if tags := given.pop("tags", None):
        given["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    return given


def _moved(given: dict[str, Any], **names: str) -> dict[str, Any]:
    return {new: given.pop(old) for old, new in names.items() if old in given}


def _moved_into(given: dict[str, Any], old: str, new: str) -> None:
    if old in given:
        given[new] = given.pop(old)


def _renamed(given: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in given.items()}
