"""How a platform looks: the live table of `gate up`, the table of `gate status`, and plain lines where no terminal is.

Only draws `PlatformReport`s; rich is imported when something is drawn in colour.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse_local.runner.control import PlatformReport
from gatehouse_local.runner.state import ResourceHealth, ResourceState, ResourceStatus

if TYPE_CHECKING:
    from rich.table import Table

_COLOURS = {
    ResourceState.RUNNING: "green",
    ResourceState.DONE: "green",
    ResourceState.STARTING: "cyan",
    ResourceState.RELOADING: "cyan",
    ResourceState.WAITING: "bright_black",
    ResourceState.RESTARTING: "red",
    ResourceState.FAILED: "red",
}
_HEALTH = {
    ResourceHealth.HEALTHY: ("green", "healthy"),
    ResourceHealth.UNHEALTHY: ("red", "unhealthy"),
    ResourceHealth.UNKNOWN: ("", "-"),
}


def duration(seconds: float | None) -> str:
    """Short, for people: 8s, 3m 05s, 2h 10m, 4d 3h."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    for unit, size, smaller, small in (("d", 86400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // small:02d}{smaller}"
    return f"{whole}s"


def table(report: PlatformReport) -> "Table":
    from rich.table import Table  # noqa: PLC0415 - 60 ms that plain output doesn't need
    from rich.text import Text  # noqa: PLC0415 - as above

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("NAME", "STATE", "HEALTH"):
        drawn.add_column(heading, no_wrap=True)
    for heading in ("PORT", "PID", "UPTIME", "RESTARTS"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    drawn.add_column("", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in report.resources:
        colour, health = _HEALTH[row.health]
        note = Text(row.last_error, style="red") if row.last_error else Text(row.url or "", style="bright_black")
        drawn.add_row(
            row.name,
            Text(row.state, style=_COLOURS.get(row.state, "")),
            Text(health, style=colour),
            *_figures(row),
            note,
        )
    return drawn


def _figures(row: ResourceStatus) -> tuple[str, str, str, str]:
    return str(row.port or "-"), str(row.pid or "-"), duration(row.uptime_seconds), str(row.restarts)


def plain_table(report: PlatformReport) -> str:
    """The same without colours, for pipes and small machines."""
    rows = [("NAME", "STATE", "HEALTH", "PORT", "PID", "UPTIME", "RESTARTS", "")]
    rows += [
        (row.name, row.state.value, _HEALTH[row.health][1], *_figures(row), row.last_error or row.url or "")
        for row in report.resources
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(7)] + [0]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def addresses(report: PlatformReport, wanted: frozenset[str]) -> list[tuple[str, str]]:
    """What to print at the end: where people, pages and tools find what was started."""
    found: list[tuple[str, str]] = []
    if report.url:
        found.append(("Gatehouse", report.url))
    services = [row for row in report.resources if row.kind in {"api", "web"} and row.url]
    for row in services:
        found.append((row.name, f"{row.url}/openapi.json" if "api" in wanted else str(row.url)))
    found += [("prometheus", str(row.url)) for row in report.resources if row.kind == "metrics"]
    if report.database_url and (not services or wanted & {"db", "api"}):
        found.append(("database", report.database_url))
    return found


def address_lines(report: PlatformReport, wanted: frozenset[str]) -> str:
    return "\n".join(f"  {name:<12} {url}" for name, url in addresses(report, wanted))


class ReportChanges:
    """Plain lines for what changed between two reports: `person is healthy (1.2 s)`."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[ResourceState, ResourceHealth]] = {}

    def lines(self, rows: Iterable[ResourceStatus]) -> list[str]:
        found = []
        for row in rows:
            now = row.state, row.health
            if self._seen.get(row.name) != now and now != (ResourceState.WAITING, ResourceHealth.UNKNOWN):
                found.append(_sentence(row))
            self._seen[row.name] = now
        return found


def _sentence(row: ResourceStatus) -> str:
    said = row.state.value
    if row.state is ResourceState.RUNNING:
        said = row.health.value
    error = f": {row.last_error}" if row.last_error and row.health is ResourceHealth.UNHEALTHY else ""
    return f"{row.name:<12} {said}{error}"


def readable(line: str) -> str:
    """A service's log line for people: `00:53:18 info  started pid=19089`; what isn't one of those stays as it is."""
    if not line.startswith("{"):
        return line
    try:
        found = msgspec.json.decode(line, type=dict[str, Any])
        at, level, event = (str(found.pop(key)) for key in ("timestamp", "level", "event"))
    except (msgspec.DecodeError, KeyError):
        return line
    for key in ("service", "trace_id"):
        found.pop(key, None)
    rest = " ".join(f"{key}={value}" for key, value in found.items() if key != "exception")
    trace = f"\n{found['exception']}" if "exception" in found else ""
    return f"{at[11:19]} {level:<7} {event} {rest}".rstrip() + trace
