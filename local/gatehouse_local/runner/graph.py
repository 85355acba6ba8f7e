"""The dependency graph of resources: start and stop order. Pure functions; no process is touched.

A graph is a mapping from a name to the names it needs.
"""

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

Needs = Mapping[str, Collection[str]]


class GraphError(ValueError):
    """The graph has an unknown name or a cycle."""


def levels(needs: Needs) -> list[list[str]]:
    """Names in start order; the names of one level may start together."""
    for name, wanted in needs.items():
        for other in wanted:
            if other not in needs:
                raise GraphError(f"{name} needs {other}, which doesn't exist")
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        raise GraphError("these need each other in a cycle: " + " -> ".join(error.args[1])) from None
    ordered: list[list[str]] = []
    while sorter.is_active():
        level = sorted(sorter.get_ready())
        sorter.done(*level)
        ordered.append(level)
    return ordered


def stop_levels(needs: Needs, names: Iterable[str]) -> list[list[str]]:
    """The names in stop order: a resource stops after those that need it."""
    wanted = set(names)
    stopping = [[name for name in level if name in wanted] for level in reversed(levels(needs))]
    return [level for level in stopping if level]
