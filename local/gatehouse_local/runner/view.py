"""Renders a `PlatformReport`: the live table of `gate up`, the table of `gate status`, plain lines without a terminal.

rich is imported only when something is drawn in colour.
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
    """Short and readable: 8s, 3m 05s, 2h 10m, 4d 3h."""
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
    """The same table as plain text, for pipes."""
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
    """(name, address) of what was started, for people, pages and tools."""
    lines: list[tuple[str, str]] = []
    if report.url:
        lines.append(("Gatehouse", report.url))
    services = [row for row in report.resources if row.kind in {"api", "web"} and row.url]
    for row in services:
        lines.append((row.name, f"{row.url}/openapi.json" if "api" in wanted else str(row.url)))
    lines += [("prometheus", str(row.url)) for row in report.resources if row.kind == "metrics"]
    if report.database_url and (not services or wanted & {"db", "api"}):
        lines.append(("database", report.database_url))
    return lines


def address_lines(report: PlatformReport, wanted: frozenset[str]) -> str:
    return "\n".join(f"  {name:<12} {url}" for name, url in addresses(report, wanted))


class ReportChanges:
    """Plain lines for what changed between two reports: `person       healthy`."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[ResourceState, ResourceHealth]] = {}

    def lines(self, rows: Iterable[ResourceStatus]) -> list[str]:
        sentences = []
        for row in rows:
            now = row.state, row.health
            if self._seen.get(row.name) != now and now != (ResourceState.WAITING, ResourceHealth.UNKNOWN):
                sentences.append(_sentence(row))
            self._seen[row.name] = now
        return sentences


def _sentence(row: ResourceStatus) -> str:
    condition = row.state.value
    if row.state is ResourceState.RUNNING:
        condition = row.health.value
    error = f": {row.last_error}" if row.last_error and row.health is ResourceHealth.UNHEALTHY else ""
    return f"{row.name:<12} {condition}{error}"


def readable(line: str) -> str:
    """A service's JSON log line as text: `00:53:18 info  started pid=19089`; any other line is returned unchanged."""
    if not line.startswith("{"):
        return line
    try:
        fields = msgspec.json.decode(line, type=dict[str, Any])
        at, level, event = (str(fields.pop(key)) for key in ("timestamp", "level", "event"))
    except (msgspec.DecodeError, KeyError):
        return line
    for key in ("service", "trace_id"):
        fields.pop(key, None)
    rest = " ".join(f"{key}={value}" for key, value in fields.items() if key != "exception")
    trace = f"\n{fields['exception']}" if "exception" in fields else ""
    return f"{at[11:19]} {level:<7} {event} {rest}".rstrip() + trace
