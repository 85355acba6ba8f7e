"""When starting in containers ends: all is well, or something can't start. The engine itself: ci/docker/check."""

import pytest

from gatehouse_local.compose import docker_compose
from gatehouse_local.runner.control import PlatformReport
from gatehouse_local.runner.state import ResourceHealth, ResourceState, ResourceStatus


def report(state: ResourceState, health: ResourceHealth, restarts: int = 0) -> PlatformReport:
    row = ResourceStatus(
        name="person",
        kind="api",
        state=state,
        health=health,
        port=8402,
        pid=None,
        uptime_seconds=None,
        restarts=restarts,
        url=None,
        last_error=None,
    )
    return PlatformReport(0, 0, ".gate", None, None, [row])


class ContainersInTurn:
    """Containers as the engine reports them, one report after the other."""

    def __init__(self, *reports: PlatformReport) -> None:
        self._reports = iter(reports)

    def report(self) -> PlatformReport:
        return next(self._reports)


WELL = report(ResourceState.RUNNING, ResourceHealth.HEALTHY)
STARTING = report(ResourceState.STARTING, ResourceHealth.UNKNOWN)


def again(restarts: int) -> PlatformReport:
    return report(ResourceState.RESTARTING, ResourceHealth.UNHEALTHY, restarts)


@pytest.mark.parametrize(
    ("reports", "failing"),
    [
        ([STARTING, WELL], []),
        ([STARTING, again(1), again(2), WELL], []),
        ([STARTING, again(1), again(docker_compose.MOST_RESTARTS)], ["person"]),
        ([STARTING, report(ResourceState.FAILED, ResourceHealth.UNHEALTHY)], ["person"]),
    ],
    ids=["well", "well after two restarts", "restarted again and again", "ended"],
)
def test_it_waits_until_all_is_well_or_something_cannot_start(monkeypatch, reports, failing):
    monkeypatch.setattr(docker_compose, "POLL_SECONDS", 0)
    lines: list[str] = []
    found, names = docker_compose._until_settled(ContainersInTurn(*reports), lines.append)  # ty: ignore[invalid-argument-type]
    assert names == failing
    assert found == reports[-1]
    assert lines
