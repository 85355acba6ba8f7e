"""Introductions over HTTP: coordinators say when one is, and that it was held."""

from uuid import UUID

from litestar import Controller, Response, post
from litestar.datastructures import State

from gatehouse_chassis import Actor
from gatehouse_chassis.base.fields import refuse_odd_times
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_intake.access import COORDINATORS
from gatehouse_intake.introduction.people import People
from gatehouse_intake.introduction.structs import IntroductionTime
from gatehouse_intake.sign_up import queries
from gatehouse_intake.sign_up.structs import SignUp
from gatehouse_intake.tables import DB


class IntroductionController(Controller):
    """person is told first, as it decides who times out: repeating what was interrupted does the rest."""

    path = "/sign-ups/{id:uuid}/introduction"
    tags = ("introductions",)
    guards = (allow(*COORDINATORS),)

    @post(operation_id="ScheduleIntroduction", status_code=200, summary="Say when the introduction is")
    async def schedule(
        self, id: UUID, data: IntroductionTime, actor: Actor, state: State, if_match: IfMatch = None
    ) -> Response[SignUp]:
        refuse_odd_times(data)
        version, people = required_version(if_match), state.people
        assert isinstance(people, People)
        person_id = await queries.person_of(id, version, "scheduled")
        await people.schedule(person_id, data.at)
        return versioned(await queries.introduce(id, version, "scheduled", actor))

    @post("/held", operation_id="HoldIntroduction", status_code=200, summary="Say that the introduction was held")
    async def hold(self, id: UUID, actor: Actor, state: State, if_match: IfMatch = None) -> Response[SignUp]:
        version, people = required_version(if_match), state.people
        assert isinstance(people, People)
        person_id = await queries.person_of(id, version, "introduced")
        await people.hold(person_id, await DB.now())
        return versioned(await queries.introduce(id, version, "introduced", actor))
