"""When what is planned is likely to be done."""

import random
from datetime import date, timedelta

import pytest

from gatehouse_curriculum.way.rules import FEWEST, WEEKS, expected

TODAY = date(2026, 3, 1)


def test_nothing_is_said_of_too_little_and_of_nothing() -> None:
    assert all(one.latest is None for one in expected({"now": 3}, FEWEST - 1, TODAY))
    assert all(one.latest is None for one in expected({}, 20, TODAY))


def test_what_is_further_away_is_later_and_less_certain() -> None:
    now, following, later = expected({"now": 4, "next": 10, "later": 100}, 16, TODAY)
    edges = [(one.earliest, one.latest) for one in (now, following, later)]
    assert all(TODAY < first < last for first, last in edges if first and last)
    assert edges == sorted(edges)
    # Twice as fast is half as long, about.
    slow, fast = (expected({"now": 40}, pace, TODAY)[0].latest for pace in (16, 32))
    assert slow
    assert fast
    assert (fast - TODAY) / (slow - TODAY) == pytest.approx(0.5, abs=0.1)
    assert expected({"later": 1_000}, FEWEST, TODAY)[2].latest == TODAY + timedelta(weeks=5 * 52)


def test_the_interval_covers_four_in_five() -> None:
    """Of people whose pace is known only from what they did in the last weeks, simulated."""
    chance = random.Random(1)
    within = total = 0
    for _ in range(1_500):
        rate = chance.uniform(1, 4)  # a week

        def lasting(count: int, rate: float = rate) -> float:
            return sum(chance.expovariate(rate) for _ in range(count))

        done, spent = 0, chance.expovariate(rate)
        while spent < WEEKS:
            done, spent = done + 1, spent + chance.expovariate(rate)
        found = expected({"now": 12}, done, TODAY)[0]
        if found.earliest is None or found.latest is None:
            continue
        total += 1
        within += (found.earliest - TODAY).days - 1 <= 7 * lasting(12) <= (found.latest - TODAY).days
    assert 0.75 <= within / total <= 0.87
