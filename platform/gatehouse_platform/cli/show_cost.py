"""`gate stack cost STACK`: the monthly estimate as a table, with the sources of its prices."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.cost import Estimate, estimate
from gatehouse_platform.offline.prices import Prices, load_prices

CENT = 0.005


def run(root: Path, stack: str, *, examples: bool, as_json: bool) -> int:
    """Prints the estimate. Raises StackError, CatalogError or PriceError."""
    prices = load_prices()
    found = estimate(graph_of(root, stack, examples=examples), prices)
    if as_json:
        lines = [{**msgspec.to_builtins(line), "usd": round(line.usd, 2)} for line in found.lines]
        answer = {
            "stack": stack,
            "usd_a_month": round(found.usd, 2),
            "prices_of": prices.date.isoformat(),
            "region": prices.region,
            "lines": lines,
            "unknown": found.unknown,
        }
        click.echo(msgspec.json.encode(answer))
    else:
        show(found, prices, Console())
    return 0


def show(found: Estimate, prices: Prices, console: Console) -> None:
    table = Table(title=f"{found.stack}: about {found.usd:,.0f} USD a month", title_justify="left", title_style="bold")
    for heading, justify in (("part", "left"), ("what", "left"), ("quantity", "right"), ("USD", "right")):
        table.add_column(heading, justify=justify)
    for part, total in found.parts().items():
        merged: dict[tuple[str, str, bool], list[float]] = {}
        for line in found.lines:
            if line.part == part:
                quantity, usd = merged.get((line.what, line.price.unit, line.assumed), [0.0, 0.0])
                merged[line.what, line.price.unit, line.assumed] = [quantity + line.quantity, usd + line.usd]
        table.add_row(f"[bold]{part}[/]", "", "", f"[bold]{total:,.2f}[/]")
        for (what, unit, assumed), (quantity, usd) in merged.items():
            if usd >= CENT:
                mark = " *" if assumed else ""
                table.add_row("", what + mark, f"{quantity:,.1f} {unit}", f"{usd:,.2f}")
    console.print(table)
    unchecked = sum(line.usd for line in found.lines if line.price.seen == "unchecked")
    console.print(
        f"Prices of {prices.region} as in gatehouse_platform/prices.toml, {prices.date}, each with its source; "
        f"{unchecked:,.0f} USD of this rest on prices that weren't checked again.\n"
        "* assumed use. Least sizes; without tax, free tier, discounts, growth and traffic to the internet."
    )
    if found.unknown:
        console.print(f"[yellow]No price known for: {', '.join(found.unknown)}[/]")
