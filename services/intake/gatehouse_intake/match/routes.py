"""Who could learn with whom, over HTTP: suggestions with reasons, and one request that introduces two."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.http.etags import IfMatch, created, required_version, versioned
from gatehouse_chassis.http.guards import Guard, allow, signed_in
from gatehouse_chassis.jobs.structs import JobRun
from gatehouse_chassis.lists.listing import Page
from gatehouse_intake.access import COORDINATORS
from gatehouse_intake.availability.queries import availability_of
from gatehouse_intake.match import queries, rules
from gatehouse_intake.match.people import Mentorships
from gatehouse_intake.match.queries import MATCH, MATCHES
from gatehouse_intake.match.structs import Match, NewMatch, ProposedTimes, Suggestion, Suggestions
from gatehouse_intake.mentor.queries import capacities_of
from gatehouse_intake.tables import DB

PATH = "/api/intake/matches"


class MatchController(Controller):
    tags = ("matching",)

    @get(
        "/mentors/{person_id:uuid}/suggestions",
        operation_id="SuggestMembers",
        guards=[allow(*COORDINATORS)],
        summary="Three members who wait and fit a mentor, with the reasons",
    )
    async def suggest(self, person_id: UUID, state: State) -> Suggestions:
        return await _suggestions(person_id, state.mentorships)

    @post(
        "/matches",
        operation_id="IntroducePair",
        guards=[allow(*COORDINATORS)],
        status_code=201,
        summary="Introduce a member and a mentor: both are told, and the mentor mentors them from now on",
        description="The same pair again goes on where it was interrupted, and answers as before.",
    )
    async def introduce(self, data: NewMatch, actor: Actor, state: State) -> Response[Match]:
        people: Mentorships = state.mentorships
        async with DB.transaction():
            row = await queries.awaited(data.mentor_id, data.member_id)
        if row is None:
            found = await _suggestions(data.mentor_id, people, data.member_id)
            if found.refusal is not None:
                raise Conflict(found.refusal)
            if not found.items:
                raise Conflict(
                    "These two don't fit: no shared hour or language, or the member has a mentor or doesn't wait."
                )
            row = await queries.propose(data, found.items[0], found.left, actor)
            await _refuse_too_many(row, people, actor)
        if row.state == "proposed":
            try:
                await people.begin(row.id, row.mentor_id, row.member_id)
            except Conflict:
                await queries.withdraw(row.id, actor)
                raise
            row = await queries.introduce(row.id, actor)
        return created(row, f"{PATH}/{row.id}")

    @get(
        "/matches",
        operation_id="ListMatches",
        operation_class=MATCHES.operation,
        guards=[signed_in],
        summary="Who was introduced to whom; of others only coordinators see it",
    )
    async def list_matches(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Match]:
        where = [] if actor.has(*COORDINATORS) else [queries.own(actor)]
        return await MATCHES.page(request.query_params, where=where)

    @post(
        "/matches/{id:uuid}/started",
        operation_id="StartMatch",
        guards=[signed_in],
        status_code=200,
        summary="Say that the two are in touch",
    )
    async def started(self, id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Match]:
        row = await MATCH.get(id)
        if not (actor.has(*COORDINATORS) or actor.is_person(row.mentor_id) or actor.is_person(row.member_id)):
            raise NotFound("There is no such match.")
        return versioned(await queries.say_started(id, required_version(if_match), actor))


def proposed_times_route(guard: Guard) -> HTTPRouteHandler:
    """For who passes `guard`: the service that writes to the two."""

    @get(
        "/matches/times/{one:uuid}/{other:uuid}",
        operation_id="GetProposedTimes",
        guards=[guard],
        summary="When two who were just introduced both have time",
        tags=["matching"],
    )
    async def proposed_times(one: UUID, other: UUID) -> ProposedTimes:
        return ProposedTimes(times=list(await queries.times_for(one, other)))

    return proposed_times


async def watch_matches(run: JobRun) -> None:
    """The job."""
    await queries.note_silent(run.now)


async def _refuse_too_many(row: Match, people: Mentorships, by: Actor) -> None:
    """Whoever introduced another member to this mentor meanwhile was first. Raises Conflict."""
    if row.state != "proposed":
        return
    capacity = (await capacities_of([row.mentor_id])).get(row.mentor_id)
    members = await people.members_of(row.mentor_id)
    if capacity is None or rules.places_left(capacity, members) < await queries.proposed_to(row.mentor_id):
        await queries.withdraw(row.id, by)
        raise Conflict("This mentor takes nobody else right now.")


async def _suggestions(mentor_id: UUID, people: Mentorships, only: UUID | None = None) -> Suggestions:
    """`only`: whether this member fits, whoever else does."""
    mentor, waiting = await people.mentor(mentor_id), await people.waiting()
    mentored = await people.mentored([one.id for one in waiting if only is None or one.id == only])
    chosen = [one for one in waiting if (only is None or one.id == only) and one.id not in mentored]
    stated = await availability_of([mentor_id, *(one.id for one in chosen)])
    capacity = (await capacities_of([mentor_id])).get(mentor_id)
    members = await people.members_of(mentor_id)
    side = rules.side_of(mentor, stated.get(mentor_id))
    refusal = rules.refusal_of(side, capacity, members)
    items: list[Suggestion] = []
    if refusal is None and side is not None and capacity is not None:
        items = rules.suggestions(side, capacity, members, chosen, stated, await DB.now())
    left = 0 if capacity is None else rules.places_left(capacity, members)
    return Suggestions(mentor_id=mentor_id, left=left, refusal=refusal, items=items)
