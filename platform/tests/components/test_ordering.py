"""Nothing starts before it may: a task waits for its secrets' values, its permissions and its ways."""

from collections.abc import Callable

import pytest

from gatehouse_platform.components.security_group_rules import FOLLOWS
from gatehouse_platform.offline.graph import Graph, RecordedResource

Recorded = Callable[[str], Graph]
AWAITED = {
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
}
STARTS = ("pulumi-python:dynamic/gatehouse:Schema", "aws:ecs/service:Service")


def waits_for(graph: Graph, resource: RecordedResource) -> set[str]:
    """Everything that must stand before it, however far away."""
    found: set[str] = set()
    waiting = [resource]
    while waiting:
        for urn in waiting.pop().depends_on:
            if urn in graph.by_urn and urn not in found:
                found.add(urn)
                waiting.append(graph.by_urn[urn])
    return found


@pytest.mark.parametrize("stack", ["dev", "production"])
@pytest.mark.parametrize("kind", STARTS)
def test_a_task_waits_for_all_that_its_place_gives_it(graph: Recorded, stack: str, kind: str):
    recorded = graph(stack)
    for starting in recorded.of_type(kind):
        before = waits_for(recorded, starting)
        schema = f"{starting.name}-database-start"  # the schema's own role: the service waits for the schema
        mine = [one for one in recorded.children(starting.parent) if one.type in AWAITED and one.name != schema]
        # Nor is the collector's way to a service what its tasks need, nor that to those whose events it follows.
        mine = [one for one in mine if not one.name.startswith("collector-to-") and FOLLOWS not in one.name]
        late = [one.name for one in mine if one.urn not in before]
        assert late == [], starting.name
