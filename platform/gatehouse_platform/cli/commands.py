"""`gate stack`: inspects the AWS platform without AWS. Each command is in the module named after it."""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

import sys

import click

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
AS_RELEASED = click.option("--as-released", is_flag=True, help="Leave out services that were never released.")


@click.group()
def stack() -> None:
    """Inspect an environment in AWS before changing it."""


@stack.command()
@click.argument("names", nargs=-1, metavar="[STACK...]")
@click.option("--tree", is_flag=True, help="Print every resource.")
@AS_RELEASED
@AS_JSON
def check(names: tuple[str, ...], tree: bool, as_released: bool, as_json: bool) -> None:
    """Record the resources of a stack (default: all five) and check them against the policies.

    Needs neither Pulumi's engine nor credentials. Exits 2 if anything is wrong.
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
    """Compare two stacks, or one stack at two git revisions, property by property.

    `gate stack diff dev test`, `gate stack diff dev@main` (main and the working tree), `gate stack diff dev@v1 dev@v2`.
    Values that differ only by the stack's name count as equal.
    """
    from gatehouse_catalog import find_root
    from gatehouse_platform.cli.show_diff import run

    sys.exit(run(find_root(), before, after, examples=not as_released, as_json=as_json))


@stack.command()
@click.argument("name", metavar="STACK", required=False)
@click.option(
    "--services", type=int, default=0, help="Count generated services beside the catalog's, up to this number of all."
)
@click.option("--lean", is_flag=True, help="As if every stack file said `gatehouse:lean: true`.")
@click.option("--parked", multiple=True, metavar="STACK", help="As if that stack file said `gatehouse:parked: true`.")
@AS_RELEASED
@AS_JSON
def cost(
    name: str | None, services: int, lean: bool, parked: tuple[str, ...], as_released: bool, as_json: bool
) -> None:
    """Estimate the cost of a stack per month, component by component; without STACK, of all together.

    The table is platform/gatehouse_platform/offline/prices.toml; each price names its source. The
    estimate assumes least sizes and a modest use.
    """
    from gatehouse_catalog import find_root
    from gatehouse_platform.cli.show_cost import CostQuestion, run

    asked = CostQuestion(services=services, lean=lean, parked=parked, examples=not as_released)
    sys.exit(run(find_root(), name, asked, as_json=as_json))


@stack.command()
@click.option("--write", is_flag=True, help="Put the table into platform/README.md.")
def levers(write: bool) -> None:
    """Show what each setting that lowers the price saves, and what is given up by it."""
    from gatehouse_catalog import find_root
    from gatehouse_platform.offline.levers import table, with_table
    from gatehouse_platform.offline.prices import load_prices

    found = table(find_root(), load_prices())
    if write:
        page = find_root() / "platform" / "README.md"
        page.write_text(with_table(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    else:
        click.echo(found)


@stack.command()
@click.argument("name", metavar="STACK")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, writable=True),
    help="Write to this file instead of standard output.",
)
@AS_RELEASED
def diagram(name: str, output: str | None, as_released: bool) -> None:
    """Draw an environment as SVG: sizes, connections, and shared resources."""
    from gatehouse_catalog import find_root
    from gatehouse_platform.cli.show_diagram import run

    sys.exit(run(find_root(), name, output, examples=not as_released))
