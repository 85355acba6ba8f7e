"""A small real platform that faults are tried on: two services of the chassis, their PostgreSQL, users, Prometheus.

Prometheus goes by the rules of their catalog, hurried by 60: an hour is a minute.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator
from pathlib import Path

import aiohttp
import psycopg
from msgspec import structs

from gatehouse_catalog import load_catalog
from gatehouse_local.runner.postgres import Embedded
from gatehouse_local.testing.pytest_plugin import free_port
from gatehouse_observability.load.engine import arrivals
from gatehouse_observability.prometheus import CONFIG, RULES, prometheus_config, rule_groups
from gatehouse_observability.rules import Alert, RuleGroup, as_yaml, rules_document
from gatehouse_observability.testing import MetricsTask, RunningPrometheus, hurried, running, until_answers

SMALL = Path(__file__).parent / "service.py"
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
create table back.other (id int primary key);
create schema dbm;
create table dbm.version (schema text, collection text, version text, applied_at timestamptz default now());
insert into dbm.version values ('back', 'thing', '1.0.0.0');
"""
# What runs, as `task: service`; `next` is a second task of back, in code that isn't released yet.
TASKS = {"back": "back", "front": "front", "next": "back"}
USUAL = ("back", "front")
FASTER = 60  # than the rules of an environment
EVERY = "1s"  # between scrapes, and evaluations
RATE = 12.0  # of users


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

    def tasks(self, *names: str) -> list[MetricsTask]:
        return [MetricsTask(name, TASKS[name], f"{self.url(name)}/metrics") for name in names]

    def run(self, name: str, command: list[str], environment: dict[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            environment = os.environ | (environment or {})
            self.processes[name] = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait(60)

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

    def hold_lock(self) -> None:
        """Somebody's psql: idle in a transaction, with a lock that nobody needs now."""
        self.forgotten = psycopg.connect(self.database.admin_url)
        self.forgotten.execute("lock table back.other in access exclusive mode")

    def release_lock(self) -> None:
        self.forgotten.close()

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

    def rules(self) -> list[RuleGroup]:
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
    def prometheus(self) -> Generator[RunningPrometheus]:
        """One that knows nothing of what was before."""
        (self.folder / RULES).write_text(as_yaml(hurried(rules_document(self.rules(), interval=EVERY), FASTER)))
        self.observe(*USUAL)
        with running(self.folder, free_port()) as (found, process):
            self.processes["prometheus"] = process
            yield found
            del self.processes["prometheus"]


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
        users.join(60)
    finally:
        for name in [*world.processes]:
            world.end(name, signal.SIGQUIT if name == "postgres" else signal.SIGTERM)
