"""For tests with a real Prometheus: its tools, queries, accelerated rules, and generated series.

Tests are skipped where Prometheus isn't installed; under CI they fail.
"""

import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gatehouse_catalog.structs import duration_seconds
from gatehouse_observability.prometheus import CONFIG

RANGE = re.compile(r"(?<=\[)[0-9a-z]+(?=\])")
AGE = "gatehouse_db_open_transaction_seconds"  # in a rule it is compared with a duration
OLDER = re.compile(rf"(?<={AGE})(\{{[^}}]*\}}\) > )(\d+)")
SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)$")
RATE_INTERVAL = "1m"  # Grafana's value for four scrapes
# Expressions without data while all is well, and the fault of test_faults.py that gives them data.
EMPTY_BY_DESIGN = {
    'status=~"5.."': "5% of the answers fail",
    'outcome=~"5xx|timeout|unreachable|open"': "a service is stopped",
    "service:sli_burning:ratio": "half of the answers are slow",
    "ALERTS{": "PostgreSQL is stopped",
}
# Expressions without data before a release has succeeded, and one has failed (tests/delivery/test_figures.py).
EMPTY_BEFORE_RELEASES = (
    "gatehouse_delivery_lead_seconds",
    "gatehouse_delivery_failure_ratio",
    "gatehouse_delivery_restore_seconds",
)
# Expressions without data where no `gate probe --listen` is scraped; tests/probe/test_probe.py moves its gauge.
EMPTY_WITHOUT_PROBE = ("gatehouse_probe_success", "gatehouse_probe_certificate_expiry_seconds")
# Without data where PostgreSQL archives nothing, as locally.
EMPTY_WITHOUT_ARCHIVE = ("gatehouse_db_archive_age_seconds",)
PATIENCE = 90.0  # seconds for a start


def by_design(expr: str) -> bool:
    """Whether a series or recording has no data while all is well and nothing was released."""
    return any(
        part in expr
        for part in (*EMPTY_BY_DESIGN, *EMPTY_BEFORE_RELEASES, *EMPTY_WITHOUT_PROBE, *EMPTY_WITHOUT_ARCHIVE)
    )


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`."""
    found = shutil.which(name)
    if found is None:
        why = f"{name} isn't installed. Fix: apt-get install prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


def promtool(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([program("promtool"), *words], capture_output=True, text=True, check=False)  # noqa: S603 - our own words


class RunningPrometheus:
    """The HTTP API of a running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:  # noqa: S310 - our own address
            return json.load(answer)["data"]

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """The samples of an expression now: {metric: labels, value: [time, text]}."""
        query = urllib.parse.urlencode({"query": expr.replace("$__rate_interval", RATE_INTERVAL)})
        return self.get(f"/api/v1/query?{query}")["result"]

    def finite(self, expr: str) -> bool:
        found = self.ask(expr)
        return bool(found) and all(math.isfinite(float(one["value"][1])) for one in found)

    def firing(self, severity: str) -> set[tuple[str, str]]:
        """(alert, service) of those that fire now; no service ("") where it is none's."""
        found = self.ask(f'ALERTS{{alertstate="firing",severity="{severity}"}}')
        return {(one["metric"]["alertname"], one["metric"].get("service", "")) for one in found}


@contextlib.contextmanager
def running(folder: Path, port: int) -> Generator[tuple[RunningPrometheus, subprocess.Popen]]:
    """Starts Prometheus with the configuration in `folder` and empty storage; gives it and its process."""
    listen = f"127.0.0.1:{port}"
    data, log = tempfile.mkdtemp(dir=folder), folder / "prometheus.log"
    words = [f"--config.file={CONFIG}", f"--storage.tsdb.path={data}", f"--web.listen-address={listen}"]
    command = [program("prometheus"), *words, "--log.level=warn"]
    with log.open("ab") as output, subprocess.Popen(command, cwd=folder, stdout=output, stderr=output) as process:  # noqa: S603 - our own words
        try:
            until_answers(f"http://{listen}/-/ready", log)
            yield RunningPrometheus(f"http://{listen}"), process
        finally:
            process.kill()


def until_answers(url: str, log: Path) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - our own address
            return
        assert time.monotonic() < ends, f"{url} doesn't answer; {log.name}: {log.read_text()[-3000:]}"
        time.sleep(0.05)


def hurried(rules: dict[str, Any], factor: int) -> dict[str, Any]:
    """A rule file (rules.rules_document) with every duration divided by `factor`: windows, and how long alerts wait.

    Thresholds are unchanged, but for an age: ratios, rates and the least number of requests don't depend on the pace.
    """

    def shorter(text: str) -> str:
        return f"{round(duration_seconds(text) * 1000 / factor)}ms"

    def rule(one: dict[str, Any]) -> dict[str, Any]:
        younger = OLDER.sub(lambda match: f"{match[1]}{int(match[2]) / factor:g}", one["expr"])
        changed = {"expr": RANGE.sub(lambda match: shorter(match[0]), younger)}
        return one | changed | ({"for": shorter(one["for"])} if "for" in one else {})

    return {"groups": [group | {"rules": [rule(one) for one in group["rules"]]} for group in rules["groups"]]}


class MetricsTask(NamedTuple):
    """`name` tells tasks of one service apart; `url` is where its metrics are."""

    name: str
    service: str
    url: str

    def series(self, name: str, labels: str = "") -> str:
        """The series with the labels of its target, as Prometheus stores it."""
        target = (
            f'instance="{self.name}"' if 'service="' in labels else f'instance="{self.name}",service="{self.service}"'
        )
        return f"{name}{{{labels}{',' if labels else ''}{target}}}"


@dataclass
class Shown:
    """The metrics of tasks in one state, by series: growth per second of counters, values of gauges. `alive` are the
    tasks that answered, `known` all that are scraped.
    """

    growth: dict[str, float] = field(default_factory=dict)
    level: dict[str, float] = field(default_factory=dict)
    alive: set[MetricsTask] = field(default_factory=set)
    known: set[MetricsTask] = field(default_factory=set)


class MetricsRecorder:
    """Reads the metrics of each task when it is created, and again at the end."""

    def __init__(self, tasks: Sequence[MetricsTask]) -> None:
        self._tasks = tasks
        self._first, self._at = self._look(), time.monotonic()

    def end(self) -> Shown:
        seconds = time.monotonic() - self._at
        shown = Shown(known=set(self._tasks))
        for task, samples in self._look().items():
            shown.alive.add(task)
            for series, (grows, value) in samples.items():
                if grows:
                    before = self._first.get(task, {}).get(series, (True, 0.0))[1]
                    shown.growth[series] = max(0.0, value - before) / seconds
                else:
                    shown.level[series] = value
        return shown

    def _look(self) -> dict[MetricsTask, dict[str, tuple[bool, float]]]:
        found = {}
        for task in self._tasks:
            with contextlib.suppress(OSError), urllib.request.urlopen(task.url, timeout=5) as answer:  # noqa: S310 - ours
                found[task] = _samples(task, answer.read().decode())
        return found


def _samples(task: MetricsTask, text: str) -> dict[str, tuple[bool, float]]:
    """(whether it is a counter, its value) by series, of a text exposition."""
    found, grows = {}, False
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            grows = line.endswith((" counter", " histogram"))
        elif match := SAMPLE.match(line):
            found[task.series(match[1], match[2] or "")] = (grows, float(match[3]))
    return found


def stretched(parts: Sequence[tuple[Shown, int]], step: int) -> list[dict[str, str]]:
    """Series in promtool's notation: each state for a number of steps of `step` seconds, with `up` for each task."""
    tasks = {task for shown, _ in parts for task in shown.known}
    found = [
        {
            "series": task.series("up"),
            "values": " ".join(_up(task, shown) for shown, steps in parts for _ in range(steps)),
        }
        for task in tasks
    ]
    for name in {series for shown, _ in parts for series in (*shown.growth, *shown.level)}:
        task = next(task for task in tasks if f'instance="{task.name}"' in name)
        value, words = 0.0, []
        for shown, steps in parts:
            grows, alive = name in shown.growth or name not in shown.level, task in shown.alive
            for _ in range(steps):
                value = value + shown.growth.get(name, 0.0) * step if grows else shown.level[name]
                words.append(f"{value:.10g}" if alive else "_")
        found.append({"series": name, "values": " ".join(words)})
    return found


def _up(task: MetricsTask, shown: Shown) -> str:
    return "_" if task not in shown.known else "1" if task in shown.alive else "0"
