"""For tests that ask Prometheus: its tools, its answers, and its rules at a quicker pace.

Where Prometheus isn't installed a test is skipped, but fails under CI.
"""

import json
import math
import os
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from typing import Any

import pytest

from gatehouse_catalog.structs import duration_seconds

RANGE = re.compile(r"(?<=\[)[0-9a-z]+(?=\])")
RATE_INTERVAL = "1m"  # what Grafana would put in its place, with four scrapes in it


def program(name: str) -> str:
    """Where `prometheus` or `promtool` is."""
    found = shutil.which(name)
    if found is None:
        why = f"{name} isn't installed. Mend: apt-get install prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


def promtool(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([program("promtool"), *words], capture_output=True, text=True, check=False)  # noqa: S603 - our own words


class Prometheus:
    """A running one."""

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
        """(alert, service) of those that fire now."""
        found = self.ask(f'ALERTS{{alertstate="firing",severity="{severity}"}}')
        return {(one["metric"]["alertname"], one["metric"]["service"]) for one in found}


def hurried(rules: dict[str, Any], factor: int) -> dict[str, Any]:
    """A rule file (rules.document) in which every duration is `factor` times shorter: windows, and what alerts wait.

    What is compared stays as it is: ratios, rates and the least number of requests mean the same at any pace.
    """

    def shorter(text: str) -> str:
        return f"{round(duration_seconds(text) * 1000 / factor)}ms"

    def rule(one: dict[str, Any]) -> dict[str, Any]:
        changed = {"expr": RANGE.sub(lambda match: shorter(match[0]), one["expr"])}
        return one | changed | ({"for": shorter(one["for"])} if "for" in one else {})

    return {"groups": [group | {"rules": [rule(one) for one in group["rules"]]} for group in rules["groups"]]}
