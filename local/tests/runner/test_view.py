import msgspec
import pytest

from gatehouse_local.runner import view
from gatehouse_local.runner.control import PlatformReport
from gatehouse_local.runner.state import ResourceHealth, ResourceState, ResourceStatus


def row(
    name: str, state: ResourceState = ResourceState.RUNNING, health: ResourceHealth = ResourceHealth.HEALTHY
) -> ResourceStatus:
    return ResourceStatus(name, "api", state, health, 8402, 7, 65.0, 0, "http://127.0.0.1:8402", None)


REPORT = PlatformReport(
    1, 5, "/x/.gate", "http://localhost:8400", "postgresql://admin@127.0.0.1/gatehouse", [row("person")]
)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "-"), (8.7, "8s"), (185, "3m 05s"), (7800, "2h 10m"), (356400, "4d 03h")]
)
def test_durations_are_short(seconds, shown):
    assert view.duration(seconds) == shown


def test_a_plain_table_has_all_that_status_knows():
    heading, line = view.plain_table(REPORT).splitlines()
    assert heading.split() == ["NAME", "STATE", "HEALTH", "PORT", "UPTIME", "RESTARTS", "PID", "ADDRESS"]
    assert line.split() == ["person", "running", "healthy", "8402", "1m", "05s", "0", "7", "http://127.0.0.1:8402"]


def drawn(report: PlatformReport, width: int) -> list[str]:
    from rich.console import Console

    console = Console(width=width, no_color=True)
    with console.capture() as captured:
        console.print(view.table(report, width))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [50, 60, 80, 100, 120, 160])
@pytest.mark.parametrize("failing", [False, True])
def test_at_any_width_values_are_whole_and_whole_columns_go(width: int, failing: bool):
    long = row("curriculum-of-everything", state=ResourceState.RESTARTING, health=ResourceHealth.UNHEALTHY)
    reason = "not ready: database doesn't answer within a second" if failing else None
    long = msgspec.structs.replace(long, last_error=reason)
    report = PlatformReport(1, 5, "/x/.gate", "http://localhost:8400", "", [row("postgres"), long])
    heading, *lines = drawn(report, width)
    if width >= 60:
        assert heading.split()[:4] == ["NAME", "STATE", "HEALTH", "PORT"]
        assert lines[1].split()[:4] == ["curriculum-of-everything", "restarting", "unhealthy", "8402"]
    for name, values in {"PID": "7", "ADDRESS": "http://127.0.0.1:8402"}.items():
        assert (name in heading) == all(values in line for line in lines)
    assert all(len(line) <= width for line in lines)
    if failing and width >= 80:
        assert "not ready: database" in lines[1]


def test_at_eighty_columns_the_address_goes_first():
    (heading, line) = drawn(REPORT, 60)
    assert (heading.split(), line.split()[:4]) == (
        ["NAME", "STATE", "HEALTH", "PORT", "UPTIME", "RESTARTS", "PID"],
        ["person", "running", "healthy", "8402"],
    )


def test_people_get_the_institutes_address_and_data_engineers_the_connection_string():
    assert view.addresses(REPORT, frozenset()) == [
        ("Gatehouse", "http://localhost:8400"),
        ("person", "http://127.0.0.1:8402"),
    ]
    assert ("database", REPORT.database_url) in view.addresses(REPORT, frozenset({"db"}))
    assert ("person", "http://127.0.0.1:8402/openapi.json") in view.addresses(REPORT, frozenset({"api"}))


def test_only_what_changed_is_told():
    changes = view.ReportChanges()
    assert changes.lines([row("person", state=ResourceState.STARTING, health=ResourceHealth.UNKNOWN)]) == [
        "person       starting"
    ]
    assert changes.lines([row("person", state=ResourceState.STARTING, health=ResourceHealth.UNKNOWN)]) == []
    assert changes.lines([row("person")]) == ["person       healthy"]


def test_a_log_line_is_made_readable_for_people():
    line = '{"pid":7,"event":"started","level":"info","timestamp":"2026-11-23T00:53:18.505460Z","service":"person"}'
    assert view.readable(line) == "00:53:18 info    started pid=7"


@pytest.mark.parametrize("line", ["plain words", '{"no": "log line"}', "{broken", ""])
def test_any_other_line_stays_as_it_is(line):
    assert view.readable(line) == line
