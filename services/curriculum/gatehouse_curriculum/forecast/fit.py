"""Fits the model to all times that are known. Pure functions: no database, no clock.

Expectation and maximisation in turns (variational: effects of people and of resources are taken as independent). What
isn't finished yet counts as "at least so long": to leave it out would keep the quick ones only.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from gatehouse_curriculum.forecast.model import (
    SHORTEST_MINUTES,
    KindEffect,
    Length,
    Level,
    Model,
    Spread,
    at_least,
    usual,
)

ROUNDS = 30
# Variances before anything is known, each worth so many people, resources or times.
PRIOR, WEIGHT = Spread(), 5
# Of the institute as a whole against USUAL_MINUTES, of a kind against the institute, of the slope.
SHIFT_VARIANCE, KIND_VARIANCE, SLOPE, SLOPE_VARIANCE = 0.5, 0.15, 0.8, 0.04
NO_KIND = ""


class Observation(NamedTuple):
    """`unfinished`: it took that long so far."""

    person: UUID
    resource: UUID
    minutes: float
    unfinished: bool = False


class Fit(Struct, frozen=True):
    """The model, the level of each resource and the pace of each person that times are known of."""

    model: Model
    resources: dict[UUID, Level]
    people: dict[UUID, Level]


class _State:
    """What is known so far, round by round: lists in the order of `people`, `resources` and observations."""

    def __init__(self, observations: Sequence[Observation], lengths: Mapping[UUID, Length]) -> None:
        self.people = list(dict.fromkeys(one.person for one in observations))
        self.resources = list(dict.fromkeys(one.resource for one in observations))
        person_at = {id: place for place, id in enumerate(self.people)}
        resource_at = {id: place for place, id in enumerate(self.resources)}
        self.who = [person_at[one.person] for one in observations]
        self.what = [resource_at[one.resource] for one in observations]
        self.seen = [math.log(max(one.minutes, SHORTEST_MINUTES)) for one in observations]
        self.unfinished = [place for place, one in enumerate(observations) if one.unfinished]
        self.times = list(self.seen)
        self.extra = 0.0  # variance of what the unfinished ones will take
        known = [lengths.get(id, Length()) for id in self.resources]
        self.kinds = [one.kind or NO_KIND for one in known]
        self.usual = [usual(one.kind) for one in known]
        stated = [one.stated() for one in known]
        self.longer = [
            0.0 if minutes is None else math.log(max(minutes, SHORTEST_MINUTES)) - common
            for minutes, common in zip(stated, self.usual, strict=True)
        ]
        self.of_person = _counted(self.who, len(self.people))
        self.of_resource = _counted(self.what, len(self.resources))
        self.spread, self.shift, self.slope = PRIOR, 0.0, SLOPE
        self.shift_variance = SHIFT_VARIANCE
        self.kind = {kind: KindEffect(0.0, KIND_VARIANCE) for kind in self.kinds}
        self.pace = [0.0] * len(self.people)
        self.pace_variance = [PRIOR.person] * len(self.people)
        self.level = self.expected()
        self.level_variance = [PRIOR.resource] * len(self.resources)
        self.mean = list(self.level)

    def expected(self) -> list[float]:
        """Of each resource, by its kind and length alone."""
        return [
            usual_one + self.shift + self.kind[kind].mean + self.slope * longer
            for usual_one, kind, longer in zip(self.usual, self.kinds, self.longer, strict=True)
        ]


def fit(observations: Sequence[Observation], lengths: Mapping[UUID, Length]) -> Fit:
    """`lengths`: of any resources; those without count as of no kind. Without an observation: what is usual."""
    if not observations:
        return Fit(Model(), {}, {})
    state = _State(observations, lengths)
    for _ in range(ROUNDS):
        _complete(state)
        _pace(state)
        _levels(state)
        _kinds(state)
        _spread(state)
    otherwise = KindEffect(state.shift, KIND_VARIANCE + state.shift_variance)
    kinds = {
        kind: KindEffect(state.shift + effect.mean, effect.variance + state.shift_variance)
        for kind, effect in state.kind.items()
        if kind != NO_KIND
    }
    model = Model(spread=state.spread, slope=state.slope, kinds=kinds, otherwise=otherwise)
    return Fit(
        model,
        _levels_by(state.resources, state.level, state.level_variance, state.of_resource),
        _levels_by(state.people, state.pace, state.pace_variance, state.of_person),
    )


def _complete(state: _State) -> None:
    """What the unfinished ones will take, as far as is known now."""
    deviation = math.sqrt(state.spread.time)
    state.extra = 0.0
    for place in state.unfinished:
        mean = state.level[state.what[place]] + state.pace[state.who[place]]
        state.times[place], more = at_least(state.seen[place], mean, deviation)
        state.extra += more


def _pace(state: _State) -> None:
    sums = [0.0] * len(state.people)
    for time, who, what in zip(state.times, state.who, state.what, strict=True):
        sums[who] += time - state.level[what]
    ratio = state.spread.time / state.spread.person
    state.pace = [total / (n + ratio) for total, n in zip(sums, state.of_person, strict=True)]
    state.pace_variance = [state.spread.time / (n + ratio) for n in state.of_person]


def _levels(state: _State) -> None:
    expected = state.expected()
    sums = [0.0] * len(state.resources)
    for time, who, what in zip(state.times, state.who, state.what, strict=True):
        sums[what] += time - state.pace[who]
    ratio = state.spread.time / state.spread.resource
    state.level = [
        (total + ratio * mean) / (n + ratio) for total, n, mean in zip(sums, state.of_resource, expected, strict=True)
    ]
    state.level_variance = [state.spread.time / (n + ratio) for n in state.of_resource]
    # The plain mean of a resource's times: what the kinds and the slope are estimated from.
    state.mean = [total / n for total, n in zip(sums, state.of_resource, strict=True)]


def _kinds(state: _State) -> None:
    """By weighted least squares over resources, each coefficient in its turn; all are drawn to what is usual."""
    weights = [1 / (state.spread.resource + state.spread.time / n) for n in state.of_resource]
    rest = [mean - expected for mean, expected in zip(state.mean, state.expected(), strict=True)]

    def add(change: float, by: Sequence[float]) -> None:
        rest[:] = [one - change * factor for one, factor in zip(rest, by, strict=True)]

    precision = sum(weights) + 1 / SHIFT_VARIANCE
    shift = (sum(w * (r + state.shift) for w, r in zip(weights, rest, strict=True))) / precision
    add(shift - state.shift, [1.0] * len(rest))
    state.shift, state.shift_variance = shift, 1 / precision
    sums, totals = defaultdict[str, float](float), defaultdict[str, float](float)
    for kind, weight, one in zip(state.kinds, weights, rest, strict=True):
        sums[kind] += weight * (one + state.kind[kind].mean)
        totals[kind] += weight
    before = {kind: effect.mean for kind, effect in state.kind.items()}
    for kind, total in totals.items():
        precision = total + 1 / KIND_VARIANCE
        state.kind[kind] = KindEffect(sums[kind] / precision, 1 / precision)
    add(1.0, [state.kind[kind].mean - before[kind] for kind in state.kinds])
    precision = sum(w * x * x for w, x in zip(weights, state.longer, strict=True)) + 1 / SLOPE_VARIANCE
    pull = sum(w * x * (r + state.slope * x) for w, x, r in zip(weights, state.longer, rest, strict=True))
    state.slope = (pull + SLOPE / SLOPE_VARIANCE) / precision


def _spread(state: _State) -> None:
    squares = state.extra
    for time, who, what in zip(state.times, state.who, state.what, strict=True):
        squares += (time - state.level[what] - state.pace[who]) ** 2
        squares += state.level_variance[what] + state.pace_variance[who]
    expected = state.expected()
    resources = sum(
        (level - mean) ** 2 + variance
        for level, mean, variance in zip(state.level, expected, state.level_variance, strict=True)
    )
    people = sum(one * one + variance for one, variance in zip(state.pace, state.pace_variance, strict=True))
    state.spread = Spread(
        time=_mean(squares, len(state.times), PRIOR.time),
        resource=_mean(resources, len(state.resources), PRIOR.resource),
        person=_mean(people, len(state.people), PRIOR.person),
    )


def _mean(total: float, n: int, prior: float) -> float:
    return (total + WEIGHT * prior) / (n + WEIGHT)


def _counted(places: Sequence[int], size: int) -> list[int]:
    counts = [0] * size
    for place in places:
        counts[place] += 1
    return counts


def _levels_by(
    ids: Sequence[UUID], means: Sequence[float], variances: Sequence[float], counts: Sequence[int]
) -> dict[UUID, Level]:
    return {
        id: Level(mean=mean, variance=variance, n=n)
        for id, mean, variance, n in zip(ids, means, variances, counts, strict=True)
    }
