"""The recorded graph: every resource that a stack's program asks for, as plain data.

Made by `recording.py`; read by policies, the reachability proof, cost, diagram and difference. Knows no Pulumi.
Properties have the names that the provider's schema gives them (camelCase).
"""

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

# Stands where a secret's value stood.
SECRET = "(secret)"  # noqa: S105 - a placeholder


class RecordedResource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource as it was registered."""

    urn: str
    type: str
    name: str
    id: str
    parent: str = ""
    properties: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    # Everything it waits for: what it was told to, and what its properties were made of.
    depends_on: tuple[str, ...] = ()
    # By property, the resources that its value was made of.
    property_sources: dict[str, tuple[str, ...]] = {}
    protect: bool = False
    ignores: tuple[str, ...] = ()
    retains: bool = False
    provider: str = ""

    @property
    def key(self) -> str:
        """What stays the same between stacks: the chain of types, and the name."""
        return self.urn.split("::", 2)[2]

    @property
    def is_component(self) -> bool:
        return self.type.startswith("gatehouse:")

    @property
    def kind(self) -> str:
        """The last word of the type, as in `TargetGroup`."""
        return self.type.rpartition(":")[2]

    def documents(self) -> Iterator[tuple[str, Any]]:
        """(property, content) of each property that is JSON in a string."""
        for name, value in self.properties.items():
            if isinstance(value, str) and value[:1] in "[{" and (content := _json(value)) is not None:
                yield name, content


class Graph(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All resources of one stack, sorted by URN."""

    stack: str
    region: str
    account: str
    resources: tuple[RecordedResource, ...]
    # Names of services whose release is an example, because none was promoted yet.
    examples: tuple[str, ...] = ()

    @cached_property
    def by_urn(self) -> dict[str, RecordedResource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def _by_type(self) -> dict[str, tuple[RecordedResource, ...]]:
        grouped: dict[str, list[RecordedResource]] = {}
        for resource in self.resources:
            grouped.setdefault(resource.type, []).append(resource)
        return {kind: tuple(members) for kind, members in grouped.items()}

    @cached_property
    def _children(self) -> dict[str, tuple[RecordedResource, ...]]:
        grouped: dict[str, list[RecordedResource]] = {}
        for resource in self.resources:
            grouped.setdefault(resource.parent, []).append(resource)
        return {parent: tuple(members) for parent, members in grouped.items()}

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], RecordedResource]:
        return {(resource.type, resource.id): resource for resource in self.resources}

    def of_type(self, *types: str) -> tuple[RecordedResource, ...]:
        """Resources of these types, as in `aws:ecs/service:Service`."""
        return tuple(resource for kind in types for resource in self._by_type.get(kind, ()))

    def named(self, kind: str, name: str) -> RecordedResource:
        """The one resource of that type and name. Raises KeyError when there is none."""
        for resource in self._by_type.get(kind, ()):
            if resource.name == name:
                return resource
        raise KeyError(f"{kind} {name}")

    def with_id(self, kind: str, resource_id: str) -> RecordedResource:
        """The resource of that type whose id another resource names. Raises KeyError when there is none."""
        return self._by_id[kind, resource_id]

    def children(self, parent: str = "") -> tuple[RecordedResource, ...]:
        """What stands directly below a resource's URN; the top of the tree without one."""
        return self._children.get(parent, ())

    def component_of(self, resource: RecordedResource) -> RecordedResource | None:
        """The component that a resource belongs to."""
        return self.by_urn.get(resource.parent)


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every leaf, JSON in strings opened."""
    if isinstance(value, str) and value[:1] in "[{" and (content := _json(value)) is not None:
        value = content
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from flat(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            # A list of named things is compared by name: an inserted one doesn't shift the others.
            yield from flat(item, f"{path}[{_label(item, number)}]")
    else:
        yield path, value


def _label(item: Any, number: int) -> str | int:
    """An item's name (a scrape job calls it `job_name`), or its place where it has none."""
    names = (item.get("name"), item.get("job_name")) if isinstance(item, dict) else ()
    return next((name for name in names if isinstance(name, str)), number)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
