"""Who waits for whom: questions about a dependency graph of resources, answered without touching a process.

A graph is a mapping from a name to the names it needs.
"""

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

Needs = Mapping[str, Collection[str]]


class GraphError(ValueError):
    """The graph can't be started: somebody waits for a stranger, or in a circle."""


def levels(needs: Needs) -> list[list[str]]:
    """Names in the order they may start; everything in one level may start at once."""
    for name, wanted in needs.items():
        for other in wanted:
            if other not in needs:
                raise GraphError(f"{name} needs {other}, which isn't there")
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        raise GraphError("these wait for each other in a circle: " + " -> ".join(error.args[1])) from None
    found: list[list[str]] = []
    while sorter.is_active():
        level = sorted(sorter.get_ready())
        sorter.done(*level)
        found.append(level)
    return found


def closure(needs: Needs, names: Iterable[str]) -> set[str]:
    """The names, and all that they need, directly or not."""
    found: set[str] = set()
    open_names = list(names)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names.extend(needs[name])
    return found


def stop_levels(needs: Needs, names: Iterable[str]) -> list[list[str]]:
    """The names in the order they may stop: who is needed by others stops after them."""
    wanted = set(names)
    stopping = [[name for name in level if name in wanted] for level in reversed(levels(needs))]
    return [level for level in stopping if level]
