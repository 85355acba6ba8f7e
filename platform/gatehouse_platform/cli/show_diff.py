"""`gate stack diff`: records two stacks, or one at two revisions, and prints the difference."""

from contextlib import ExitStack
from pathlib import Path

import click
import msgspec

from gatehouse_platform.offline.check import at_revision, graph_of
from gatehouse_platform.offline.differences import GraphDifference, difference
from gatehouse_platform.offline.graph import Graph

SHOWN = 100  # characters of a value


def run(root: Path, before: str, after: str | None, *, examples: bool, as_json: bool) -> int:
    """Prints the difference. Returns 0: a difference isn't an error."""
    with ExitStack() as folders:
        old = _graph(root, before, folders, examples=examples)
        new = _graph(root, after or before.partition("@")[0], folders, examples=examples)
    changes = difference(old, new)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(changes), indent=2).decode())
    else:
        click.echo("\n".join(lines(changes)))
    return 0


def _graph(root: Path, spec: str, folders: ExitStack, *, examples: bool) -> Graph:
    name, _, revision = spec.partition("@")
    checkout = folders.enter_context(at_revision(root, revision)) if revision else root
    return graph_of(checkout, name, examples=examples)


def lines(changes: GraphDifference) -> list[str]:
    """The difference as text: + added, - removed, ~ changed with each property."""
    text = [f"+ {resource.kind} {resource.name}" for resource in changes.added]
    text += [f"- {resource.kind} {resource.name}" for resource in changes.removed]
    for changed in changes.changed:
        text.append(f"~ {changed.type.rpartition(':')[2]} {changed.name}")
        text += [f"    {each.path}: {_short(each.before)} -> {_short(each.after)}" for each in changed.changes]
    counts = f"{len(changes.added)} added, {len(changes.removed)} removed, {len(changes.changed)} changed"
    return [*text, counts if changes else "No differences."]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
