"""Validates recorded task definitions and services against ECS's API model, as botocore ships it.

Translates them into the requests that the provider would send. Finds wrong names, types and values, and sizes that
Fargate doesn't have; not what ECS checks only when called (existence, quotas, combinations).
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
PROVIDER_ONLY = {
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
    """Every task definition and service that ECS's model refuses, with the reason."""
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
    """What botocore reports for a request, and values that aren't in the model's enumerations."""
    shape = _ecs().operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    yield from _values(request, shape, operation)


def _values(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Checks enumerations, which botocore doesn't."""
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
    request = _sent(task)
    request["containerDefinitions"] = containers_of(task)
    return request


def service_request(service: RecordedResource) -> dict[str, Any]:
    """The provider's properties as CreateService takes them."""
    request = _sent(service)
    request["serviceName"] = request.pop("name")
    deployment = _pop_renamed(
        request, deploymentMaximumPercent="maximumPercent", deploymentMinimumHealthyPercent="minimumHealthyPercent"
    )
    deployment |= request.pop("deploymentConfiguration", {})
    if "bakeTimeInMinutes" in deployment:  # a string for the provider, a number for the API
        deployment["bakeTimeInMinutes"] = int(deployment["bakeTimeInMinutes"])
    if "deploymentCircuitBreaker" in request:
        deployment["deploymentCircuitBreaker"] = request.pop("deploymentCircuitBreaker")
    if "alarms" in request:
        deployment["alarms"] = request.pop("alarms")
    request["deploymentConfiguration"] = deployment
    _rename(request, "enableEcsManagedTags", "enableECSManagedTags")
    _rename(request, "capacityProviderStrategies", "capacityProviderStrategy")
    network = dict(request.pop("networkConfiguration"))
    network["assignPublicIp"] = "ENABLED" if network.get("assignPublicIp") else "DISABLED"
    request["networkConfiguration"] = {"awsvpcConfiguration": network}
    if registries := request.pop("serviceRegistries", None):
        request["serviceRegistries"] = [registries]
    if connected := request.get("serviceConnectConfiguration"):
        services = [_renamed(one, clientAlias="clientAliases") for one in connected.get("services", [])]
        request["serviceConnectConfiguration"] = {**connected, **({"services": services} if services else {})}
    return request


def _sent(resource: RecordedResource) -> dict[str, Any]:
    request = {key: value for key, value in resource.properties.items() if key not in PROVIDER_ONLY}
    if tags := request.pop("tags", None):
        request["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    return request


def _pop_renamed(request: dict[str, Any], **names: str) -> dict[str, Any]:
    return {new: request.pop(old) for old, new in names.items() if old in request}


def _rename(request: dict[str, Any], old: str, new: str) -> None:
    if old in request:
        request[new] = request.pop(old)


def _renamed(request: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in request.items()}
