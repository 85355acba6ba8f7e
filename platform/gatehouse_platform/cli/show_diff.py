"""`gate stack diff`: records two stacks, or one at two revisions, and prints what differs."""

from contextlib import ExitStack
from pathlib import Path

import click
import msgspec

from gatehouse_platform.offline.check import at_revision, graph_of
from gatehouse_platform.offline.differences import GraphDifference, difference
from gatehouse_platform.offline.graph import Graph

SHOWN = 100  # characters of a value


def run(root: Path, before: str, after: str | None, *, examples: bool, as_json: bool) -> int:
    """Prints the difference; always 0, a difference is no fault."""
    with ExitStack() as folders:
        old = _graph(root, before, folders, examples=examples)
        new = _graph(root, after or before.partition("@")[0], folders, examples=examples)
    found = difference(old, new)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        click.echo("\n".join(lines(found)))
    return 0


def _graph(root: Path, what: str, folders: ExitStack, *, examples: bool) -> Graph:
    name, _, revision = what.partition("@")
    place = folders.enter_context(at_revision(root, revision)) if revision else root
    return graph_of(place, name, examples=examples)


def lines(found: GraphDifference) -> list[str]:
    """The difference for people: + added, - removed, ~ changed with each property."""
    said = [f"+ {one.kind} {one.name}" for one in found.added]
    said += [f"- {one.kind} {one.name}" for one in found.removed]
    for changed in found.changed:
        said.append(f"~ {changed.type.rpartition(':')[2]} {changed.name}")
        said += [f"    {one.path}: {_short(one.before)} -> {_short(one.after)}" for one in changed.changes]
    counts = f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed"
    return [*said, counts if found else "Nothing differs."]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
