"""How long things take whom, as a model of random effects, and what it says of a list. Pure functions: no database.

The logarithm of the minutes that a person takes for a resource is the level of the resource, plus the person's pace,
plus what varies from time to time; all three are normal (van der Linden's lognormal model of response times). What is
known of few is drawn to what is known of all: with n times, an effect of variance t2 counts as n / (n + s2 / t2).

A list is added up by draws instead of by a formula (Fenton-Wilkinson). A draw has one pace for the whole list, and a
resource's draws are the same in any list. So more resources or less time never make a list look easier, which a fitted
lognormal doesn't keep to.
"""

import functools
import math
import random
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from uuid import UUID

from msgspec import Struct

STANDARD = NormalDist()
DRAWS = 500
# Seconds of one use of a resource that count at most; what is open for longer was left open.
LONGEST_USE = 90 * 60
# Nobody takes less for anything.
SHORTEST_MINUTES = 0.5
WORDS_PER_MINUTE = 200
MINUTES_PER_PAGE = 2
# What a resource takes until times are known, in minutes by its kind; and where not even the kind is.
USUAL_MINUTES = {
    "article": 20,
    "audio": 40,
    "book": 600,
    "getting-started": 60,
    "in-person": 480,
    "lesson": 60,
    "manual": 60,
    "membership": 600,
    "online-class": 900,
    "online-instructor": 900,
    "tutorial": 90,
    "video": 30,
}
USUAL_OTHERWISE = 60


class Length(Struct, frozen=True, kw_only=True):
    """What a resource says of itself: its kind, and its length where it is known."""

    kind: str | None = None
    minutes: int | None = None
    words: int | None = None
    pages: int | None = None

    def stated(self) -> float | None:
        """Minutes that follow from its length; None where there is none."""
        if self.minutes:
            return float(self.minutes)
        if self.words:
            return self.words / WORDS_PER_MINUTE
        return float(self.pages * MINUTES_PER_PAGE) if self.pages else None


class Spread(Struct, frozen=True, kw_only=True):
    """Variances of logarithms: of one time about its expectation, of resources about their kind, of people's pace."""

    time: float = 0.3
    resource: float = 0.35
    person: float = 0.12


class KindEffect(Struct, frozen=True):
    """How much longer than usual things of a kind take, as a logarithm, and how sure that is."""

    mean: float
    variance: float


# Before any time is known: half as long or twice as long as usual is nothing special.
UNKNOWN_KIND = KindEffect(0.0, 0.5)


class Model(Struct, frozen=True, kw_only=True):
    """What is the same for all. `slope`: by how much the logarithm of the time grows with that of the length."""

    spread: Spread = Spread()
    slope: float = 0.8
    kinds: dict[str, KindEffect] = {}
    otherwise: KindEffect = UNKNOWN_KIND

    def prior(self, length: Length) -> "Level":
        """What a resource takes that nobody has done."""
        kind = self.kinds.get(length.kind or "", self.otherwise)
        mean, stated = usual(length.kind), length.stated()
        if stated is not None:
            mean += self.slope * (math.log(max(stated, SHORTEST_MINUTES)) - mean)
        return Level(mean=mean + kind.mean, variance=kind.variance + self.spread.resource)


class Level(Struct, frozen=True, kw_only=True):
    """A normal distribution of a logarithm, and how many times it stands on."""

    mean: float
    variance: float
    n: int = 0

    def after(self, times: "Times", variance: float) -> "Level":
        """With times of that variance seen."""
        precision = 1 / self.variance + times.n / variance
        mean = (self.mean / self.variance + times.total / variance) / precision
        return Level(mean=mean, variance=1 / precision, n=times.n)


class Times(Struct, frozen=True):
    """How many times, and the sum of their logarithms, less what is expected of them for other reasons."""

    n: int = 0
    total: float = 0.0


class Work(Struct, frozen=True, kw_only=True):
    """A resource in a list. `spent`: minutes that the person has spent on it without finishing."""

    id: UUID
    level: Level
    spent: float = 0.0


class Sum(Struct, frozen=True, kw_only=True):
    """How long a list takes, in minutes: between `low` and `high` four times in five. `over`: how likely it is more
    than the budget."""

    low: float
    middle: float
    high: float
    over: float


def usual(kind: str | None) -> float:
    """The logarithm of the minutes that a kind takes until more is known."""
    return math.log(USUAL_MINUTES.get(kind or "", USUAL_OTHERWISE))


def at_least(logarithm: float, mean: float, deviation: float) -> tuple[float, float]:
    """The expectation of what is known to be more than `logarithm`, and its variance (a truncated normal)."""
    alpha = (logarithm - mean) / deviation
    tail = 0.5 * math.erfc(alpha / math.sqrt(2))
    if tail < 1e-9:
        return logarithm, 0.0
    ratio = math.exp(-alpha * alpha / 2) / math.sqrt(2 * math.pi) / tail
    return mean + deviation * ratio, deviation * deviation * max(1 - ratio * (ratio - alpha), 0.0)


@functools.cache
def quantiles() -> tuple[float, ...]:
    """Equally likely values of a standard normal."""
    return tuple(STANDARD.inv_cdf((number + 0.5) / DRAWS) for number in range(DRAWS))


@functools.lru_cache(maxsize=1_024)
def draws(seed: int) -> tuple[float, ...]:
    """`quantiles` in an order of the seed's own."""
    shuffled = list(quantiles())
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - repeatable on purpose
    return tuple(shuffled)


def total_of(works: Sequence[Work], pace: Level, spread: Spread, budget: float) -> Sum:
    """What all of it takes; what is spent already isn't counted again."""
    paces = [pace.mean + math.sqrt(pace.variance) * z for z in draws(0)]
    sums = [0.0] * DRAWS
    for work in works:
        deviation = math.sqrt(work.level.variance + spread.time)
        mean, shuffled = work.level.mean, draws(work.id.int % 1_000_003 + 1)
        if work.spent > 0:
            left = _left(work.spent, mean, deviation, paces, shuffled)
            sums = [total + more for total, more in zip(sums, left, strict=True)]
        else:
            sums = [
                total + math.exp(mean + own + deviation * z)
                for total, own, z in zip(sums, paces, shuffled, strict=True)
            ]
    over = sum(total > budget for total in sums) / DRAWS
    sums.sort()
    low, middle, high = (sums[DRAWS * part // 10] for part in (1, 5, 9))
    return Sum(low=low, middle=middle, high=high, over=over)


def _left(spent: float, mean: float, deviation: float, paces: Iterable[float], z: Iterable[float]) -> list[float]:
    """What is left of something that has taken `spent` minutes, for each draw."""
    found = []
    for own, one in zip(paces, z, strict=True):
        below = STANDARD.cdf((math.log(spent) - mean - own) / deviation)
        place = below + (1 - below) * STANDARD.cdf(one)
        whole = math.exp(mean + own + deviation * STANDARD.inv_cdf(min(max(place, 1e-9), 1 - 1e-9)))
        found.append(max(whole - spent, 0.0))
    return found


def one_of(work: Work, pace: Level, spread: Spread) -> tuple[float, float, float]:
    """What a single resource takes the person in all, in minutes: one in ten takes less than the first, one in ten
    more than the last."""
    mean = work.level.mean + pace.mean
    deviation = math.sqrt(work.level.variance + pace.variance + spread.time)
    low, middle, high = (math.exp(mean + place * deviation) for place in (-1.2816, 0, 1.2816))
    return low, middle, high
