"""The recorded graph: every resource that a stack's program declares, as plain data.

Written by `recording.py`; read by policies, reachability, cost, diagram and difference. Knows no Pulumi. Properties
have the names of the provider's schema (camelCase).
"""

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

# Replaces the value of a secret.
SECRET = "(secret)"  # noqa: S105 - a placeholder
# Replaces a value that a preview doesn't know yet, such as the id of a resource that isn't there.
UNKNOWN = "(unknown)"


class RecordedResource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource as it was registered."""

    urn: str
    type: str
    name: str
    id: str
    parent: str = ""
    properties: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    # URNs of everything it waits for: explicit dependencies and the sources of its properties.
    depends_on: tuple[str, ...] = ()
    # URNs of the resources that a property was computed from, by property.
    property_sources: dict[str, tuple[str, ...]] = {}
    protect: bool = False
    ignores: tuple[str, ...] = ()
    retains: bool = False
    provider: str = ""

    @property
    def key(self) -> str:
        """Identifies a resource across stacks: the chain of types, and the name."""
        return self.urn.split("::", 2)[2]

    @property
    def is_component(self) -> bool:
        return self.type.startswith(("gatehouse:", "awsx:"))

    @property
    def kind(self) -> str:
        """The last part of the type, as in `TargetGroup`."""
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
    # Names of services whose release is an example.
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

    def of_type(self, *types: str) -> tuple[RecordedResource, ...]:
        """Resources of these types, as in `aws:ecs/service:Service`."""
        return tuple(resource for kind in types for resource in self._by_type.get(kind, ()))

    def named(self, kind: str, name: str) -> RecordedResource:
        """The one resource of that type and name. Raises KeyError when there is none."""
        for resource in self._by_type.get(kind, ()):
            if resource.name == name:
                return resource
        raise KeyError(f"{kind} {name}")

    def children(self, parent: str = "") -> tuple[RecordedResource, ...]:
        """The children of a resource's URN; without one, the resources at the top."""
        return self._children.get(parent, ())

    def component_of(self, resource: RecordedResource) -> RecordedResource | None:
        """The component that a resource belongs to."""
        return self.by_urn.get(resource.parent)


def is_known(value: Any) -> bool:
    """Whether a value, and everything in it, is known in this run. A policy skips a comparison with an unknown one."""
    if isinstance(value, dict):
        return all(is_known(item) for item in value.values())
    if isinstance(value, list | tuple):
        return all(is_known(item) for item in value)
    return value != UNKNOWN


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of every leaf, with JSON in strings decoded."""
    if isinstance(value, str) and value[:1] in "[{" and (content := _json(value)) is not None:
        value = content
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from flat(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            # Items with names are labelled by name, so that an inserted one doesn't shift the others.
            yield from flat(item, f"{path}[{_label(item, number)}]")
    else:
        yield path, value


def _label(item: Any, number: int) -> str | int:
    """An item's name (`job_name` in a scrape job), or its index."""
    names = (item.get("name"), item.get("job_name")) if isinstance(item, dict) else ()
    return next((name for name in names if isinstance(name, str)), number)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
