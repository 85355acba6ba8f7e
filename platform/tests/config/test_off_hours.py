"""Off hours: the database starts before the first task and stops after the last, and its windows are in between."""

from pathlib import Path

import pytest

from gatehouse_catalog import load_catalog
from gatehouse_platform.config.off_hours import awake_utc, database_hours, database_windows
from gatehouse_platform.config.settings import Shutdown
from gatehouse_platform.config.stack_config import StackError, read_config, read_stack


def test_the_database_is_up_before_the_first_task_and_until_after_the_last():
    assert database_hours(Shutdown(start="07:00", stop="20:00")) == ("06:30", "20:15")
    assert database_hours(Shutdown(start="00:10", stop="23:50")) == ("23:40", "00:05")


@pytest.mark.parametrize(
    ("zone", "awake"),
    [
        ("Europe/Berlin", (360, 1080)),
        ("UTC", (420, 1200)),
        ("America/New_York", (720, 1440)),
        ("Asia/Kolkata", (90, 870)),
    ],
)
def test_what_is_awake_is_so_with_and_without_summer_time(zone: str, awake: tuple[int, int]):
    assert awake_utc(Shutdown(start="07:00", stop="20:00", timezone=zone)) == awake


def test_windows_are_at_night_only_where_the_database_runs_at_night():
    assert database_windows(None).backup == "01:00-02:00"
    windows = database_windows(Shutdown(start="07:00", stop="20:00", timezone="Europe/Berlin"))
    assert (windows.backup, windows.maintenance) == ("16:45-17:45", "wed:15:30-wed:16:30")


@pytest.mark.parametrize(
    ("shutdown", "said"),
    [
        ({"start": "09:00", "stop": "12:00"}, "leaves no room"),
        ({"start": "20:00", "stop": "07:00"}, "leaves no room"),
        ({"timezone": "Europe/Berln"}, "is no time zone"),
    ],
)
def test_a_shutdown_without_room_for_the_windows_is_refused(root: Path, shutdown: dict, said: str):
    config = {**read_config(root, "dev"), "gatehouse:shutdown": shutdown}
    with pytest.raises(StackError, match=said):
        read_stack("dev", config, load_catalog(root))
