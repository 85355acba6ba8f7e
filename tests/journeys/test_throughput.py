"""The page of throughput under a real load: with the figures of the runner, then with those of a real Prometheus."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gatehouse_catalog import find_root, load_catalog
from gatehouse_observability.load.engine import drive
from gatehouse_observability.load.personas import OPERATIONS

pytestmark = [pytest.mark.browser, pytest.mark.platform]
NARROW = 360
SERVICES = {service.name for service in load_catalog(find_root(Path(__file__).parent)) if service.kind != "job"}
REQUESTS = re.compile(
    r'^gatehouse_http_requests_total\{(?![^\n]*route="/(?:health/[^"]*|metrics|events)")[^\n]*\} (\S+)$', re.MULTILINE
)
# Of load, in seconds. Longer ones by hand: GATEHOUSE_LOAD_SECONDS=120.
LOAD_SECONDS = float(os.environ.get("GATEHOUSE_LOAD_SECONDS", "10"))
# Milliseconds for two scrapes, and the rules that go by them.
PATIENCE = 30_000
# What the overview says of topics now, and the first row of its own table.
BOTH = """() => ["tr:has(#to-topics)", "#numbers-topics tbody tr"].map(
    which => [...document.querySelector(which).querySelectorAll("td")].map(cell => cell.textContent))"""


def own(platform: Any) -> None:
    if platform.state is None:
        pytest.skip("only a platform of this test run is observed")


def counted(platform: Any) -> dict[str, int]:
    """What each service itself counts of its users' requests."""
    found = {}
    for name in SERVICES:
        with urllib.request.urlopen(f"{platform.services[name]}/metrics") as answer:
            found[name] = int(sum(float(count) for count in REQUESTS.findall(answer.read().decode())))
    return found


@pytest.fixture(scope="module")
def loaded(platform: Any) -> None:
    """Puts a load on the platform of this test run, which no Prometheus observes yet."""
    own(platform)
    under_load(platform.url, LOAD_SECONDS)


def test_without_prometheus_the_runner_counts_what_the_services_count(
    loaded: None, platform: Any, open_browser
) -> None:
    """Not deep, as deep tests start Prometheus for the platform that all share; the runner leaves its port to it."""
    page = drawn(open_browser("sre"))
    expect(page.get_by_text("No alerts here: the runner keeps an hour of figures")).to_be_visible()
    # Other tests use the platform meanwhile, and so does the page: what it shows was counted after the first look and
    # before the last. Where nothing came between them, it is equal.
    before, ends = counted(platform), time.monotonic() + PATIENCE / 1000
    while True:
        page.reload()
        cells = {name: page.locator(f"tr:has(#to-{name}) td").last for name in SERVICES}
        shown = {name: int(cell.inner_text().replace(",", "")) for name, cell in cells.items()}
        if all(shown[name] >= before[name] > 0 for name in SERVICES):
            break
        assert time.monotonic() < ends, (before, shown)
        page.wait_for_timeout(1000)
    after = counted(platform)
    assert {name: shown[name] for name in SERVICES if shown[name] > after[name]} == {}


@pytest.fixture(scope="module")
def observed(platform: Any, workspace_root: Any) -> None:
    """Joins the platform of this test run, observes it, and puts a load on it."""
    own(platform)
    if shutil.which("prometheus") is None:
        why = "Prometheus isn't installed. Fix: apt-get install prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    up = [sys.executable, "-m", "gatehouse_local.gate", "up", "--observe", "--detach", "--json"]
    command = [*up, "--state", str(platform.state)]
    done = subprocess.run(command, cwd=workspace_root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "prometheus" in {row["name"] for row in json.loads(done.stdout)["resources"]}
    under_load(platform.url, 8)


def under_load(url: str, seconds: float) -> None:
    """In a thread of its own: a browser that another module left open keeps its event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(drive(url, OPERATIONS, rate=10, seconds=seconds))).result()


def drawn(page: Page) -> Page:
    """The page, once its figures are there: it refreshes by itself until they are."""
    page.goto("/throughput")
    expect(page.locator("svg.chart")).to_have_count(3 * len(SERVICES), timeout=PATIENCE)
    expect(page.locator("#to-portal").locator("xpath=ancestor::tr")).to_contain_text("ms", timeout=PATIENCE)
    return page


@pytest.mark.deep
def test_an_operator_sees_the_traffic_of_every_service(observed: None, open_browser) -> None:
    page = drawn(open_browser("sre"))
    expect(page.get_by_text(f"{len(SERVICES)} of {len(SERVICES)} services answer")).to_be_visible(timeout=PATIENCE)
    for name in SERVICES:
        chart = page.get_by_role("img", name=re.compile(f"Requests a second of {name}, the last "))
        expect(chart).to_have_accessible_description(re.compile("^now [0-9.]+, between|^no requests"))
    assert page.locator("svg.chart :is(.line, .point).rate").count() > 0


@pytest.mark.deep
def test_the_numbers_are_a_table_too_and_stay_open_while_figures_change(observed: None, open_browser) -> None:
    page = drawn(open_browser("sre"))
    fold = page.locator("#fold-topics")
    fold.focus()
    page.keyboard.press("Enter")
    table = page.locator("#numbers-topics table")
    expect(table).to_be_visible()
    now, first = page.evaluate(BOTH)  # at once: the figures change
    assert len(first) == 5
    assert now[:5] == first
    with page.expect_response(lambda answer: "hx-request" in answer.request.headers, timeout=PATIENCE):
        pass
    expect(table).to_be_visible()
    expect(page.locator("#fold-topics")).to_be_focused()


@pytest.mark.deep
def test_the_page_fits_a_narrow_screen_and_is_hidden_from_members(observed: None, open_browser) -> None:
    page = drawn(open_browser("tester", width=NARROW))
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    member = open_browser("member", refusals=(404,))
    answer = member.goto("/throughput")
    assert answer is not None
    assert answer.status == 404
