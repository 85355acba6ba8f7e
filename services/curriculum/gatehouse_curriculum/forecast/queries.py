"""Forecasts: what is known is read anew each time, so that what somebody just said counts at once. Only what is the
same for all (variances, kinds, the slope), and the others' paces, are as the last fit found them.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_curriculum import tables
from gatehouse_curriculum.curriculum.queries import find
from gatehouse_curriculum.forecast import times
from gatehouse_curriculum.forecast.model import (
    Length,
    Level,
    Model,
    Sum,
    Times,
    Work,
    at_least,
    one_of,
    total_of,
)
from gatehouse_curriculum.forecast.structs import AskForecast, KnownTime, MemberPace, PlanForecast, ResourceForecast
from gatehouse_curriculum.forecast.times import OpenItem, OwnTime
from gatehouse_curriculum.period.queries import commitments_of, last_period
from gatehouse_curriculum.period.rules import MINUTES_PER_WEEK, capacity, end_after, end_on, usual_days, zone_of
from gatehouse_curriculum.tables import DB

# With fewer times of one's own, and of most of a list, little is known.
FEWEST = 3


class EffortRow(msgspec.Struct, frozen=True):
    resource_id: UUID
    kind: str
    length_minutes: int | None
    length_words: int | None
    length_pages: int | None

    def length(self) -> Length:
        return Length(kind=self.kind, minutes=self.length_minutes, words=self.length_words, pages=self.length_pages)


class ModelRow(msgspec.Struct, frozen=True):
    fitted_at: datetime
    times: int
    model: Any


EFFORTS = DB.prepare(
    tables.Effort.select(*columns_for(EffortRow, tables.Effort)).where(any_of(tables.Effort.resource_id, arg(1))),
    EffortRow,
)
NEWEST = DB.prepare(
    tables.ForecastModel.select(*columns_for(ModelRow, tables.ForecastModel))
    .order_by(tables.ForecastModel.fitted_at, tables.ForecastModel.id, ascending=False)
    .limit(1),
    ModelRow,
)
_LOG = DB.prepare(
    InsertOf(
        {
            tables.ForecastLog.id: arg(1),
            tables.ForecastLog.curriculum_id: arg(2),
            tables.ForecastLog.period_id: arg(3),
            tables.ForecastLog.budget_minutes: arg(4),
            tables.ForecastLog.spent_minutes: arg(5),
            tables.ForecastLog.low_minutes: arg(6),
            tables.ForecastLog.high_minutes: arg(7),
            tables.ForecastLog.over: arg(8),
        }
    )
)
_MARK = DB.prepare(
    tables.Assignment.update({tables.Assignment.not_typical_at: arg(3)})
    .where((tables.Assignment.curriculum_id == arg(1)) & (tables.Assignment.id == arg(2)))
    .returning(tables.Assignment.id)
)


async def model_now() -> Model:
    """What was fitted last; what is usual before anything was."""
    row = await NEWEST.one()
    return Model() if row is None else msgspec.convert(row.model, Model)


async def forecast(person: UUID, asked: AskForecast) -> PlanForecast:
    """Raises NotFound for a person without a curriculum, or an assignment that isn't in it."""
    row, now = await find(person), await DB.now()
    last, commitments = await last_period(row.id), await commitments_of(row.id)
    zone = zone_of(last.time_zone if last else None)
    if asked.until is not None:
        until = end_on(now, asked.until, zone)
    elif last is not None and last.ends_at > now and not asked.coming:
        until = last.ends_at
    else:
        until = end_after(now, usual_days(commitments), zone)
    budget = capacity(now, until, zone, commitments)
    model = await model_now()
    pace, _ = await _pace(row.id, model)
    known, assignment_of = await _works(row.id, model, asked.assignment_ids, asked.resource_ids)
    total = total_of(known, pace, model.spread, budget)
    few = sum(one.level.n < FEWEST for one in known)
    return PlanForecast(
        until=until,
        budget_minutes=budget,
        minutes_per_week=commitments[-1].minutes_per_week if commitments else MINUTES_PER_WEEK,
        low_minutes=round(total.low),
        middle_minutes=round(total.middle),
        high_minutes=round(total.high),
        over=total.over,
        pace=math.exp(pace.mean),
        pace_times=pace.n,
        little_known=pace.n < FEWEST and few * 2 > len(known),
        items=[_item(one, pace, model, assignment_of.get(one.id)) for one in known],
    )


async def log_forecast(
    curriculum: UUID, period: UUID, assignment_ids: Sequence[UUID], begin: datetime, end: datetime
) -> None:
    """Inside the transaction that commits a list: what is said of it, to be compared with what comes."""
    commitments, model = await commitments_of(curriculum), await model_now()
    last = await last_period(curriculum)
    budget = capacity(begin, end, zone_of(last.time_zone if last else None), commitments)
    pace, _ = await _pace(curriculum, model)
    known, _ = await _works(curriculum, model, assignment_ids, ())
    total = total_of(known, pace, model.spread, budget)
    spent = round(sum(one.spent for one in known))
    await _LOG.execute(uuid7(), curriculum, period, budget, spent, *_in_whole(total))


async def pace_of(person: UUID) -> MemberPace:
    """With the times that it follows from, the newest first."""
    row = await find(person)
    pace, own = await _pace(row.id, await model_now())
    low, high = (math.exp(pace.mean + sign * 1.2816 * math.sqrt(pace.variance)) for sign in (-1, 1))
    return MemberPace(pace=math.exp(pace.mean), low=low, high=high, times=[_known(one) for one in own])


async def mark(person: UUID, assignment: UUID, *, typical: bool) -> MemberPace:
    """Whether its time counts for the member's pace. Raises NotFound where the plan never had it."""
    row = await find(person)
    if await _MARK.value(row.id, assignment, None if typical else await DB.now()) is None:
        raise NotFound(f"There is no assignment {assignment} in this curriculum.")
    return await pace_of(person)


async def _works(
    curriculum: UUID, model: Model, assignment_ids: Sequence[UUID], resource_ids: Sequence[UUID]
) -> tuple[list[Work], dict[UUID, UUID]]:
    """What is left to do of them, each resource once; and the assignment of each resource that has one."""
    ids = list(dict.fromkeys(assignment_ids))
    opened: list[OpenItem] = []
    if ids:
        if await times.IN_PLAN.value(curriculum, ids) != len(ids):
            raise NotFound("Something in the list isn't in this curriculum.")
        opened = await times.OPEN.all(curriculum, ids)
    spent = {one.resource_id: one.studied_seconds / 60 for one in opened} | {
        id: 0.0 for id in resource_ids if id not in {one.resource_id for one in opened}
    }
    levels = await _levels(spent, model)
    works = [Work(id=id, level=levels[id], spent=minutes) for id, minutes in spent.items()]
    return works, {one.resource_id: one.id for one in opened}


async def _pace(curriculum: UUID, model: Model) -> tuple[Level, list[OwnTime]]:
    own = await times.OF_MEMBER.all(curriculum)
    before = Level(mean=0.0, variance=model.spread.person)
    counted = [one for one in own if one.level is not None and one.not_typical_at is None]
    finished = [math.log(one.minutes) - one.level for one in counted if not one.unfinished and one.level is not None]
    pace = before.after(Times(len(finished), sum(finished)), model.spread.time)
    # What isn't finished says something only where it took longer than expected by now.
    censored = [
        at_least(math.log(one.minutes), one.level + pace.mean, math.sqrt(model.spread.time))[0] - one.level
        for one in counted
        if one.unfinished and one.level is not None
    ]
    every = [*finished, *censored]
    return before.after(Times(len(every), sum(every)), model.spread.time), own


async def _levels(resources: Iterable[UUID], model: Model) -> dict[UUID, Level]:
    ids = list(resources)
    if not ids:
        return {}
    lengths = {one.resource_id: one.length() for one in await EFFORTS.all(ids)}
    finished = {one.resource_id: Times(one.n, one.total) for one in await times.OF_RESOURCES.all(ids)}
    unfinished = defaultdict[UUID, list[times.UnfinishedTime]](list)
    for one in await times.UNFINISHED_OF_RESOURCES.all(ids):
        unfinished[one.resource_id].append(one)
    return {id: _level(model, lengths.get(id, Length()), finished.get(id, Times()), unfinished[id]) for id in ids}


def _level(model: Model, length: Length, finished: Times, unfinished: Sequence[times.UnfinishedTime]) -> Level:
    variance, before = model.spread.time, model.prior(length)
    level = before.after(finished, variance)
    if not unfinished:
        return level
    deviation = math.sqrt(variance)
    more = sum(at_least(one.logarithm, level.mean + one.pace, deviation)[0] - one.pace for one in unfinished)
    return before.after(Times(finished.n + len(unfinished), finished.total + more), variance)


def _item(work: Work, pace: Level, model: Model, assignment: UUID | None) -> ResourceForecast:
    low, middle, high = one_of(work, pace, model.spread)
    return ResourceForecast(
        resource_id=work.id,
        assignment_id=assignment,
        low_minutes=round(low),
        middle_minutes=round(middle),
        high_minutes=round(high),
        typical_minutes=round(math.exp(work.level.mean)),
        times=work.level.n,
        spent_minutes=round(work.spent),
    )


def _known(one: OwnTime) -> KnownTime:
    return KnownTime(
        assignment_id=one.id,
        resource_id=one.resource_id,
        resource_name=one.resource_name,
        minutes=round(one.minutes),
        stated=one.stated,
        unfinished=one.unfinished,
        typical_minutes=None if one.level is None else round(math.exp(one.level)),
        not_typical_at=one.not_typical_at,
    )


def _in_whole(total: Sum) -> tuple[int, int, int]:
    return round(total.low), round(total.high), round(total.over * 1_000)
