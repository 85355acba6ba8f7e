"""Small graphs for tests: one resource a line, without Pulumi."""

from collections.abc import Mapping
from typing import Any

from gatehouse_platform.offline.graph import Graph, RecordedResource

STACK = "dev"


def component(kind: str, name: str) -> RecordedResource:
    urn = f"urn:pulumi:{STACK}::gatehouse::gatehouse:platform:{kind}::{name}"
    return RecordedResource(urn=urn, type=f"gatehouse:platform:{kind}", name=name, id="")


def resource(
    kind: str,
    label: str,
    parent: RecordedResource | None = None,
    outputs: Mapping[str, Any] | None = None,
    /,
    **properties: Any,
) -> RecordedResource:
    """A resource below a component; its id is its name."""
    chain = f"{parent.type}$" if parent else ""
    return RecordedResource(
        urn=f"urn:pulumi:{STACK}::gatehouse::{chain}{kind}::{label}",
        type=kind,
        name=label,
        id=label,
        parent=parent.urn if parent else "",
        properties=properties,
        outputs=dict(outputs or {}),
    )


def small_graph(*resources: RecordedResource, region: str = "eu-central-1", stack: str = STACK) -> Graph:
    ordered = tuple(sorted(resources, key=lambda each: each.urn))
    return Graph(stack=stack, region=region, account="111122223333", resources=ordered)
