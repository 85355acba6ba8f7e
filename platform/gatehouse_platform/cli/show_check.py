"""`gate stack check`: records each stack, applies the policies and ECS's own shapes, and prints what it found."""

import json
import time
from pathlib import Path
from typing import Any

import click

from gatehouse_catalog.errors import CatalogError
from gatehouse_platform.config.settings import STACKS
from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.graph import Graph, RecordedResource
from gatehouse_platform.policies import POLICIES, violations
from gatehouse_platform.policies.ecs_schemas import problems
from gatehouse_platform.policies.iam_reference import unknown_grants

WRONG = 2


def run(root: Path, names: tuple[str, ...], *, tree: bool, examples: bool, as_json: bool) -> int:
    """Checks the stacks named, or all; 0 when nothing is wrong."""
    found: list[dict[str, Any]] = [_checked(root, name, examples=examples, tree=tree) for name in names or STACKS]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for one in found:
            _say(one)
    return WRONG if any(one["problems"] for one in found) else 0


def _checked(root: Path, name: str, *, examples: bool, tree: bool) -> dict[str, Any]:
    began = time.monotonic()
    try:
        graph = graph_of(root, name, examples=examples)
    except CatalogError as error:
        return {"stack": name, "problems": [str(problem) for problem in error.problems], "resources": 0}
    wrong = [*map(str, violations(graph)), *problems(graph), *unknown_grants(graph)]
    return {
        "stack": name,
        "resources": len(graph.resources),
        "components": sum(resource.is_component for resource in graph.resources),
        "examples": list(graph.examples),
        "policies": len(POLICIES),
        "problems": wrong,
        "seconds": round(time.monotonic() - began, 1),
        "tree": _tree(graph, full=tree),
    }


def _say(one: dict[str, Any]) -> None:
    if not one["resources"]:
        click.echo(f"{one['stack']}: can't be read\n" + "\n".join(f"  {problem}" for problem in one["problems"]))
        return
    click.echo(f"{one['stack']}: {one['resources']} resources, {one['policies']} policies, {one['seconds']} s")
    for line in one["tree"]:
        click.echo(f"  {line}")
    if one["examples"]:
        click.echo(f"  Not released, shown with an example: {', '.join(one['examples'])}")
    for problem in one["problems"]:
        click.echo(f"  FAIL {problem}")
    click.echo("  ok" if not one["problems"] else f"  {len(one['problems'])} problems")


def _tree(graph: Graph, *, full: bool) -> list[str]:
    """The components with how much each holds; with `full` every resource."""
    lines: list[str] = []

    def add(resource: RecordedResource, depth: int) -> None:
        inside = graph.children(resource.urn)
        if full or resource.is_component:
            own = [one for one in inside if not one.is_component]
            count = f" ({len(own)})" if resource.is_component else ""
            lines.append(f"{'  ' * depth}{resource.kind} {resource.name}{count}")
        for child in inside:
            add(child, depth + 1)

    for top in graph.children():
        add(top, 0)
    return lines
