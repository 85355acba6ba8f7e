"""Goals over HTTP: the member, their mentor and coordinators say and settle them."""

from uuid import UUID

from litestar import Controller, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.guards import signed_in
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.curriculum.queries import find
from gatehouse_curriculum.goal import queries
from gatehouse_curriculum.goal.structs import GoalRow, NewGoal, SettleGoal
from gatehouse_curriculum.tables import DB


class GoalController(Controller):
    path = "/curricula/{person_id:uuid}/goals"
    tags = ("goals",)

    @post(operation_id="StateGoal", summary="Say what the member wants to reach", guards=[signed_in])
    async def state_goal(self, person_id: UUID, data: NewGoal, actor: Actor, access: Access) -> GoalRow:
        await access.require(actor, person_id, "set_goals")
        row = await find(person_id)
        async with DB.transaction():
            return await queries.add(row.id, actor, data)

    @post(
        "/{goal_id:uuid}/settle",
        operation_id="SettleGoal",
        summary="Say that it is reached, dropped, or open again",
        guards=[signed_in],
        status_code=200,
    )
    async def settle_goal(
        self, person_id: UUID, goal_id: UUID, data: SettleGoal, actor: Actor, access: Access
    ) -> GoalRow:
        await access.require(actor, person_id, "set_goals")
        row = await find(person_id)
        return await queries.settle(row.id, goal_id, data)
