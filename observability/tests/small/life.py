"""Living through a fault: well, then hurt, and what was seen of it. What a busy machine disturbed is lived again."""

import contextlib
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from gatehouse_observability.rules import RuleGroup
from gatehouse_observability.testing import MetricsRecorder, Shown

from .faults import Alerts, Fault
from .world import USUAL, Users, World

WELL_SECONDS = 2.0  # after the first scrape, which takes Prometheus five seconds to begin
STALL = 0.5  # seconds that an arrival may be late; more, and this machine was too busy to tell anything
ATTEMPTS = 3
PATIENCE = 90.0  # seconds for the right alert
BEFORE = 30.0  # seconds for all to be well
SETTLED = 2.5  # seconds in which another page would follow


@dataclass
class Lived:
    """What was seen of a fault: every page that fired, the tickets in the end, series well and hurt."""

    pages: Alerts
    tickets: Alerts
    data: bool
    well: Shown
    hurt: Shown
    rules: list[RuleGroup]


class Disturbed(AssertionError):
    """This machine is too busy to be well on it; whatever would be seen of a fault says nothing."""


def live_undisturbed(fault: Fault, world: World, users: Users) -> Lived:
    """Again, when this machine stood still meanwhile: that looks like a fault of its own."""
    attempt = 0
    while True:
        attempt += 1
        last = attempt == ATTEMPTS
        users.latest = 0.0
        with contextlib.suppress(*(() if last else (Disturbed,))):
            found = live(fault, world, users)
            if last or (users.latest < STALL and not slow(found.well)):
                return found


def slow(shown: Shown) -> bool:
    """Whether any answer took longer than is promised."""
    every = sum(growth for series, growth in shown.growth.items() if "duration_seconds_count{" in series)
    quick = sum(growth for series, growth in shown.growth.items() if 'duration_seconds_bucket{le="1.5"' in series)
    return quick < every * 0.999


def until(reached: Callable[[], bool], what: Callable[[], object]) -> None:
    ends = time.monotonic() + BEFORE
    while not reached():
        if time.monotonic() > ends:
            raise Disturbed(what())
        time.sleep(0.1)


def well_again(world: World) -> bool:
    """Ten good answers in a row, and few others in flight: the breaker is closed, and nothing slow is left."""
    try:
        for _ in range(10):
            urllib.request.urlopen(f"{world.url('front')}/api/front/page", timeout=8).close()
        return all(in_flight(world, task) <= 2 for task in USUAL)
    except OSError:
        return False


def in_flight(world: World, task: str) -> float:
    with urllib.request.urlopen(f"{world.url(task)}/metrics", timeout=8) as answer:
        found = re.search(r"^gatehouse_http_requests_in_flight{.*} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def live(fault: Fault, world: World, users: Users) -> Lived:
    """Well, then hurt until the right alerts fire, and some seconds more."""
    until(lambda: well_again(world), lambda: "no ten good answers in a row")
    recorder = MetricsRecorder(world.tasks(*USUAL))
    with world.prometheus() as prometheus:
        until(lambda: len(prometheus.ask("up == 1")) == len(USUAL), lambda: "no scrape of both services")
        time.sleep(WELL_SECONDS)
        # That nothing was scraped before is a page at first.
        until(lambda: not prometheus.firing("page"), lambda: f"pages while all is well: {prometheus.firing('page')}")
        well = recorder.end()
        fault.inject(world, users)
        try:
            recorder = MetricsRecorder(world.tasks(*fault.scraped))
            pages: Alerts = set()
            tickets: Alerts = set()
            ends = time.monotonic() + PATIENCE
            settled = None
            while settled is None or time.monotonic() < settled:
                time.sleep(0.25)
                pages |= prometheus.firing("page")
                tickets = prometheus.firing("ticket")
                if settled is None and pages >= fault.pages and tickets >= fault.tickets:
                    settled = time.monotonic() + SETTLED
                if time.monotonic() > ends:
                    break
            data = not fault.reads or prometheus.finite(fault.reads)
            return Lived(pages, tickets, data, well, recorder.end(), world.rules())
        finally:
            fault.fix(world, users)
