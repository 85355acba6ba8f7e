"""Forecasts over HTTP. What they say of a member is for the member and their mentor alone."""

from uuid import UUID

from litestar import Controller, get, post, put

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Forbidden
from gatehouse_chassis.http.guards import allow, signed_in
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.forecast import queries
from gatehouse_curriculum.forecast.calibration import calibration
from gatehouse_curriculum.forecast.structs import AskForecast, Calibration, MemberPace, PlanForecast, Typical


class ForecastController(Controller):
    path = "/curricula/{person_id:uuid}"
    tags = ("forecasts",)

    @post(
        "/forecast",
        operation_id="Forecast",
        summary="How long a list takes the member, and how likely that is more than they have time for",
        description="Changes nothing.",
        guards=[signed_in],
        status_code=200,
    )
    async def forecast(self, person_id: UUID, data: AskForecast, actor: Actor, access: Access) -> PlanForecast:
        await access.require_close(actor, person_id)
        return await queries.forecast(person_id, data)

    @get(
        "/pace",
        operation_id="GetPace",
        summary="How much longer than others the member takes, and the times that this follows from",
        guards=[signed_in],
    )
    async def get_pace(self, person_id: UUID, actor: Actor, access: Access) -> MemberPace:
        await access.require_close(actor, person_id, reads=True)
        return await queries.pace_of(person_id)

    @put(
        "/assignments/{assignment_id:uuid}/typical",
        operation_id="StateTypical",
        summary="Say, as the member, whether its time is a measure of how long they take",
        guards=[signed_in],
    )
    async def state_typical(
        self, person_id: UUID, assignment_id: UUID, data: Typical, actor: Actor, access: Access
    ) -> MemberPace:
        await access.require_close(actor, person_id)
        if not actor.is_person(person_id):
            raise Forbidden("Only the member says whether a time of theirs counts.")
        return await queries.mark(person_id, assignment_id, typical=data.typical)


class CalibrationController(Controller):
    path = "/forecasts"
    tags = ("forecasts",)

    @get(
        "/calibration",
        operation_id="GetCalibration",
        summary="How good forecasts of committed lists were, of all members together",
        guards=[allow("member", "mentor", "coordinator", "staff")],
    )
    async def get_calibration(self) -> Calibration:
        return await calibration()
