"""Tags say to which environment a resource belongs: budgets and the apply roles' conditions depend on them."""

import json
from collections.abc import Iterable

from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.policies.violation import Violation, violation

REQUIRED = ("gatehouse:environment", "gatehouse:managed-by", "gatehouse:repository")
PROVIDER = "pulumi:providers:aws"


def everything_is_tagged(graph: Graph) -> Iterable[Violation]:
    """By the default tags of the stack's provider, which every AWS resource must use and must not override."""
    name = "everything is tagged"
    providers = graph.of_type(PROVIDER)
    for provider in providers:
        given = provider.properties.get("defaultTags") or {}
        tags = _opened(given).get("tags", {})
        for tag in REQUIRED:
            if not tags.get(tag):
                yield violation(name, provider, f"defaultTags.{tag}", "is missing.", "See governance.tags_of.")
    known = {provider.urn for provider in providers}
    for resource in graph.resources:
        if resource.type.startswith("aws:"):
            if resource.provider.rpartition("::")[0] not in known:
                yield violation(name, resource, "provider", "isn't the stack's own.", "Give it parent=self.")
            for tag in set(resource.properties.get("tags") or {}) & set(REQUIRED):
                yield violation(name, resource, f"tags.{tag}", "overrides the stack's.", "Remove it.")


def _opened(value: object) -> dict:
    """A provider's properties are JSON in strings."""
    return json.loads(value) if isinstance(value, str) else dict(value) if isinstance(value, dict) else {}
