"""Production: data is protected against deletion, and nothing runs only once."""

from collections.abc import Iterable, Mapping
from typing import Any

from gatehouse_platform.offline.graph import UNKNOWN, Graph, is_known
from gatehouse_platform.policies.tasks import SERVICE
from gatehouse_platform.policies.violation import Violation, violation

PRODUCTION = "production"
STATEFUL = (
    "aws:kms/key:Key",
    "aws:rds/instance:Instance",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
)
# Services that run as one task, and why.
SINGLETONS = {"collector": "two collectors would write the same series; ECS starts another within a minute"}
ENVIRONMENT = "gatehouse:platform:Environment"
SUBNET = "aws:ec2/subnet:Subnet"
LEAST_BACKUP_DAYS = 14


def state_is_protected(graph: Graph) -> Iterable[Violation]:
    """In production and in the foundation, Pulumi and AWS refuse to delete what holds data."""
    if graph.stack not in {PRODUCTION, "foundation"}:
        return
    name = "state is protected"
    for resource in graph.of_type(*STATEFUL):
        if not resource.protect:
            yield violation(
                name, resource, "protect", "is not set.", "Set protect: true, and protect=settings.protect."
            )
    for instance in graph.of_type("aws:rds/instance:Instance"):
        given = instance.properties
        if given.get("deletionProtection") is not True:
            yield violation(name, instance, "deletionProtection", "isn't true.", "Set it in the stack file.")
        if given.get("skipFinalSnapshot") is not False:
            yield violation(name, instance, "skipFinalSnapshot", "isn't false.", "Set protect: true.")
        if (given.get("backupRetentionPeriod") or 0) < LEAST_BACKUP_DAYS:
            fix = f"Keep at least {LEAST_BACKUP_DAYS} days."
            yield violation(name, instance, "backupRetentionPeriod", "is too short.", fix)


def production_is_spread(graph: Graph) -> Iterable[Violation]:
    """Every group has two tasks in two zones, one of them on demand, and the database a standby; unless it is
    lean, which says what is given up."""
    if graph.stack != PRODUCTION or any(one.properties.get("lean") is True for one in graph.of_type(ENVIRONMENT)):
        return
    name = "production is spread"
    zones = {subnet.id: subnet.properties.get("availabilityZone") for subnet in graph.of_type(SUBNET)}
    for service in graph.of_type(SERVICE):
        if service.name not in SINGLETONS and (service.properties.get("desiredCount") or 0) < 2:
            yield violation(name, service, "desiredCount", "is below 2.", "Raise minimum_tasks.")
        strategies = service.properties.get("capacityProviderStrategies") or []
        if strategies and not any(_keeps_one(strategy) for strategy in strategies if is_known(strategy)):
            fix = "Set capacity.on_demand_base to 1 or more: AWS may take every task on Spot at once."
            yield violation(name, service, "capacityProviderStrategies", "places tasks all on Spot.", fix)
        network = service.properties.get("networkConfiguration") or {}
        subnets = network.get("subnets", []) if is_known(network) else UNKNOWN
        if is_known([subnets, *zones.items()]) and len({zones.get(subnet) for subnet in subnets}) < 2:
            yield violation(name, service, "networkConfiguration.subnets", "are in one zone.", "Raise zones.")
    for target in graph.of_type("aws:appautoscaling/target:Target"):
        if (target.properties.get("minCapacity") or 0) < 2:
            yield violation(name, target, "minCapacity", "is below 2.", "Raise minimum_tasks.")
    for instance in graph.of_type("aws:rds/instance:Instance"):
        if instance.properties.get("multiAz") is not True:
            yield violation(name, instance, "multiAz", "isn't true.", "Set multi_az: true.")


def _keeps_one(strategy: Mapping[str, Any]) -> bool:
    return strategy["capacityProvider"] == "FARGATE" and bool(strategy.get("base") or strategy.get("weight"))
