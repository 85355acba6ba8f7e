"""When what is planned is likely to be done, from one's own pace. Pure functions: no database, no HTTP, no clock."""

import math
from collections.abc import Mapping
from datetime import date, timedelta

from gatehouse_curriculum.way.structs import Expected

# Weeks that the pace is counted over: long enough for holidays, short enough for a change of habits.
WEEKS = 8
# With fewer completed in them nothing is said.
FEWEST = 3
# Of a normal distribution, between minus and plus this many standard deviations lie four in five.
FOUR_IN_FIVE = 1.2816
# Later than that nothing is worth saying.
FURTHEST = 5 * 52


def expected(counts: Mapping[str, int], completed: int, today: date) -> list[Expected]:
    """For now, next and later: when all up to its end is likely to be done, the nearest first.

    Both the pace and what comes are counts of rare events, so each varies by its square root (a Poisson process): to
    finish n at a rate from k in `WEEKS` takes n * WEEKS / k weeks, and its logarithm varies by sqrt(1/n + 1/k).
    """
    found, ahead = [], 0
    for state in ("now", "next", "later"):
        ahead += counts.get(state, 0)
        earliest = latest = None
        if ahead and completed >= FEWEST:
            middle, spread = ahead * WEEKS / completed, math.sqrt(1 / ahead + 1 / completed)
            earliest, latest = (_after(today, middle * math.exp(sign * FOUR_IN_FIVE * spread)) for sign in (-1, 1))
        found.append(Expected(state=state, earliest=earliest, latest=latest))
    return found


def _after(today: date, weeks: float) -> date:
    return today + timedelta(days=math.ceil(min(weeks, FURTHEST) * 7))
