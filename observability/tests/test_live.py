"""A running platform under a minute's load, seen by a real Prometheus: each panel, rule and alert has data to go by.

What is empty while all is well is so by design, and listed (testing.py): a fault that fills it is lived through in
test_faults.py, or in tests/delivery. While the minute runs, a trace is followed through the platform.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.load.engine import LoadRun, drive
from gatehouse_observability.load.personas import OPERATIONS, LoadPersona
from gatehouse_observability.prometheus import rule_groups
from gatehouse_observability.rules import Alert, Recording
from gatehouse_observability.testing import EMPTY_BEFORE_RELEASES, RunningPrometheus, by_design, program

pytestmark = [pytest.mark.platform, pytest.mark.begins_early, pytest.mark.deep]
ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
SERVED = {service.name for service in CATALOG}
RULES = [rule for group in rule_groups(CATALOG) for rule in group.rules]
RATE, SECONDS = 8, 60
PATIENCE = 60.0  # seconds for two scrapes, and rules on rules; and for a line to reach its log
# What an expression reads, with its labels and, apart, its window.
READ = re.compile(
    r"((?:\b(?:gatehouse|process|scrape)_\w+|\bservice(?:_target)?:[\w:]+|\bALERTS|\bup)\b(?:\{[^}]*\})?)(\[\w+\])?"
)
MENTEE = "019a0000-0001-7000-8000-000000000002"  # of the test data


@pytest.fixture(scope="module")
def prometheus(platform: Any) -> RunningPrometheus:
    """Joins the platform of this test run, and observes it."""
    if platform.state is None:
        pytest.skip("only a platform of this test run is observed")
    program("prometheus")
    up = [sys.executable, "-m", "gatehouse_local.gate", "up", "--observe", "--detach", "--json"]
    done = subprocess.run([*up, "--state", str(platform.state)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(done.stdout)["resources"]
    return RunningPrometheus(next(row["url"] for row in rows if row["name"] == "prometheus"))


@pytest.fixture(scope="module")
def minute(platform: Any, prometheus: RunningPrometheus) -> Iterator[Future[LoadRun]]:
    """A minute of load that goes on meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(lambda: asyncio.run(drive(platform.url, OPERATIONS, rate=RATE, seconds=SECONDS)))


@pytest.fixture(scope="module")
def under_load(minute: Future[LoadRun]) -> LoadRun:
    return minute.result()


async def visit(url: str, persona: str, trace: str, *pages: str, good: bool = True) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        somebody = LoadPersona(persona, http, url)
        await somebody.arrive()
        headers = {"traceparent": f"00-{trace}-{'ab' * 8}-01"}
        for page in pages:
            async with http.get(url + page, cookies=somebody.cookies, headers=headers) as answer:
                assert answer.status == 200 or not good, await answer.text()


def logged(state: Path, trace: str) -> dict[str, list[dict[str, Any]]]:
    """The lines of a trace by service."""
    found = {}
    for name in SERVED:
        lines = (state / "logs" / f"{name}.log").read_text().splitlines()
        if mine := [json.loads(line) for line in lines if trace in line]:
            found[name] = mine
    return found


def eventually(looked: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What was looked at, once it is as wanted, or as it is after PATIENCE."""
    ends = time.monotonic() + PATIENCE
    while not wanted(found := looked()) and time.monotonic() < ends:
        time.sleep(0.1)
    return found


def test_a_trace_given_to_the_portal_is_in_the_log_of_every_service_that_it_asks(
    platform: Any, prometheus: RunningPrometheus, minute: Future[LoadRun]
):
    """A mentee's page asks all but partner; the admin page asks every service for its version."""
    trace = uuid.uuid4().hex
    asyncio.run(visit(platform.url, "mentor", trace, "/", "/members", f"/members/{MENTEE}"))
    asyncio.run(visit(platform.url, "engineer", trace, "/admin"))
    lines = eventually(lambda: logged(platform.state, trace), lambda found: set(found) == SERVED)
    assert set(lines) == SERVED
    assert all(line["trace_id"] == trace and line["request_id"] for each in lines.values() for line in each)
    requests = {line["request_id"] for line in lines["portal"]}
    assert {line["request_id"] for each in lines.values() for line in each} == requests  # one id a page, everywhere


def test_the_load_is_held_and_nothing_fails(under_load: LoadRun):
    assert under_load.failed == 0, {name: tally.failures for name, tally in under_load.tallies.items()}
    assert under_load.dropped == 0
    assert under_load.begun == RATE * SECONDS
    assert 0 < under_load.rate_held <= RATE * 1.05


def without_data(prometheus: RunningPrometheus, exprs: Iterable[str]) -> list[str]:
    """Those that have no finite data, after giving them time."""
    left = sorted(set(exprs))

    def still() -> list[str]:
        left[:] = [expr for expr in left if not prometheus.finite(expr)]
        return left

    return eventually(still, lambda found: not found)


def test_every_recording_rule_has_finite_data(under_load: LoadRun, prometheus: RunningPrometheus):
    recordings = [rule for rule in RULES if isinstance(rule, Recording)]
    assert without_data(prometheus, [rule.expr for rule in recordings if not by_design(rule.record)]) == []


def test_every_panel_has_finite_data_for_every_service(under_load: LoadRun, prometheus: RunningPrometheus):
    # A build is new for five minutes, and another module may have begun to observe this platform long before.
    exprs = {f"count_over_time(({board.releases})[1h:15s])" for board in dashboards() if board.releases}
    for board in dashboards():
        chosen = CATALOG.names if board.by_service else ("",)
        for panel in board.panels:
            for query in panel.queries:
                if not any(series in query.expr for series in EMPTY_BEFORE_RELEASES):
                    exprs |= {query.expr.replace("$service", name) for name in chosen}
    assert "$" not in "".join(exprs).replace("$__rate_interval", "")
    assert without_data(prometheus, exprs) == []


def test_all_that_an_alert_reads_is_there(under_load: LoadRun, prometheus: RunningPrometheus):
    """An alert itself has no data while all is well; each series that it compares has, with its very labels."""
    exprs = [rule.expr for rule in RULES if isinstance(rule, Alert) or by_design(rule.record)]
    reads = {match for expr in exprs for match in READ.findall(expr)}
    assert any("gatehouse_database_up" in series for series, _ in reads)
    assert any("service:targets_up:count" in series for series, _ in reads)
    expected = [f"count_over_time({one}{window})" if window else one for one, window in reads if not by_design(one)]
    assert without_data(prometheus, expected) == []


def test_every_rule_can_be_evaluated_and_no_page_is_sent_while_all_is_well(
    under_load: LoadRun, prometheus: RunningPrometheus
):
    rules = [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(RULES)
    assert {rule["health"] for rule in rules} == {"ok"}
    assert prometheus.ask('max_over_time(ALERTS{alertstate="firing",severity="page"}[10m])') == []


def test_each_service_is_one_target_with_one_label_for_its_name(under_load: LoadRun, prometheus: RunningPrometheus):
    assert prometheus.ask("count by (exported_service) ({exported_service!=''})") == []
    assert {one["metric"]["service"] for one in prometheus.ask("up{service!=''} == 1")} == SERVED


def test_a_trace_given_to_the_portal_stands_beside_the_slow_statement(platform: Any, under_load: LoadRun):
    """A table is locked for a moment, after the load: the statement that waits for it is told, with the page's ids."""
    trace = uuid.uuid4().hex
    with psycopg.connect(platform.database_url) as connection, ThreadPoolExecutor(1) as pool:
        connection.execute("lock table curriculum.assignment in access exclusive mode")
        page = pool.submit(asyncio.run, visit(platform.url, "mentor", trace, f"/members/{MENTEE}", good=False))
        eventually(lambda: waits(connection), bool)
        time.sleep(0.35)  # slow is over 0.2 seconds; after one the statement is given up, which is slow all the same
        connection.rollback()
        page.result()

    def slow() -> list[dict[str, Any]]:
        told = logged(platform.state, trace).get("curriculum", [])
        return [line for line in told if line["event"] == "slow statement"]

    line = eventually(slow, bool)[0]
    assert line["trace_id"] == trace
    assert line["milliseconds"] >= 200
    assert "assignment" in line["sql"]
    assert "$1" in line["sql"]
    assert MENTEE not in line["sql"]
    served = logged(platform.state, trace)["curriculum"]
    assert line["request_id"] in {one["request_id"] for one in served if one["event"] == "request"}


def waits(connection: psycopg.Connection) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_locks where not granted and relation = 'curriculum.assignment'::regclass")
        return cursor.fetchone() is not None
