"""When a set may come in: soak and windows, by the policy's own clock."""

from datetime import UTC, datetime, timedelta

import pytest

from gatehouse_release.next_window import next_window
from gatehouse_release.rules import is_open

from .conftest import World

# The policy's windows: Monday to Thursday, 9 to 16 in Berlin (UTC+1 in winter); soak: a day.


@pytest.mark.parametrize(
    ("ago", "now", "opens"),
    [
        (48, "2026-11-23T09:30", "2026-11-23T09:30"),  # a Monday, in the window
        (48, "2026-11-23T07:59", "2026-11-23T08:00"),
        (48, "2026-11-23T15:00", "2026-11-24T08:00"),  # the window has closed: its end isn't in it
        (48, "2026-11-26T15:00", "2026-11-30T08:00"),  # Thursday evening
        (3, "2026-11-23T09:30", "2026-11-24T08:00"),  # its soak ends in the night after
        (0, "2026-11-26T10:00", "2026-11-30T08:00"),  # and here on a Friday
        (48, "2027-03-28T12:00", "2027-03-29T07:00"),  # the day on which Berlin's clocks go forward
    ],
)
def test_a_set_may_come_in_after_its_soak_in_the_next_window(world: World, ago: int, now: str, opens: str):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    world.ports.clock.at = moment - timedelta(hours=ago)
    world.in_staging()
    found = next_window(world.state, "production", moment)
    assert found is not None
    assert abs(found - datetime.fromisoformat(opens).replace(tzinfo=UTC)) < timedelta(minutes=2)
    local = found.astimezone(world.state.policy.zone)
    assert any(is_open(one, local) for one in world.state.policy.edges["production"].windows)


def test_without_a_verified_set_no_soak_has_begun(world: World):
    assert next_window(world.state, "production", datetime.now(UTC)) is None
    assert next_window(world.state, "test", datetime(2026, 11, 28, tzinfo=UTC)) == datetime(2026, 11, 28, tzinfo=UTC)
