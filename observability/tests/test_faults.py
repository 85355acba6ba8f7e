"""Faults, one at a time, in a small real platform: the right alert, and no other page.

Each fault is lived through twice. First for real (small/life.py), with the rules hurried by 60 (an hour is a minute).
Then at the rules' own pace: the series that the services showed meanwhile, well and hurt, are stretched over hours (or
a week) and given to promtool, with the recovery after them.
"""

import contextlib
import dataclasses
import json
import queue
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from gatehouse_observability.prometheus import RULES
from gatehouse_observability.rules import RuleGroup, as_yaml, rules_document
from gatehouse_observability.testing import AGE, EMPTY_BY_DESIGN, Shown, program, promtool, stretched

from .small.faults import FAULTS, Fault
from .small.life import Lived, live_undisturbed
from .small.world import FASTER, living

pytestmark = [pytest.mark.platform, pytest.mark.begins_early]  # a small platform of its own


def fault_of(alert: str) -> Fault:
    return next(fault for fault in FAULTS if (alert, "back") in fault.pages)


each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


WORLDS = 3  # at once: nearly all of the time is waiting, but for the start of each


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Lived]:
    """What was seen of each fault that a chosen test asks for. In a world it is one fault at a time."""
    program("prometheus"), program("promtool")
    items = [item for item in request.session.items if item.path == request.path and isinstance(item, pytest.Function)]
    items = [item for item in items if hasattr(item, "callspec")]
    asked_for = {cast(Fault, item.callspec.params["fault"]).name for item in items}
    left = queue.SimpleQueue[Fault]()
    for fault in FAULTS:
        if fault.name in asked_for:
            left.put(fault)
    seen: dict[str, Lived] = {}

    def live_on(folder: Path) -> None:
        with living(folder) as (world, users), contextlib.suppress(queue.Empty):
            while True:
                fault = left.get_nowait()
                seen[fault.name] = live_undisturbed(fault, world, users)

    with ThreadPoolExecutor(WORLDS) as pool:
        for done in [pool.submit(live_on, tmp_path_factory.mktemp("world")) for _ in range(WORLDS)]:
            done.result()
    return seen


@each_fault
@pytest.mark.deep
def test_the_right_alert_fires_and_no_other_page(lived: dict[str, Lived], fault: Fault):
    seen = lived[fault.name]
    assert seen.pages == fault.pages
    assert seen.tickets >= fault.tickets
    assert seen.data, f"{fault.reads} has no data, even now"


def test_what_is_empty_by_design_has_a_fault_that_fills_it():
    for part, name in EMPTY_BY_DESIGN.items():
        assert part in next(fault for fault in FAULTS if fault.name == name).reads


def at_own_pace(shown: Shown) -> Shown:
    """Ages were seen hurried, as the rules were."""
    level = {series: value * (FASTER if series.startswith(AGE) else 1) for series, value in shown.level.items()}
    return dataclasses.replace(shown, level=level)


WELL_MINUTES, AFTER_MINUTES = 60, 50
STEP, WEEKS_STEP = 60, 600  # seconds between samples


@each_fault
@pytest.mark.deep
def test_at_the_rules_own_pace_so_it_is_for_hours_and_after_the_fixing(
    lived: dict[str, Lived], fault: Fault, tmp_path: Path
):
    seen = lived[fault.name]
    well, hurt = at_own_pace(seen.well), at_own_pace(seen.hurt)
    parts = [(well, WELL_MINUTES), (hurt, fault.minutes), (well, AFTER_MINUTES)]
    fixed = WELL_MINUTES + fault.minutes
    paging = 'ALERTS{alertstate="firing",severity="page"}'
    right = " or ".join(f'ALERTS{{alertname="{alert}",service="{service}"}}' for alert, service in fault.pages)
    other = f"{paging} unless ({right})" if right else paging
    checks: list[dict[str, Any]] = [
        {"expr": other, "eval_time": f"{minute}m"} for minute in range(5, fixed + AFTER_MINUTES + 1, 5)
    ]
    for severity, alerts in (("page", fault.pages), ("ticket", fault.tickets)):
        for alert, service in alerts:
            firing = (
                f'count(ALERTS{{alertstate="firing",severity="{severity}",alertname="{alert}",service="{service}"}})'
            )
            checks.append({"expr": firing, "eval_time": f"{fixed - 1}m", "exp_samples": [{"labels": "{}", "value": 1}]})
    checks.append({"expr": paging, "eval_time": f"{fixed + AFTER_MINUTES}m"})
    replay(seen.rules, tmp_path, parts, STEP, checks)


@pytest.mark.parametrize(
    ("fault", "share", "ticket"),
    [
        (fault_of("AvailabilityBurns"), 0.2, "AvailabilityBurnsSlowly"),
        (fault_of("LatencyBurnsFast"), 0.04, "LatencyBurnsSlowly"),
    ],
    ids=["1% fails", "2% are slow"],
)
@pytest.mark.deep
def test_a_little_of_a_fault_for_a_week_is_a_ticket_and_no_page(
    lived: dict[str, Lived], fault: Fault, share: float, ticket: str, tmp_path: Path
):
    """What was recorded hurt for that share of the time, and well for the rest."""
    seen = lived[fault.name]
    both = {*seen.well.growth, *seen.hurt.growth}
    mixed = {
        series: seen.well.growth.get(series, 0.0) * (1 - share) + seen.hurt.growth.get(series, 0.0) * share
        for series in both
    }
    week = [(dataclasses.replace(seen.well, growth=mixed), 7 * 24 * 6)]
    firing = f'count(ALERTS{{alertstate="firing",alertname="{ticket}",service="back"}})'
    told = {"labels": "{}", "value": 1}
    paging = 'ALERTS{alertstate="firing",severity="page"}'
    checks: list[dict[str, Any]] = [{"expr": paging, "eval_time": f"{day}d"} for day in range(1, 8)]
    checks.append({"expr": firing, "eval_time": "7d", "exp_samples": [told]})
    replay(seen.rules, tmp_path, week, WEEKS_STEP, checks)


# What rules read: of the buckets only the promised one.
READ = re.compile(r'up|gatehouse_(?!.*_(bucket|sum))|gatehouse_.*_bucket\{.*le="1.5"|process_(cpu|resident|open|max)')


def replay(rules: list[RuleGroup], folder: Path, parts: list[tuple[Shown, int]], step: int, checks: list[dict]) -> None:
    """Gives the series to promtool, with the rules as they are in an environment."""
    (folder / RULES).write_text(as_yaml(rules_document(rules)))
    test = {
        "interval": f"{step}s",
        "input_series": [one for one in stretched(parts, step) if READ.match(one["series"])],
        "promql_expr_test": [{"exp_samples": []} | check for check in checks],
    }
    interval = "2m" if step < WEEKS_STEP else "6h"
    content = {"rule_files": [RULES], "evaluation_interval": interval, "tests": [test]}
    (folder / "test.json").write_text(json.dumps(content))
    done = promtool("test", "rules", str(folder / "test.json"))
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
