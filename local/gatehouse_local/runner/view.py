"""Renders a `PlatformReport`: the live table of `gate up`, the table of `gate status`, plain lines without a terminal.

rich is imported only when something is drawn in colour.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse_catalog.structs import KINDS
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


def table(report: PlatformReport, width: int = 120) -> "Table":
    """A table for a terminal of `width` columns. Whole columns go where there isn't room, never part of a value."""
    from rich.table import Table  # noqa: PLC0415 - 60 ms that plain output doesn't need
    from rich.text import Text  # noqa: PLC0415 - as above

    chosen, room = _fitting(report, width)
    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for heading in chosen:
        drawn.add_column(heading, justify="right" if heading in RIGHT else "left", no_wrap=True)
    drawn.add_column("", no_wrap=True)
    for row in report.resources:
        cells = _cells(row)
        colours = {"STATE": _COLOURS.get(row.state, ""), "HEALTH": _HEALTH[row.health][0], ADDRESS: "bright_black"}
        reason = Text(row.last_error or "", style="red")
        reason.truncate(room, overflow="ellipsis")  # `gate logs NAME` has it whole
        drawn.add_row(*(Text(cells[heading], style=colours.get(heading, "")) for heading in chosen), reason)
    return drawn


ALWAYS = ("NAME", "STATE", "HEALTH", "PORT")
ADDRESS = "ADDRESS"
# What is shown besides where there is room, the most useful first.
ROOM_FOR = ("UPTIME", "RESTARTS", "PID", ADDRESS)
RIGHT = frozenset({"PORT", "UPTIME", "RESTARTS", "PID"})
GAP = 2
REASON = 24  # columns that a reason gets at least, if any resource has one


def _cells(row: ResourceStatus) -> dict[str, str]:
    return {
        "NAME": row.name,
        "STATE": row.state.value,
        "HEALTH": _HEALTH[row.health][1],
        "PORT": str(row.port or "-"),
        "UPTIME": duration(row.uptime_seconds),
        "RESTARTS": str(row.restarts),
        "PID": str(row.pid or "-"),
        ADDRESS: row.url or "",
    }


def _fitting(report: PlatformReport, width: int) -> tuple[list[str], int]:
    """The headings of the columns that fit, in the order in which they are shown, and the room left for a reason."""
    rows = [_cells(row) for row in report.resources]
    sizes = {name: max([len(name), *(len(row[name]) for row in rows)]) + GAP for name in (*ALWAYS, *ROOM_FOR)}
    room = width - sum(sizes[name] for name in ALWAYS)
    reserved = REASON if any(row.last_error for row in report.resources) else 0
    chosen = list(ALWAYS)
    for name in ROOM_FOR:
        if sizes[name] > room - reserved:
            break
        room -= sizes[name]
        chosen.append(name)
    return chosen, max(0, room - GAP)


def plain_table(report: PlatformReport) -> str:
    """The same table as plain text with every column, for pipes."""
    rows: list[tuple[str, ...]] = [(*ALWAYS, *ROOM_FOR, "")]
    rows += [(*_cells(row).values(), row.last_error or "") for row in report.resources]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] + [0]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def addresses(report: PlatformReport, wanted: frozenset[str]) -> list[tuple[str, str]]:
    """(name, address) of what was started, for people, pages and tools."""
    lines: list[tuple[str, str]] = []
    if report.url:
        lines.append(("Gatehouse", report.url))
    services = [row for row in report.resources if row.kind in KINDS and row.url]
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
