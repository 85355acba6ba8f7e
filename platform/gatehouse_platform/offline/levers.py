"""What each setting that lowers the price saves, what is given up by it, and what to write to have it otherwise. The
savings are differences of two estimates, with as many services as are planned.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_platform.config.settings import FOUNDATION
from gatehouse_platform.config.stack_config import PROJECT, read_config
from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.cost import estimate
from gatehouse_platform.offline.planned import joined, with_planned
from gatehouse_platform.offline.prices import Prices

SERVICES = 13
START, END = "<!-- levers: gate stack levers --write -->", "<!-- end of levers -->"
HEAD = "| stack | lever | saves USD a month | given up | to have it otherwise |\n| --- | --- | ---: | --- | --- |"


class Lever(msgspec.Struct, frozen=True, kw_only=True):
    """`other`: the keys that take the lever back (`cheap` false), or that apply one that isn't applied (true)."""

    stack: str
    what: str
    other: dict[str, Any]
    given_up: str
    cheap: bool = False


LEVERS = (
    Lever(
        stack="production",
        what="NAT instances, not gateways",
        other={"network": {"egress": "nat"}},
        given_up="minutes without a way out of a zone when its instance fails; you patch it by replacing it",
    ),
    Lever(
        stack="production",
        what="two zones, not three",
        other={"network": {"zones": 3}},
        given_up="a zone that fails takes half of the tasks, not a third",
    ),
    Lever(
        stack="production",
        what="a database of 2 GiB, not 4",
        other={"database": {"instance": "db.t4g.medium"}},
        given_up="cache, and half of the connections",
    ),
    Lever(
        stack="production",
        what="one task of a group on demand, the others on Spot",
        other={"capacity": {"on_demand_base": 2, "on_demand_weight": 3, "spot_weight": 1}},
        given_up="half of a group for a minute or two when AWS takes a machine, with two minutes' warning",
    ),
    Lever(
        stack="production",
        what="Container Insights off",
        other={"insights": True},
        given_up="CloudWatch's graphs of each task; Prometheus has each service's own, ECS the average CPU and memory",
    ),
    Lever(
        stack="production",
        what="metrics once a minute",
        other={"scrape_seconds": 30},
        given_up="an alert may come half a minute later",
    ),
    Lever(
        stack="production",
        what="six bounds of latencies, not thirteen",
        other={"fine_latencies": True},
        given_up="quantiles between 50 ms, 250 ms, 1 s and 5 s are guessed; objectives have a bound of their own",
    ),
    Lever(
        stack="dev",
        what="asleep at night and at weekends",
        other={"shutdown": None},
        given_up="nobody works there before 8 or after 18",
    ),
    Lever(
        stack="dev",
        what="public addresses, not NAT gateways",
        other={"network": {"egress": "nat"}},
        given_up="a layer: only security groups keep strangers out of tasks",
    ),
    Lever(
        stack="staging",
        what="one task of a group, not two",
        other={"minimum_tasks": 2},
        given_up="what only happens with two tasks is first seen in production",
    ),
    Lever(
        stack="staging",
        what="parked between releases (not applied)",
        other={"parked": True},
        given_up="ten minutes of `pulumi up` before it can be used; nightly checks of it",
        cheap=True,
    ),
    Lever(
        stack="production",
        what="lean (not applied)",
        other={"lean": True},
        given_up="what `gate stack cost --lean` prints",
        cheap=True,
    ),
)


def table(root: Path, prices: Prices) -> str:
    """The levers as a table in Markdown."""
    rows = [HEAD]
    with with_planned(root, SERVICES) as (place, names):
        usual: dict[str, float] = {}
        for lever in LEVERS:
            if lever.stack not in usual:
                usual[lever.stack] = _usd(place, lever.stack, names, {}, prices)
            other = _usd(place, lever.stack, names, lever.other, prices)
            saved = usual[lever.stack] - other if lever.cheap else other - usual[lever.stack]
            cells = (lever.stack, lever.what, f"{saved:,.0f}", lever.given_up, f"`{_written(lever.other)}`")
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def with_table(text: str, found: str) -> str:
    """The page with its table replaced. Raises ValueError when it has no place for one."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"the page has no lines {START} and {END}")
    return f"{before}{START}\n{found}\n{END}{after}"


def _written(other: Mapping[str, Any]) -> str:
    return "; ".join(f"{PROJECT}:{key}: {_yaml(value)}" for key, value in other.items())


def _yaml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _usd(root: Path, stack: str, names: list[str], other: Mapping[str, Any], prices: Prices) -> float:
    config = joined(root, stack, names) if stack != FOUNDATION else read_config(root, stack)
    for key, value in other.items():
        full = f"{PROJECT}:{key}"
        mine = config.get(full)
        config[full] = {**mine, **value} if isinstance(mine, Mapping) and isinstance(value, Mapping) else value
    return estimate(graph_of(root, stack, config=config), prices).usd
