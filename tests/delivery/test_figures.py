"""The dashboard Delivery: what it asks has data once a release arrived and another didn't, in a real Prometheus.

The figures are read from the record in git and shown as the portal does it. On a platform where nothing was released
these panels are empty; observability/tests/test_live.py goes by the same list.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, start_http_server

from gatehouse_local.testing.pytest_plugin import free_port
from gatehouse_observability.dashboards import dashboards
from gatehouse_observability.prometheus import CONFIG, RULES, prometheus_config
from gatehouse_observability.rules import as_yaml, rules_document
from gatehouse_observability.testing import EMPTY_BEFORE_RELEASES, RunningPrometheus, running
from gatehouse_portal.areas.releases.dora_exporter import DoraExporter
from gatehouse_portal.areas.releases.in_process import InProcess
from gatehouse_portal.areas.releases.promotion_session import PromotionSession

from .conftest import CODE, Institute, an_institute

SERVICES = ("identity", "person")
ASKED = [
    query.expr
    for board in dashboards()
    if board.uid == "gatehouse-delivery"
    for panel in board.panels
    for query in panel.queries
]
PATIENCE = 60.0  # seconds for a scrape


@pytest.fixture(scope="module")
def institute(tmp_path_factory: pytest.TempPathFactory) -> Generator[Institute]:
    with an_institute(tmp_path_factory.mktemp("institute"), SERVICES) as made:
        made.ports.clock.time = datetime.now(UTC)  # what is older than 30 days counts no more
        yield made


@pytest.fixture(scope="module")
def exporter() -> DoraExporter:
    return DoraExporter()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, exporter: DoraExporter) -> Generator[RunningPrometheus]:
    """One that scrapes the figures every second."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    config = prometheus_config({"portal": f"127.0.0.1:{port}"})
    config["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), "1s")
    write(folder, **{CONFIG: as_yaml(config), RULES: as_yaml(rules_document([]))})
    registry = CollectorRegistry()
    registry.register(exporter)
    server, thread = start_http_server(port, "127.0.0.1", registry)
    try:
        with running(folder, free_port()) as (found, _):
            yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text)


def read(institute: Institute, exporter: DoraExporter) -> None:
    exporter.state = asyncio.run(PromotionSession(InProcess(institute.ports, where="the bare remote")).state())


def eventually(reached: Callable[[], bool]) -> bool:
    ends = time.monotonic() + PATIENCE
    while not (found := reached()) and time.monotonic() < ends:
        time.sleep(0.1)
    return found


@pytest.mark.deep
def test_each_panel_has_data_once_a_release_arrived_and_another_did_not(
    institute: Institute, exporter: DoraExporter, prometheus: RunningPrometheus
):
    deployments = next(expr for expr in ASKED if "deployments" in expr)
    empty = [expr for expr in ASKED if any(series in expr for series in EMPTY_BEFORE_RELEASES)]
    assert len(empty) == len(EMPTY_BEFORE_RELEASES)

    read(institute, exporter)
    assert eventually(lambda: value(prometheus, deployments) == 0)
    assert [expr for expr in empty if prometheus.ask(expr)] == []

    institute.merge("Begin to build", **{CODE: "RULES = 1\n"})
    institute.done("ci", "promote", "dev", releases=institute.build(SERVICES))
    institute.ecs.rolls_back("dev", "members")
    institute.engine.breaks = "dev/person"
    assert not institute.ask("ci", "promote", "dev", releases=institute.merge_code()).ok

    read(institute, exporter)
    assert eventually(lambda: value(prometheus, deployments) == 1)
    assert [expr for expr in ASKED if not prometheus.finite(expr)] == []
    assert value(prometheus, next(expr for expr in ASKED if "failure_ratio" in expr)) == 0.5


def value(prometheus: RunningPrometheus, expr: str) -> float | None:
    """For dev, where it is promoted."""
    return next((float(one["value"][1]) for one in prometheus.ask(expr) if one["metric"]["stage"] == "dev"), None)
