"""Institutes that learn, with a truth that is known: made-up people and resources, and how long each takes whom.

The three truths differ in what the model takes for granted: one is as it assumes, the others are not. Each seed is
another institute.
"""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from statistics import fmean
from typing import NamedTuple
from uuid import UUID

from gatehouse_curriculum.forecast.fit import Observation, fit
from gatehouse_curriculum.forecast.model import Length, Level, Model, Sum, Work, total_of

RESOURCES = 150
KINDS = {"article": 15, "video": 35, "tutorial": 110, "lesson": 75, "book": 500}


class Truth(NamedTuple):
    """How the logarithms of a person's pace, of a resource's level and of a single time vary."""

    person: Callable[[random.Random], float]
    resource: Callable[[random.Random], float]
    time: Callable[[random.Random], float]
    rounded: bool = False


def _student(chance: random.Random) -> float:
    """With five degrees of freedom: now and then something takes ten times as long."""
    return chance.gauss(0, 1) / math.sqrt(chance.gammavariate(2.5, 2) / 5)


TRUTHS = {
    "lognormal": Truth(lambda c: c.gauss(0, 0.4), lambda c: c.gauss(0, 0.6), lambda c: c.gauss(0, 0.5)),
    # Two kinds of people, resources anywhere between half and twice as long, times that gather below and trail off.
    "two groups": Truth(
        lambda c: c.choice((-0.35, 0.5)) + c.gauss(0, 0.1),
        lambda c: c.uniform(-1, 1),
        lambda c: math.log(c.gammavariate(4, 0.25)),
    ),
    # Stated to the quarter of an hour, with outliers, and a few people who take far longer.
    "heavy tails": Truth(
        lambda c: c.expovariate(3) - 1 / 3,
        lambda c: 0.5 * _student(c),
        lambda c: 0.4 * _student(c),
        rounded=True,
    ),
}


class Bundle(NamedTuple):
    """A list that somebody is given: what it really takes, and what two simple rules and the model say of it."""

    took: float
    budget: float
    average: float
    own_ratio: float
    says: Sum


class World:
    """An institute of `people`, each of whom has done `past` of its resources."""

    def __init__(self, truth: Truth, seed: int, people: int, past: int) -> None:
        self.chance, self.truth = random.Random(seed), truth
        ids = [UUID(int=self.chance.getrandbits(128)) for _ in range(people + RESOURCES)]
        self.people, self.resources = ids[:people], ids[people:]
        self.pace = {id: truth.person(self.chance) for id in self.people}
        self.lengths, self.level = {}, {}
        for id in self.resources:
            kind = self.chance.choice(list(KINDS))
            about = KINDS[kind] * math.exp(truth.resource(self.chance))
            stated = max(round(about * math.exp(self.chance.gauss(0, 0.35))), 1)
            self.lengths[id] = Length(kind=kind, minutes=stated if self.chance.random() < 0.3 else None)
            self.level[id] = math.log(about)
        self.done = {id: set(self.chance.sample(self.resources, past)) for id in self.people}
        self.past = [
            Observation(person, resource, self.takes(person, resource))
            for person, resources in self.done.items()
            for resource in sorted(resources)
        ]

    def takes(self, person: UUID, resource: UUID) -> float:
        minutes = math.exp(self.level[resource] + self.pace[person] + self.truth.time(self.chance))
        return max(5.0 * round(minutes / 5), 5.0) if self.truth.rounded else minutes

    def bundles(self, size: int, each: int) -> list[Bundle]:
        """For everybody, of what they haven't done: it was in no times that the model saw."""
        fitted = fit(self.past, self.lengths)
        averages = Averages(self.past, self.lengths)
        made = []
        for person in self.people:
            new = [id for id in self.resources if id not in self.done[person]]
            pace = fitted.people[person]
            for _ in range(each):
                chosen = self.chance.sample(new, size)
                average = sum(map(averages.of, chosen))
                budget = average * self.chance.uniform(0.6, 1.5)
                works = [Work(id=id, level=level_of(fitted.model, fitted.resources, self.lengths, id)) for id in chosen]
                says = total_of(works, pace, fitted.model.spread, budget)
                took = sum(self.takes(person, id) for id in chosen)
                made.append(Bundle(took, budget, average, average * averages.ratio[person], says))
        return made


class Averages:
    """What one would do without a model: the mean of a resource's times, of its kind's, or of all."""

    def __init__(self, past: list[Observation], lengths: Mapping[UUID, Length]) -> None:
        self._lengths = lengths
        by_resource, by_kind, everything = defaultdict(list), defaultdict(list), []
        for one in past:
            by_resource[one.resource].append(one.minutes)
            by_kind[lengths[one.resource].kind].append(one.minutes)
            everything.append(one.minutes)
        self._resources = {id: fmean(times) for id, times in by_resource.items()}
        self._kinds = {kind: fmean(times) for kind, times in by_kind.items()}
        self._all = fmean(everything)
        took, expected = defaultdict[UUID, float](float), defaultdict[UUID, float](float)
        for one in past:
            took[one.person] += one.minutes
            expected[one.person] += self.of(one.resource)
        self.ratio = {person: took[person] / expected[person] for person in took}

    def of(self, resource: UUID) -> float:
        return self._resources.get(resource, self._kinds.get(self._lengths[resource].kind, self._all))


def level_of(model: Model, known: Mapping[UUID, Level], lengths: Mapping[UUID, Length], id: UUID) -> Level:
    return known.get(id) or model.prior(lengths.get(id, Length()))


class Figures(NamedTuple):
    """How good the warnings were: mean squares of what was said and what came (Brier), and shares."""

    brier: float
    average: float
    own_ratio: float
    base_rate: float
    covered: float
    worst_fifth: float


def figures(bundles: list[Bundle]) -> Figures:
    came = [one.took > one.budget for one in bundles]
    rate = fmean(came)
    fifths: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for one, over in zip(bundles, came, strict=True):
        fifths[min(int(one.says.over * 5), 4)].append((one.says.over, over))
    return Figures(
        brier=fmean((one.says.over - over) ** 2 for one, over in zip(bundles, came, strict=True)),
        average=fmean(((one.average > one.budget) - over) ** 2 for one, over in zip(bundles, came, strict=True)),
        own_ratio=fmean(((one.own_ratio > one.budget) - over) ** 2 for one, over in zip(bundles, came, strict=True)),
        base_rate=rate * (1 - rate),
        covered=fmean(one.says.low <= one.took <= one.says.high for one in bundles),
        worst_fifth=max(abs(fmean(p for p, _ in one) - fmean(over for _, over in one)) for one in fifths.values()),
    )
