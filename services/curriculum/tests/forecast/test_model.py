"""What the model says of a list: never easier with more in it or less time, wide where little is known."""

import math
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_curriculum.forecast.fit import Observation, fit
from gatehouse_curriculum.forecast.model import Length, Level, Model, Spread, Times, Work, at_least, one_of, total_of

from .worlds import TRUTHS, World, figures

LEVELS = st.builds(Level, mean=st.floats(0.5, 7), variance=st.floats(0.01, 1.5))
WORKS = st.lists(
    st.builds(Work, id=st.uuids(), level=LEVELS, spent=st.sampled_from((0.0, 0.0, 20.0, 600.0))),
    min_size=1,
    max_size=5,
)


@given(
    works=WORKS,
    pace=LEVELS.map(lambda one: Level(mean=one.mean - 3.5, variance=one.variance)),
    budget=st.floats(0, 4_000),
)
def test_more_to_do_or_less_time_never_looks_easier(works: list[Work], pace: Level, budget: float) -> None:
    spread = Spread()
    every = total_of(works, pace, spread, budget)
    fewer = total_of(works[:-1], pace, spread, budget)
    assert fewer.over <= every.over
    assert fewer.middle <= every.middle
    assert total_of(works, pace, spread, budget + 60).over <= every.over
    assert every.low <= every.middle <= every.high


def test_what_is_known_narrows_what_is_said() -> None:
    model = Model()
    unknown = model.prior(Length(kind="article"))
    known = unknown.after(Times(20, 20 * math.log(40)), model.spread.time)
    stranger = Level(mean=0.0, variance=model.spread.person)
    low, middle, high = one_of(Work(id=UUID(int=1), level=unknown), stranger, model.spread)
    assert high / low > 10
    near, half, far = one_of(Work(id=UUID(int=1), level=known), stranger, model.spread)
    assert far / near < high / low
    assert abs(half - 40) < 5
    assert middle < 60


def test_a_length_that_is_stated_moves_what_is_expected() -> None:
    model = Model()
    short, long = (model.prior(Length(kind="video", minutes=minutes)).mean for minutes in (5, 120))
    assert short < model.prior(Length(kind="video")).mean < long
    assert model.prior(Length(kind="book", pages=300)).mean == pytest.approx(
        model.prior(Length(kind="book", minutes=600)).mean
    )
    assert model.prior(Length(kind="article", words=2_000)).mean > short


def test_what_is_left_of_something_begun_is_never_negative_and_grows_with_what_was_spent() -> None:
    level, pace, spread = Level(mean=math.log(60), variance=0.1), Level(mean=0.0, variance=0.1), Spread()

    def left(spent: float) -> float:
        return total_of([Work(id=UUID(int=7), level=level, spent=spent)], pace, spread, 30).middle

    assert 0 < left(30) < left(0.0)  # some of it is done
    assert left(900) > left(30)  # whoever is so far beyond what is usual isn't about to finish


def test_at_least_is_the_mean_of_a_cut_normal() -> None:
    mean, variance = at_least(0.0, 0.0, 1.0)
    assert mean == pytest.approx(math.sqrt(2 / math.pi))
    assert variance == pytest.approx(1 - 2 / math.pi)
    assert at_least(50.0, 0.0, 1.0) == (50.0, 0.0)
    assert at_least(-50.0, 0.3, 1.0)[0] == pytest.approx(0.3)


def test_without_times_there_is_what_is_usual() -> None:
    assert fit([], {}).model == Model()
    one = fit([Observation(UUID(int=1), UUID(int=2), 45.0)], {})
    assert math.exp(one.resources[UUID(int=2)].mean) == pytest.approx(52, abs=8)  # between 45 and the usual 60
    assert abs(one.people[UUID(int=1)].mean) < 0.15


@pytest.mark.parametrize("truth", TRUTHS)
def test_warnings_are_better_than_averages_for_people_and_lists_unseen(truth: str) -> None:
    """A slice; `gate bench forecast` measures institutes of 40 and 150 with 5 to 30 times each."""
    seen = figures(World(TRUTHS[truth], 9, 60, 10).bundles(5, 3))
    assert seen.brier <= 0.70 * seen.average
    assert seen.brier <= 0.85 * seen.own_ratio
    assert 0.70 <= seen.covered <= 0.90


def test_what_isnt_finished_counts_as_at_least_so_long() -> None:
    """Three in ten are left open. Leaving them out would make everything look quick: only the quick ones are done."""
    world = World(TRUTHS["lognormal"], 5, 120, 30)
    late = sorted(one.minutes for one in world.past)[int(len(world.past) * 0.7)]
    cut = [one._replace(minutes=late, unfinished=True) if one.minutes > late else one for one in world.past]
    dropped = [one for one in cut if not one.unfinished]

    def middle(times: list[Observation]) -> float:
        levels = fit(times, world.lengths).resources
        return sum(levels[id].mean - world.level[id] for id in levels) / len(levels)

    pace = sum(world.pace.values()) / len(world.pace)
    assert abs(math.expm1(middle(cut) - pace)) <= 0.05
    assert math.expm1(middle(dropped) - pace) < -0.15
