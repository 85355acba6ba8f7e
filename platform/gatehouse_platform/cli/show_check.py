"""`gate stack check`: records each stack, applies the policies, ECS's API model and IAM's reference, and reports."""

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
    """Checks the named stacks, or all. Returns 0 when nothing is wrong."""
    reports: list[dict[str, Any]] = [_check(root, name, examples=examples, tree=tree) for name in names or STACKS]
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    else:
        for report in reports:
            _print(report)
    return WRONG if any(report["problems"] for report in reports) else 0


def _check(root: Path, name: str, *, examples: bool, tree: bool) -> dict[str, Any]:
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


def _print(report: dict[str, Any]) -> None:
    if not report["resources"]:
        click.echo(f"{report['stack']}: can't be read\n" + "\n".join(f"  {problem}" for problem in report["problems"]))
        return
    click.echo(
        f"{report['stack']}: {report['resources']} resources, {report['policies']} policies, {report['seconds']} s"
    )
    for line in report["tree"]:
        click.echo(f"  {line}")
    if report["examples"]:
        click.echo(f"  Not released, shown with an example: {', '.join(report['examples'])}")
    for problem in report["problems"]:
        click.echo(f"  FAIL {problem}")
    click.echo("  ok" if not report["problems"] else f"  {len(report['problems'])} problems")


def _tree(graph: Graph, *, full: bool) -> list[str]:
    """The components with the number of their resources; with `full` every resource."""
    lines: list[str] = []

    def add(resource: RecordedResource, depth: int) -> None:
        inside = graph.children(resource.urn)
        if full or resource.is_component:
            own = [child for child in inside if not child.is_component]
            count = f" ({len(own)})" if resource.is_component else ""
            lines.append(f"{'  ' * depth}{resource.kind} {resource.name}{count}")
        for child in inside:
            add(child, depth + 1)

    for top in graph.children():
        add(top, 0)
    return lines
