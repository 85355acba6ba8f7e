"""How many members mentors take, over HTTP: they say it themselves, on the page or by one click in a mail."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.base.problems import Forbidden, NotFound
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import Guard, allow, signed_in
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_chassis.lists.listing import Page
from gatehouse_intake.access import COORDINATORS, refuse_others
from gatehouse_intake.mentor import queries
from gatehouse_intake.mentor.queries import CAPACITIES
from gatehouse_intake.mentor.structs import MentorCapacity, NewMentorCapacity, PulseAnswer, PulseLink
from gatehouse_intake.sign_up.structs import Received

PAGE = "/still-with-us"
"""Where the portal shows a link to its holder."""


class MentorController(Controller):
    path = "/mentors"
    tags = ("matching",)

    @get(
        operation_id="ListMentors",
        operation_class=CAPACITIES.operation,
        guards=[allow(*COORDINATORS)],
        summary="How many members mentors take",
    )
    async def list_mentors(self, request: Request[Any, Any, Any]) -> Page[MentorCapacity]:
        return await CAPACITIES.page(request.query_params)

    @get("/{person_id:uuid}", operation_id="GetMentor", guards=[signed_in], summary="How many members a mentor takes")
    async def get_mentor(self, person_id: UUID, actor: Actor) -> Response[MentorCapacity]:
        refuse_others(actor, person_id)
        found = (await queries.capacities_of([person_id])).get(person_id)
        if found is None:
            raise NotFound("They haven't said how many members they take.")
        return versioned(found)

    @put(
        "/{person_id:uuid}",
        operation_id="PutMentor",
        guards=[signed_in],
        summary="Say how many members a mentor takes, or that they pause",
    )
    async def put_mentor(self, person_id: UUID, data: NewMentorCapacity, actor: Actor) -> Response[MentorCapacity]:
        refuse_others(actor, person_id)
        if not actor.has("mentor", *COORDINATORS):
            raise Forbidden("This is for mentors. Apply to become one first.")
        return versioned(await queries.put(person_id, data, actor))

    @post(
        "/{id:uuid}/seen",
        operation_id="NoteSilentMentor",
        guards=[allow(*COORDINATORS)],
        status_code=200,
        summary="Take note that a mentor was paused for not answering",
    )
    async def seen(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[MentorCapacity]:
        return versioned(await queries.note_seen(id, required_version(if_match), actor))

    @post(
        "/answers",
        operation_id="AnswerPulse",
        guards=[anonymous(per_minute=30, at_once=20)],
        status_code=200,
        summary="Say that one is still with us, by the link in the mail",
    )
    async def answer(self, data: PulseAnswer) -> Received:
        await queries.answer(data.token, data.members_max)
        return Received(received=True)


def pulse_link_route(guard: Guard) -> HTTPRouteHandler:
    """POST /mentors/ID/link, for who passes `guard`: the service that sends mails, never people."""

    @post(
        "/mentors/{id:uuid}/link",
        operation_id="IssuePulseLink",
        guards=[guard],
        status_code=200,
        summary="A new link by which a mentor answers; the previous one no longer works",
        tags=["matching"],
    )
    async def issue_link(id: UUID, service: ServiceContext) -> Response[PulseLink]:
        link = PulseLink(url=f"{service.public_url}{PAGE}/{await queries.new_link(id)}")
        return Response(link, headers={"Cache-Control": "no-store"})

    return issue_link


async def ask_mentors(run: JobRun) -> None:
    """The job."""
    await queries.ask_due(run.now)
