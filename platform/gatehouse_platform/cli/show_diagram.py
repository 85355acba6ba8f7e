"""`gate stack diagram`: writes the SVG of an environment to a file, or to standard output."""

from pathlib import Path

import click

from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.diagram_model import diagram_model
from gatehouse_platform.offline.diagram_svg import diagram


def run(root: Path, name: str, output: str | None, *, examples: bool) -> int:
    """Raises StackError, CatalogError or NoEnvironment."""
    text = diagram(diagram_model(graph_of(root, name, examples=examples)))
    if output is None:
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text, encoding="utf-8")
        click.echo(f"{output}: {name}, {len(text) // 1024} KiB")
    return 0
