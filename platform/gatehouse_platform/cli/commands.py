"""`gate stack`: looks at the AWS platform without AWS. What a command does is in the module named after it."""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

import sys

import click

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
AS_RELEASED = click.option(
    "--as-released", is_flag=True, help="Only what is released: no examples for services that never were."
)


@click.group()
def stack() -> None:
    """Look at an environment in AWS before anything is done there."""


@stack.command()
@click.argument("names", nargs=-1, metavar="[STACK...]")
@click.option("--tree", is_flag=True, help="Print every resource.")
@AS_RELEASED
@AS_JSON
def check(names: tuple[str, ...], tree: bool, as_released: bool, as_json: bool) -> None:
    """Run the program for a stack (default: all five) with recording mocks, and hold it to the policies.

    Needs neither Pulumi's engine nor credentials. Exit code 2: something is wrong.
    """
    from gatehouse_catalog import find_root
    from gatehouse_platform.cli.show_check import run

    sys.exit(run(find_root(), names, tree=tree, examples=not as_released, as_json=as_json))


@stack.command()
@click.argument("before", metavar="STACK[@REVISION]")
@click.argument("after", metavar="STACK[@REVISION]", required=False)
@AS_RELEASED
@AS_JSON
def diff(before: str, after: str | None, as_released: bool, as_json: bool) -> None:
    """Show what differs, property by property: two stacks, or one stack at two git revisions.

    `gate stack diff dev test`, `gate stack diff dev@main` (main and the working tree), `gate stack diff dev@v1 dev@v2`.
    What only names the stack counts as equal.
    """
    from gatehouse_catalog import find_root
    from gatehouse_platform.cli.show_diff import run

    sys.exit(run(find_root(), before, after, examples=not as_released, as_json=as_json))


@stack.command()
@click.argument("name", metavar="STACK")
@AS_RELEASED
@AS_JSON
def cost(name: str, as_released: bool, as_json: bool) -> None:
    """Estimate what a stack costs a month, part by part, from a dated price table.

    The table is platform/gatehouse_platform/offline/prices.toml; each price names its source. It is no bill: it
    takes the least size and an assumed use.
    """
    from gatehouse_catalog import find_root
    from gatehouse_platform.cli.show_cost import run

    sys.exit(run(find_root(), name, examples=not as_released, as_json=as_json))


@stack.command()
@click.argument("name", metavar="STACK")
@click.option("--output", "-o", type=click.Path(dir_okay=False, writable=True), help="The file; else standard output.")
@AS_RELEASED
def diagram(name: str, output: str | None, as_released: bool) -> None:
    """Draw an environment as an SVG: who reaches whom, sizes, and what stands around."""
    from gatehouse_catalog import find_root
    from gatehouse_platform.cli.show_diagram import run

    sys.exit(run(find_root(), name, output, examples=not as_released))
