"""All SQL about periods and commitments. Their rows are never changed but for a period's withdrawal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.listing import Listing
from gatehouse_curriculum import tables
from gatehouse_curriculum.period.structs import CommitmentRow, Period, PeriodRecord
from gatehouse_curriculum.tables import DB

PERIODS = Listing(tables.Period, Period, sorts={"committed": tables.Period.committed_at}, default_sort="-committed")
COMMITMENTS = Listing(
    tables.Commitment, CommitmentRow, sorts={"stated": tables.Commitment.stated_at}, default_sort="-stated"
)

_COMMITMENTS = DB.prepare(
    tables.Commitment.select(*columns_for(CommitmentRow, tables.Commitment))
    .where(tables.Commitment.curriculum_id == arg(1))
    .order_by(tables.Commitment.stated_at, tables.Commitment.id),
    CommitmentRow,
)
_LAST = DB.prepare(
    tables.Period.select(*columns_for(PeriodRecord, tables.Period))
    .where((tables.Period.curriculum_id == arg(1)) & tables.Period.withdrawn_at.is_null())
    .order_by(tables.Period.committed_at, tables.Period.id, ascending=False)
    .limit(1),
    PeriodRecord,
)
_FIND = DB.prepare(
    tables.Period.select(*columns_for(Period, tables.Period)).where(
        (tables.Period.curriculum_id == arg(1)) & (tables.Period.id == arg(2))
    ),
    Period,
)
_COMMIT = DB.prepare(
    InsertOf(
        {
            tables.Period.id: arg(1),
            tables.Period.curriculum_id: arg(2),
            tables.Period.ends_at: arg(3),
            tables.Period.time_zone: arg(4),
            tables.Period.assignment_ids: arg(5),
            tables.Period.before: arg(6),
            tables.Period.committed_at: arg(7),
            tables.Period.committed_by: arg(8),
            tables.Period.committed_request: arg(9),
            tables.Period.committed_version: arg(10),
        }
    )
)
_WITHDRAW = DB.prepare(
    tables.Period.update({tables.Period.withdrawn_at: arg(2), tables.Period.withdrawn_by: arg(3)}).where(
        tables.Period.id == arg(1)
    )
)
_STATE = DB.prepare(
    InsertOf(
        {
            tables.Commitment.id: arg(1),
            tables.Commitment.curriculum_id: arg(2),
            tables.Commitment.minutes_per_week: arg(3),
            tables.Commitment.meets_every_days: arg(4),
            tables.Commitment.stated_at: arg(5),
            tables.Commitment.stated_by: arg(6),
            tables.Commitment.stated_request: arg(7),
        }
    )
)


async def commitments_of(curriculum: UUID) -> list[CommitmentRow]:
    """From the first on."""
    return await _COMMITMENTS.all(curriculum)


async def last_period(curriculum: UUID) -> PeriodRecord | None:
    return await _LAST.one(curriculum)


async def period_of(curriculum: UUID, period: UUID) -> Period:
    row = await _FIND.one(curriculum, period)
    if row is None:
        raise NotFound(f"There is no period {period} of this curriculum.")
    return row


async def commit(
    curriculum: UUID,
    assignments: Sequence[UUID],
    before: Any,
    *,
    at: datetime,
    ends_at: datetime,
    time_zone: str,
    by: UUID,
    version: int,
) -> UUID:
    """Inside the transaction that changes the assignments. `version`: the curriculum's from then on."""
    id = uuid7()
    await _COMMIT.execute(id, curriculum, ends_at, time_zone, list(assignments), before, at, by, request_id(), version)
    return id


async def withdraw(period: UUID, at: datetime, by: UUID) -> None:
    await _WITHDRAW.execute(period, at, by)


async def state(
    curriculum: UUID, minutes_per_week: int, meets_every_days: int | None, *, at: datetime, by: UUID
) -> None:
    await _STATE.execute(uuid7(), curriculum, minutes_per_week, meets_every_days, at, by, request_id())
