"""The difference of two recorded graphs, property by property. Pure."""

from typing import Any

import msgspec

from gatehouse_platform.offline.graph import Graph, RecordedResource, flat


class PropertyChange(msgspec.Struct, frozen=True, kw_only=True):
    """One property of a resource that both graphs have."""

    path: str
    before: Any
    after: Any


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    type: str
    name: str
    changes: tuple[PropertyChange, ...]


class GraphDifference(msgspec.Struct, frozen=True, kw_only=True):
    added: tuple[RecordedResource, ...] = ()
    removed: tuple[RecordedResource, ...] = ()
    changed: tuple[Changed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


MISSING = "(absent)"


def difference(before: Graph, after: Graph) -> GraphDifference:
    """What was added, removed and changed in `after`. Values that differ only by the stack's name count as equal."""
    old = {resource.key: resource for resource in before.resources}
    new = {resource.key: resource for resource in after.resources}
    changed = []
    for key in sorted(old.keys() & new.keys()):
        changes = _changes(_comparable(before, old[key]), _comparable(after, new[key]))
        if changes:
            changed.append(Changed(key=key, type=new[key].type, name=new[key].name, changes=changes))
    return GraphDifference(
        added=tuple(new[key] for key in sorted(new.keys() - old.keys())),
        removed=tuple(old[key] for key in sorted(old.keys() - new.keys())),
        changed=tuple(changed),
    )


def _comparable(graph: Graph, resource: RecordedResource) -> dict[str, Any]:
    """Every property by its path, and the options of the resource."""
    leaves = dict(flat(resource.properties))
    leaves |= {"(protect)": resource.protect, "(ignores)": ", ".join(resource.ignores)}
    return {
        str(_without_stack(path, graph.stack)): _without_stack(value, graph.stack) for path, value in leaves.items()
    }


def _without_stack(value: Any, stack: str) -> Any:
    if not isinstance(value, str):
        return value
    for own in (f"gatehouse-{stack}", f"gatehouse/{stack}/"):
        value = value.replace(own, own.replace(stack, "{stack}"))
    return value.replace(f"urn:pulumi:{stack}::", "urn:pulumi:{stack}::")


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[PropertyChange, ...]:
    return tuple(
        PropertyChange(path=path, before=before.get(path, MISSING), after=after.get(path, MISSING))
        for path in sorted(before.keys() | after.keys())
        if before.get(path, MISSING) != after.get(path, MISSING)
    )
