"""Times of charts and values of settings, as people read them."""

import datetime
from collections.abc import Callable
from typing import Any

import msgspec

from gatehouse_portal.areas.operations.charts import UNKNOWN, Reading, rate, share


def clock(value: float) -> str:
    """`14:05:30` in UTC, of Unix seconds."""
    return f"{datetime.datetime.fromtimestamp(value, datetime.UTC):%H:%M:%S}"


def iso(value: float) -> str:
    """For <time datetime="…">, of Unix seconds."""
    return datetime.datetime.fromtimestamp(value, datetime.UTC).isoformat(timespec="seconds")


def readings(values: list[Reading]) -> str:
    """A chart's values for the script that shows the one below the pointer."""
    return msgspec.json.encode([[reading.moment, reading.x, reading.words] for reading in values]).decode()


def setting(value: Any) -> str:
    """A setting's value as somebody would write it into a file."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "(empty)"
    return str(value) if value != "" else "(empty)"


def budget(value: float | None) -> str:
    """How much of an error budget is left: `98%`, `-40%`."""
    return UNKNOWN if value is None else f"{value * 100:.0f}%"


FILTERS: dict[str, Callable[..., Any]] = {
    "clock": clock,
    "iso": iso,
    "readings": readings,
    "setting": setting,
    "rate": rate,
    "share": share,
    "budget": budget,
}
