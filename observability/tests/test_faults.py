"""Faults, one at a time, in a small real platform: the right alert, and no other page.

Each fault is lived through twice. First for real: two services of the chassis, their PostgreSQL and Prometheus, under
load, with the rules of their catalog hurried by 60 (an hour is a minute). Then at the rules' own pace: the series that
the services showed meanwhile, well and hurt, are stretched over hours (or a week) and given to promtool, with the
recovery after them.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import psycopg
import pytest
from msgspec import structs

from gatehouse_catalog import load_catalog
from gatehouse_local.postgres import Embedded
from gatehouse_local.testing import free_port
from gatehouse_observability.load.engine import arrivals
from gatehouse_observability.prometheus import CONFIG, RULES, prometheus_config, rule_groups
from gatehouse_observability.rules import Alert, Group, as_yaml, document
from gatehouse_observability.testing import (
    EMPTY_BY_DESIGN,
    Prometheus,
    Recorder,
    Shown,
    Task,
    hurried,
    program,
    promtool,
    stretched,
)

pytestmark = pytest.mark.platform  # a small one of its own
SMALL = Path(__file__).parent / "small" / "service.py"
SERVICES = {
    "back": """
name = "back"
domain = "small"
summary = "Reads a database"
path = "/api/back"
port = 8498
[database]
schema = "back"
pool = 2
needs = {thing = "1.0.0"}
[objectives]
latency_p99_ms = 1500
""",
    "front": """
name = "front"
domain = "small"
summary = "Asks back"
path = "/api/front"
port = 8499
[uses]
services = ["back"]
[objectives]
latency_p99_ms = 1500
""",
}
TABLES = """
create schema back;
create table back.thing (id int primary key);
create schema dbm;
create table dbm.version (schema text, collection text, version text, applied_at timestamptz default now());
insert into dbm.version values ('back', 'thing', '1.0.0.0');
"""
# What runs, as `task: service`; `next` is a second task of back, in code that isn't released yet.
TASKS = {"back": "back", "front": "front", "next": "back"}
USUAL = ("back", "front")
FASTER = 60  # than the rules of an environment
EVERY = "1s"  # between scrapes, and evaluations
WELL_SECONDS = 2.0  # after the first scrape, which takes Prometheus five seconds to begin
RATE = 12.0
STALL = 0.5  # seconds that an arrival may be late; more, and this machine was too busy to tell anything
ATTEMPTS = 3
PATIENCE = 90.0  # seconds for the right alert
BEFORE = 30.0  # seconds for all to be well
SETTLED = 2.5  # seconds in which another page would follow


class World:
    """The two services, their database, who uses them, and Prometheus."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {task: free_port() for task in TASKS}
        self.processes: dict[str, subprocess.Popen] = {}
        self.database = Embedded(folder / "state", free_port(), throwaway=True)
        for name, text in SERVICES.items():
            (folder / "services" / name).mkdir(parents=True)
            (folder / "services" / name / "service.toml").write_text(text)

    def url(self, task: str) -> str:
        return f"http://127.0.0.1:{self.ports[task]}"

    def tasks(self, *names: str) -> list[Task]:
        return [Task(name, TASKS[name], f"{self.url(name)}/metrics") for name in names]

    def run(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            environment = os.environ | (environment or {})
            self.processes[name] = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait(20)

    def start_postgres(self) -> None:
        command, environment = self.database.command()
        self.run("postgres", command, environment)
        self.database.wait_ready(still_running=lambda: self.processes["postgres"].poll() is None)

    def start(self, task: str, *, needs: str = "1.0.0") -> None:
        """A service, in code that needs its collection in this version; returns when it answers."""
        service = TASKS[task]
        file = self.folder / "services" / service / "service.toml"
        file.write_text(SERVICES[service].replace("1.0.0", needs))
        environment = {
            "GATEHOUSE_ENVIRONMENT": "local",
            "GATEHOUSE_PORT": str(self.ports[task]),
            "GATEHOUSE_DATABASE_URL": self.database.admin_url,
            "GATEHOUSE_URL_BACK": self.url("back"),
        }
        self.run(task, [sys.executable, str(SMALL), service], environment)
        until_answers(f"{self.url(task)}/health/live", self.folder / f"{task}.log")

    def switch(self, **faults: float) -> None:
        body = json.dumps(faults).encode()
        request = urllib.request.Request(f"{self.url('back')}/api/back/faults", body, method="PUT")
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request, timeout=5).close()

    def observe(self, *tasks: str) -> None:
        """Tells Prometheus what to scrape. A service of which no task is known stays a job, as where targets are
        discovered: only so does Prometheus note that they have gone.
        """
        config = prometheus_config(dict.fromkeys(SERVICES, ""))
        config["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), EVERY)
        for job in config["scrape_configs"]:
            mine = [task for task in tasks if TASKS[task] == job["job_name"]]
            job["static_configs"][0]["targets"] = [f"127.0.0.1:{self.ports[task]}" for task in mine]
        (self.folder / CONFIG).write_text(as_yaml(config))
        if "prometheus" in self.processes:
            self.processes["prometheus"].send_signal(signal.SIGHUP)

    def rules(self) -> list[Group]:
        """Without recordings that no alert reads, such as percentiles: they would only take their time."""
        groups = rule_groups(load_catalog(self.folder))
        alerts = "\n".join(alert.expr for group in groups for alert in group.alerts)
        return [
            structs.replace(
                group, rules=[rule for rule in group.rules if isinstance(rule, Alert) or rule.record in alerts]
            )
            for group in groups
        ]

    @contextlib.contextmanager
    def prometheus(self) -> Generator[Prometheus]:
        """One that knows nothing of what was before."""
        (self.folder / RULES).write_text(as_yaml(hurried(document(self.rules(), interval=EVERY), FASTER)))
        self.observe(*USUAL)
        port = free_port()
        data, listen = tempfile.mkdtemp(dir=self.folder), f"127.0.0.1:{port}"
        words = [f"--config.file={CONFIG}", f"--storage.tsdb.path={data}", f"--web.listen-address={listen}"]
        self.run("prometheus", [program("prometheus"), *words, "--log.level=warn"])
        try:
            until_answers(f"http://{listen}/-/ready", self.folder / "prometheus.log")
            yield Prometheus(f"http://{listen}")
        finally:
            self.end("prometheus", signal.SIGKILL)


def until_answers(url: str, log: Path) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        assert time.monotonic() < ends, f"{url} doesn't answer; {log.name}: {log.read_text()[-3000:]}"
        time.sleep(0.05)


class Users(threading.Thread):
    """Ask for front's page, at a fixed rate, whatever becomes of it; and, while `reports`, for back's long report."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True)
        self.page = f"{world.url('front')}/api/front/page"
        self.report = f"{world.url('back')}/api/back/report?seconds=0.4"
        self.reports = threading.Event()
        self.over = threading.Event()
        self.latest = 0.0  # how late an arrival was, in seconds

    def run(self) -> None:
        asyncio.run(self._visit())

    async def _visit(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=8)) as http, asyncio.TaskGroup() as group:
            readers = [group.create_task(self._read(http)) for _ in range(3)]
            clock = asyncio.get_running_loop().time

            def begin(_due: float, late: float) -> None:
                self.latest = max(self.latest, late)
                if self.over.is_set():
                    raise TimeoutError
                group.create_task(asked(http, self.page))

            with contextlib.suppress(TimeoutError):
                await arrivals(RATE, 100_000, begin, clock=clock, sleep=asyncio.sleep)
            for reader in readers:
                reader.cancel()

    async def _read(self, http: aiohttp.ClientSession) -> None:
        while True:
            if self.reports.is_set():
                await asked(http, self.report)
            else:
                await asyncio.sleep(0.1)


async def asked(http: aiohttp.ClientSession, url: str) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.get(url) as answer:
            await answer.read()


@contextlib.contextmanager
def living(folder: Path) -> Generator[tuple[World, Users]]:
    world = World(folder)
    world.database.prepare()
    try:
        world.start_postgres()
        with psycopg.connect(world.database.admin_url, autocommit=True) as connection:
            connection.execute(TABLES)
        world.start("back")
        world.start("front")
        users = Users(world)
        users.start()
        yield world, users
        users.over.set()
        users.join(10)
    finally:
        for name in [*world.processes]:
            world.end(name, signal.SIGQUIT if name == "postgres" else signal.SIGTERM)


Alerts = set[tuple[str, str]]


@dataclass
class Fault:
    """`pages` and `tickets` are (alert, service); all pages are named, and some tickets. At the rules' own pace it
    lasts `minutes`.
    """

    name: str
    inject: Callable[[World, Users], Any]
    mend: Callable[[World, Users], Any]
    pages: Alerts = field(default_factory=set)
    tickets: Alerts = field(default_factory=set)
    minutes: int = 30
    reads: str = ""  # by design without data while all is well; see test_live.py
    scraped: tuple[str, ...] = USUAL


FAULTS = [
    Fault(
        "a service is stopped",
        lambda world, _: world.end("back"),
        lambda world, _: world.start("back"),
        pages={("ServiceDown", "back")},
        tickets={("DependencyFailing", "front")},
        reads='gatehouse_client_requests_total{outcome=~"5xx|timeout|unreachable|open"}',
    ),
    Fault(
        "a service isn't scraped",
        lambda world, _: world.observe("front"),
        lambda world, _: world.observe(*USUAL),
        pages={("ServiceUnscraped", "back")},
        scraped=("front",),
    ),
    Fault(
        "half of the answers are slow",
        lambda world, _: world.switch(slow=2, seconds=1.8),
        lambda world, _: world.switch(),
        pages={("LatencyBurnsFast", "back")},
        reads="service:sli_burning:ratio",
    ),
    Fault(
        "5% of the answers fail",
        lambda world, _: world.switch(fails=20),
        lambda world, _: world.switch(),
        pages={("AvailabilityBurns", "back")},
        minutes=7 * 60,
        reads='gatehouse_http_requests_total{status=~"5.."}',
    ),
    Fault(
        "the pool is exhausted",
        lambda _, users: users.reports.set(),
        lambda _, users: users.reports.clear(),
        tickets={("DatabasePoolFull", "back")},
    ),
    Fault(
        "PostgreSQL is stopped",
        lambda world, _: world.end("postgres", signal.SIGINT),
        lambda world, _: world.start_postgres(),
        pages={("DatabaseUnreachable", "back")},
        tickets={("DependencyFailing", "front")},
        reads='ALERTS{alertstate="firing"}',
    ),
    Fault(
        "a migration is pending",
        lambda world, _: (world.start("next", needs="1.1.0"), world.observe(*TASKS)),
        lambda world, _: world.end("next"),
        tickets={("MigrationPending", "back")},
        scraped=tuple(TASKS),
    ),
]


def fault_of(alert: str) -> Fault:
    return next(fault for fault in FAULTS if (alert, "back") in fault.pages)


each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)


@dataclass
class Lived:
    """What was seen of a fault: every page that fired, the tickets in the end, series well and hurt."""

    pages: Alerts
    tickets: Alerts
    data: bool
    well: Shown
    hurt: Shown
    rules: list[Group]


WORLDS = 2  # at once: most of the time is waiting


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
        with living(folder) as (world, users):
            while not left.empty():
                fault = left.get()
                seen[fault.name] = live_undisturbed(fault, world, users)

    with ThreadPoolExecutor(WORLDS) as pool:
        for done in [pool.submit(live_on, tmp_path_factory.mktemp("world")) for _ in range(WORLDS)]:
            done.result()
    return seen


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
    recorder = Recorder(world.tasks(*USUAL))
    with world.prometheus() as prometheus:
        until(lambda: len(prometheus.ask("up == 1")) == len(USUAL), lambda: "no scrape of both services")
        time.sleep(WELL_SECONDS)
        # That nothing was scraped before is a page at first.
        until(lambda: not prometheus.firing("page"), lambda: f"pages while all is well: {prometheus.firing('page')}")
        well = recorder.end()
        fault.inject(world, users)
        try:
            recorder = Recorder(world.tasks(*fault.scraped))
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
            fault.mend(world, users)


@each_fault
def test_the_right_alert_fires_and_no_other_page(lived: dict[str, Lived], fault: Fault):
    seen = lived[fault.name]
    assert seen.pages == fault.pages
    assert seen.tickets >= fault.tickets
    assert seen.data, f"{fault.reads} has no data, even now"


def test_what_is_empty_by_design_has_a_fault_that_fills_it():
    for part, name in EMPTY_BY_DESIGN.items():
        assert part in next(fault for fault in FAULTS if fault.name == name).reads


WELL_MINUTES, AFTER_MINUTES = 60, 50
STEP, WEEKS_STEP = 60, 600  # seconds between samples


@each_fault
def test_at_the_rules_own_pace_so_it_is_for_hours_and_after_the_mending(
    lived: dict[str, Lived], fault: Fault, tmp_path: Path
):
    seen = lived[fault.name]
    parts = [(seen.well, WELL_MINUTES), (seen.hurt, fault.minutes), (seen.well, AFTER_MINUTES)]
    mended = WELL_MINUTES + fault.minutes
    paging = 'ALERTS{alertstate="firing",severity="page"}'
    right = " or ".join(f'ALERTS{{alertname="{alert}",service="{service}"}}' for alert, service in fault.pages)
    other = f"{paging} unless ({right})" if right else paging
    checks: list[dict[str, Any]] = [
        {"expr": other, "eval_time": f"{minute}m"} for minute in range(5, mended + AFTER_MINUTES + 1, 5)
    ]
    for severity, alerts in (("page", fault.pages), ("ticket", fault.tickets)):
        for alert, service in alerts:
            firing = (
                f'count(ALERTS{{alertstate="firing",severity="{severity}",alertname="{alert}",service="{service}"}})'
            )
            checks.append(
                {"expr": firing, "eval_time": f"{mended - 1}m", "exp_samples": [{"labels": "{}", "value": 1}]}
            )
    checks.append({"expr": paging, "eval_time": f"{mended + AFTER_MINUTES}m"})
    replay(seen.rules, tmp_path, parts, STEP, checks)


@pytest.mark.parametrize(
    ("fault", "share", "ticket"),
    [
        (fault_of("AvailabilityBurns"), 0.2, "AvailabilityBurnsSlowly"),
        (fault_of("LatencyBurnsFast"), 0.04, "LatencyBurnsSlowly"),
    ],
    ids=["1% fails", "2% are slow"],
)
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


def replay(rules: list[Group], folder: Path, parts: list[tuple[Shown, int]], step: int, checks: list[dict]) -> None:
    """Gives the series to promtool, with the rules as they are in an environment."""
    (folder / RULES).write_text(as_yaml(document(rules)))
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
