"""Times of test data that are counted from the day on which they are loaded."""

from datetime import UTC, datetime

import pytest

from gatehouse_db_manager.config.relative_times import is_relative, resolved_rows

# In Oslo it is the day after already.
LATE = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)


def test_a_wall_clock_time_is_that_of_its_zone_on_both_sides_of_a_clock_change() -> None:
    rows = [{"at": "today+1d 17:00 Europe/Oslo", "day": "today-7d", "name": "today is fine", "none": None}]
    (row,) = resolved_rows(rows, LATE)
    assert row["at"] == "2026-10-26T17:00:00+01:00"
    assert (row["day"], row["name"], row["none"]) == ("2026-10-17", "today is fine", None)
    assert resolved_rows([{"at": "today 17:00 Europe/Oslo"}], LATE.replace(day=23))[0]["at"].endswith("+02:00")


@pytest.mark.parametrize(
    ("base", "value", "fits"),
    [
        ("timestamp", "today", True),
        ("timestamp", "today-30d 09:15", True),
        ("date", "today+3d", True),
        ("date", "today+3d 09:15", False),
        ("timestamp", "today+1d 25:00", False),
        ("timestamp", "today 09:00 Europe/Nowhere", False),
        ("timestamp", "today+9999999d", False),
        ("timestamp", "tomorrow", False),
        ("text", "today", False),
    ],
)
def test_only_what_can_be_resolved_is_taken(base: str, value: str, fits: bool) -> None:
    assert is_relative(base, value) is fits


def test_rows_with_such_times_are_loaded(checkout, database) -> None:
    checkout.collection(columns={"at": {"type": "timestamp"}})
    checkout.rows([{"id": "019a0000-0001-7000-8000-000000000001", "name": "Ana", "at": "today+1d 12:00"}])
    database.apply(checkout, test_data=True)
    assert database.value("select at > now() and at < now() + interval '2 days' from person.person")
