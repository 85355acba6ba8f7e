"""All SQL about goals. They stand beside the plan: nothing in it changes by them, nor its version."""

from collections.abc import Sequence
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_curriculum import tables
from gatehouse_curriculum.goal.structs import GoalRow, NewGoal, SettleGoal
from gatehouse_curriculum.tables import DB

MOST_OPEN = 20
MOST_SHOWN = 60

_COLUMNS = columns_for(GoalRow, tables.Goal)
_OF = DB.prepare(
    tables.Goal.select(*_COLUMNS)
    .where(tables.Goal.curriculum_id == arg(1))
    .order_by(tables.Goal.stated_at, tables.Goal.id, ascending=False)
    .limit(MOST_SHOWN),
    GoalRow,
)
_ADD = DB.prepare(
    InsertOf(
        {
            tables.Goal.id: arg(1),
            tables.Goal.curriculum_id: arg(2),
            tables.Goal.text: arg(3),
            tables.Goal.horizon: arg(4),
            tables.Goal.stated_by: arg(5),
            tables.Goal.stated_request: arg(6),
        }
    ).returning(*_COLUMNS),
    GoalRow,
)
_SETTLE = DB.prepare(
    tables.Goal.update({tables.Goal.state: arg(3), tables.Goal.settled_at: arg(4)})
    .where((tables.Goal.curriculum_id == arg(1)) & (tables.Goal.id == arg(2)))
    .returning(*_COLUMNS),
    GoalRow,
)


async def goals_of(curriculum: UUID) -> Sequence[GoalRow]:
    """The newest first."""
    return await _OF.all(curriculum)


async def add(curriculum: UUID, actor: Actor, new: NewGoal) -> GoalRow:
    """Inside a transaction. Raises Conflict where there are as many open ones as anybody can want at once."""
    if sum(goal.state == "open" for goal in await goals_of(curriculum)) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} goals are open. Say of one that it is reached or dropped first.")
    row = await _ADD.one(uuid7(), curriculum, new.text, new.horizon, actor.account, request_id())
    assert row is not None
    return row


async def settle(curriculum: UUID, id: UUID, settled: SettleGoal) -> GoalRow:
    at = None if settled.state == "open" else await DB.now()
    row = await _SETTLE.one(curriculum, id, settled.state, at)
    if row is None:
        raise NotFound(f"There is no goal {id} in this curriculum.")
    return row
