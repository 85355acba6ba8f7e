"""What an encounter says, as people read it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gatehouse_portal.areas.encounters.forms import local_input


def wall(moment: datetime, zone: str) -> str:
    """`Tue 1 Dec, 17:00`, by the clock on a wall there."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def relative_day(moment: datetime, zone: str) -> str:
    """`Today 17:00`, `Tomorrow 17:00`, else as `wall`."""
    local = moment.astimezone(ZoneInfo(zone))
    days = (local.date() - datetime.now(UTC).astimezone(ZoneInfo(zone)).date()).days
    name = {-1: "Yesterday", 0: "Today", 1: "Tomorrow"}.get(days)
    return f"{name} {local:%H:%M}" if name else wall(moment, zone)


FILTERS: dict[str, Callable[..., Any]] = {"wall": wall, "relative_day": relative_day, "local_input": local_input}
