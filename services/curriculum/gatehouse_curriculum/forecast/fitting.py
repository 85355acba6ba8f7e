"""All SQL of the nightly fit: it reads every time, and writes what it finds about resources, paces and kinds.

Also keeps what topics says of a resource's length, and looks up what came of earlier forecasts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString
from uuid_utils.compat import uuid7

from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg
from gatehouse_curriculum import tables
from gatehouse_curriculum.forecast.fit import Fit, Observation
from gatehouse_curriculum.forecast.model import Length, Level
from gatehouse_curriculum.forecast.queries import model_now
from gatehouse_curriculum.forecast.times import EVERY_TIME
from gatehouse_curriculum.peers import ResourceLength
from gatehouse_curriculum.tables import DB

# By hand: any number of rows in one statement, added or replaced.
_EFFORTS = DB.prepare_sql(
    "insert into effort (resource_id, kind, length_minutes, length_words, length_pages, level) "
    "select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::integer[]) "
    "on conflict (resource_id) do update set kind = excluded.kind, length_minutes = excluded.length_minutes, "
    "length_words = excluded.length_words, length_pages = excluded.length_pages, level = excluded.level, "
    "fitted_at = now()"
)
# By hand: any number of rows in one statement, added or replaced.
_PACES = DB.prepare_sql(
    "insert into pace (curriculum_id, mean) select * from unnest($1::uuid[], $2::integer[]) "
    "on conflict (curriculum_id) do update set mean = excluded.mean, fitted_at = now()"
)
# Those that no time says anything of any more.
_NO_PACES = DB.prepare(
    tables.Pace.delete().where(QueryString("{} <> all({}::uuid[])", tables.Pace.curriculum_id, arg(1)))
)
_MODEL = DB.prepare(
    InsertOf(
        {
            tables.ForecastModel.id: arg(1),
            tables.ForecastModel.times: arg(2),
            tables.ForecastModel.model: arg(3),
        }
    )
)
_OLD_MODELS = DB.prepare(tables.ForecastModel.delete().where(tables.ForecastModel.fitted_at < arg(1)))
# By hand: what became of each list, counted in the database. What somebody took out of the plan has no time.
_SETTLE = DB.prepare_sql(
    """
    with ended as (
        select l.id, l.spent_minutes, p.curriculum_id, p.assignment_ids
        from forecast_log l join period p on p.id = l.period_id
        where l.settled_at is null and p.ends_at < $1 and p.withdrawn_at is null
    ), came as (
        select ended.id, coalesce(sum(coalesce(a.minutes, a.studied_seconds / 60)), 0) - ended.spent_minutes as least,
            bool_and(a.state = 'completed' and (a.minutes is not null or a.studied_seconds > 0)) as known
        from ended join assignment a on a.id = any(ended.assignment_ids) and a.curriculum_id = ended.curriculum_id
        group by ended.id, ended.spent_minutes
    )
    update forecast_log set settled_at = $1, took_minutes = case when known then greatest(least, 0) end,
        least_minutes = greatest(least, 0)
    from came where came.id = forecast_log.id
    """
)


async def observations() -> list[Observation]:
    rows = await EVERY_TIME.all()
    return [Observation(row.curriculum_id, row.resource_id, row.minutes, row.unfinished) for row in rows]


async def write(fit: Fit, lengths: Sequence[ResourceLength], count: int) -> None:
    """Inside a transaction, in which nobody else fits. What topics no longer has keeps what was known of it."""
    await DB.advisory_lock("curriculum.forecast")
    await _write_efforts(lengths, fit.resources, fit)
    people = list(fit.people)
    await _PACES.execute(people, [_thousandths(fit.people[id].mean) for id in people])
    await _NO_PACES.execute(people)
    await _MODEL.execute(uuid7(), count, msgspec.to_builtins(fit.model))


async def keep_length(one: ResourceLength) -> None:
    """Inside a transaction: what topics says of a resource that was added or changed; its level until the next fit."""
    await DB.advisory_lock("curriculum.forecast")
    fit = Fit(await model_now(), {}, {})
    await _write_efforts([one], {}, fit)


async def settle(now: datetime) -> None:
    """Of lists whose period is over: how long they took, as far as is known."""
    await _SETTLE.execute(now)
    # Some are kept, to see how the model changed.
    await _OLD_MODELS.execute(now - timedelta(days=30))


async def _write_efforts(lengths: Sequence[ResourceLength], levels: Mapping[UUID, Level], fit: Fit) -> None:
    rows = [
        (one.id, one.kind, one.length_minutes, one.length_words, one.length_pages, _level(one, levels, fit))
        for one in lengths
    ]
    if rows:
        await _EFFORTS.execute(*(list(column) for column in zip(*rows, strict=True)))


def _level(one: ResourceLength, levels: Mapping[UUID, Level], fit: Fit) -> int:
    known = levels.get(one.id) or fit.model.prior(length_of(one))
    return _thousandths(known.mean)


def length_of(one: ResourceLength) -> Length:
    return Length(kind=one.kind, minutes=one.length_minutes, words=one.length_words, pages=one.length_pages)


def _thousandths(logarithm: float) -> int:
    return round(logarithm * 1_000)
