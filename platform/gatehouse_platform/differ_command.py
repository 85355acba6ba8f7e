"""`gate stack diff A B`: what differs between two stacks, or a stack at two git revisions, property by property.

A place is `dev`, or `dev@REVISION`: the catalog and the stack files as they were then, with today's program.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from gatehouse_platform.check import at_revision, graph_of
from gatehouse_platform.differences import MISSING, Changed, Difference, difference
from gatehouse_platform.graph import Graph, Resource

LONGEST_VALUE = 100


def run(root: Path, before: str, after: str, *, as_json: bool) -> int:
    """Prints what `after` has, lacks and changes compared with `before`. Exit code 0, whether or not they differ."""
    found = difference(graph_at(root, before), graph_at(root, after))
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        for line in lines(found, before, after):
            click.echo(line)
    return 0


def graph_at(root: Path, place: str) -> Graph:
    """The graph of `STACK` or `STACK@REVISION`. Raises StackError, CatalogError or NoRevision."""
    stack, _, revision = place.partition("@")
    if not revision:
        return graph_of(root, stack)
    with at_revision(root, revision) as folder:
        return graph_of(folder, stack)


def lines(found: Difference, before: str, after: str) -> Iterator[str]:
    """The difference as text: what is added and removed by name, what is changed by property."""
    if not found:
        yield f"{before} and {after} are the same."
        return
    for mark, colour, resources in (("+", "green", found.added), ("-", "red", found.removed)):
        for resource in resources:
            yield click.style(f"{mark} {_where(resource)}", fg=colour)
    for changed in found.changed:
        yield click.style(f"~ {_where(changed)}", fg="yellow")
        for change in changed.changes:
            yield f"    {change.path}: {_shown(change.before)} -> {_shown(change.after)}"
    counts = (len(found.added), len(found.removed), len(found.changed))
    yield "{} added, {} removed, {} changed from {} to {}.".format(*counts, before, after)


def _where(resource: Resource | Changed) -> str:
    """`Service portal > ecs Service portal`: the component's type, then what it is and its name."""
    chain = [part.rpartition(":")[2] for part in resource.key.partition("::")[0].split("$")]
    provider = resource.type.split(":")[1].partition("/")[0] if resource.type.startswith("aws:") else ""
    own = f"{provider} {chain[-1]}".strip()
    return " > ".join([*chain[:-1], f"{own} {resource.name}"])


def _shown(value: Any) -> str:
    if value == MISSING:
        return MISSING
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
