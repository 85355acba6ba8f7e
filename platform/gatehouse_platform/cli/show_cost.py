"""`gate stack cost [STACK]`: the monthly estimate as a table, with how sure its prices are; or that of all stacks."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from gatehouse_platform.config.settings import FOUNDATION, LEAN_GIVES_UP, STACKS
from gatehouse_platform.config.stack_config import PROJECT, read_config
from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.cost import Estimate, estimate
from gatehouse_platform.offline.planned import joined, with_planned
from gatehouse_platform.offline.prices import Prices, load_prices

CENT = 0.005


class CostQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What is estimated in place of what the files say."""

    # How many services there are in all; generated ones are counted beside the catalog's.
    services: int = 0
    lean: bool = False
    # Stacks.
    parked: tuple[str, ...] = ()
    examples: bool = True


def run(root: Path, stack: str | None, asked: CostQuestion, *, as_json: bool) -> int:
    """Prints the estimate of a stack, or of all together. Raises StackError, CatalogError or PriceError."""
    prices = load_prices()
    found = estimates(root, [stack] if stack else list(STACKS), prices, asked)
    if as_json:
        answers = [answer(each, prices) for each in found]
        click.echo(msgspec.json.encode(answers[0] if stack else answers))
    elif stack:
        show(found[0], prices, Console())
    else:
        show_all(found, prices, Console())
    if asked.lean and not as_json:
        show_given_up(root, [each.stack for each in found], Console())
    return 0


def estimates(root: Path, stacks: list[str], prices: Prices, asked: CostQuestion) -> list[Estimate]:
    """The estimates of those stacks."""
    found = []
    with with_planned(root, asked.services) as (place, names):
        for stack in stacks:
            config = joined(place, stack, names) if stack != FOUNDATION else None
            if config is not None:
                config |= {f"{PROJECT}:lean": True} if asked.lean else {}
                config |= {f"{PROJECT}:parked": True} if stack in asked.parked else {}
            found.append(estimate(graph_of(place, stack, examples=asked.examples, config=config), prices))
    return found


def answer(found: Estimate, prices: Prices) -> dict[str, object]:
    """What a script reads of an estimate."""
    return {
        "stack": found.stack,
        "usd_a_month": round(found.usd, 2),
        "usd_by_certainty": {seen: round(usd, 2) for seen, usd in found.by_certainty().items()},
        "prices_of": prices.date.isoformat(),
        "region": prices.region,
        "lines": [{**msgspec.to_builtins(line), "usd": round(line.usd, 2)} for line in found.lines],
        "unknown": found.unknown,
    }


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
    console.print(
        f"{_certainty([found], prices)}\n"
        "* assumed use. Least sizes; without tax, free tier, discounts, growth and traffic to the internet."
    )
    if found.unknown:
        console.print(f"[yellow]No price known for: {', '.join(found.unknown)}[/]")


def show_all(found: list[Estimate], prices: Prices, console: Console) -> None:
    """A line for each stack, and their sum."""
    total = sum(each.usd for each in found)
    table = Table(title=f"All stacks: about {total:,.0f} USD a month", title_justify="left", title_style="bold")
    table.add_column("stack")
    table.add_column("USD", justify="right")
    table.add_column("most of it")
    for each in found:
        most = ", ".join(f"{part} {usd:,.0f}" for part, usd in [*each.parts().items()][:4])
        table.add_row(each.stack, f"{each.usd:,.2f}", most)
    console.print(table)
    console.print(_certainty(found, prices))
    unknown = sorted({kind for each in found for kind in each.unknown})
    if unknown:
        console.print(f"[yellow]No price known for: {', '.join(unknown)}[/]")


def show_given_up(root: Path, stacks: list[str], console: Console) -> None:
    """What each lean environment does without."""
    console.print("Given up:")
    for stack in stacks:
        tier = "" if stack == FOUNDATION else str(read_config(root, stack).get(f"{PROJECT}:tier"))
        for text in LEAN_GIVES_UP.get(tier, ()):
            console.print(f"  {stack}: {text}.")


def _certainty(found: list[Estimate], prices: Prices) -> str:
    total = sum(each.usd for each in found) or 1
    sums = {seen: sum(each.by_certainty()[seen] for each in found) for seen in ("derived", "unchecked")}
    return (
        f"Prices of {prices.region} as in gatehouse_platform/offline/prices.toml, {prices.date}, each with its source; "
        f"{sums['unchecked']:,.0f} USD of this ({sums['unchecked'] / total:.0%}) rest on prices that weren't checked "
        f"again, {sums['derived']:,.0f} USD ({sums['derived'] / total:.0%}) on prices computed from checked ones."
    )
