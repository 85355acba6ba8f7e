"""A member goes to another mentor: what that ends, what stays, and who has room for them.

What the former mentor shared stays readable for the next one; what they wrote for themself stays theirs alone. The two
steps, ending and beginning, are person's; where the second is refused the page says so and offers it again.
"""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound, StaleVersion
from gatehouse_portal.areas.encounters.forms import version_of
from gatehouse_portal.areas.encounters.structs import (
    Brief,
    HandedOver,
    MentoringPerson,
    MentorWithRoom,
    SeriesInList,
)
from gatehouse_portal.areas.encounters.view import brief_of
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Peers, or_away, or_none
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

PAGE = "/members/{member_id:uuid}/mentor"
COORDINATORS = ("coordinator",)
MENTORED = ("onboarding", "matching", "active", "hold")
MOST = 200


class MentorChoice(msgspec.Struct, frozen=True):
    """Somebody who has room for another member."""

    person: MentoringPerson
    members: int
    members_max: int


class ChangeOfMentor(msgspec.Struct, frozen=True, kw_only=True):
    """`present`: the mentorship that would end; `series`: that of the two who meet now."""

    member: MentoringPerson
    present: HandedOver | None
    mentor: MentoringPerson | None
    choices: list[MentorChoice]
    brief: Brief
    series: SeriesInList | None


@get(PAGE, guards=[guards.pages_for(*COORDINATORS)], include_in_schema=False)
async def show(request: Request[Any, Any, Any], peers: Peers, member_id: UUID) -> Response[Any]:
    return await _shown(request, peers, member_id)


@post(PAGE, guards=[guards.pages_for(*COORDINATORS)], include_in_schema=False)
async def hand_over(request: Request[Any, Any, Any], peers: Peers, member_id: UUID) -> Response[Any]:
    form = await request.form()
    mentor, present = str(form.get("mentor") or ""), str(form.get("present") or "")
    reason = " ".join(str(form.get("reason") or "").split()) or None
    if not mentor:
        return await _shown(request, peers, member_id, problem="Choose who mentors them from now on.")
    try:
        if present:
            path = f"/api/person/mentor-assignments/{UUID(present)}/end"
            await peers.ask("person", "POST", path, HandedOver, json={"reason": reason}, version=version_of(form))
        new = {"member_id": str(member_id), "mentor_id": str(UUID(mentor))}
        await peers.ask("person", "POST", "/api/person/mentor-assignments", HandedOver, json=new)
    except (Conflict, Invalid, StaleVersion) as refused:
        problem = "; ".join(one.message for one in refused.errors) or refused.detail
        return await _shown(request, peers, member_id, problem=problem or "This can’t be done right now.")
    except ValueError:
        return await _shown(request, peers, member_id, problem="Open the page again.")
    names = await _people(peers, [member_id, UUID(mentor)])
    member, other = (names[id].name if id in names else "Somebody" for id in (member_id, UUID(mentor)))
    return see_with(request, f"/members/{member_id}", Toast(f"{other} mentors {member} from now on. All are told."))


async def _shown(request: Request[Any, Any, Any], peers: Peers, member_id: UUID, *, problem: str = "") -> Response[Any]:
    found = await _handover(peers, member_id)
    return page(request, "encounters/handover.html", status=409 if problem else 200, found=found, problem=problem)


async def _handover(peers: Peers, member_id: UUID) -> ChangeOfMentor:
    mentorships, capacities, brief, series = await asyncio.gather(
        peers.get("person", "/api/person/mentor-assignments", Page[HandedOver], ended="false", limit=MOST),
        peers.get("intake", "/api/intake/mentors", Page[MentorWithRoom], limit=MOST),
        brief_of(peers, member_id),
        peers.get("encounter", "/api/encounter/series", Page[SeriesInList], member=str(member_id), ended="false"),
    )
    mine = await peers.get(
        "person", "/api/person/mentor-assignments", Page[HandedOver], member=str(member_id), ended="false"
    )
    present = mine.items[0] if mine.items else None
    counts = Counter(one.mentor_id for one in mentorships.items)
    room = {one.person_id: one for one in capacities.items if counts[one.person_id] < one.takes}
    people = await _people(peers, [member_id, *room, *([present.mentor_id] if present else [])])
    if member_id not in people or brief is None:
        raise NotFound
    choices = [
        MentorChoice(people[id], counts[id], one.takes)
        for id, one in room.items()
        if id in people
        and people[id].status == "active"
        and id != member_id
        and not (present and id == present.mentor_id)
    ]
    choices.sort(key=lambda one: (one.members / one.members_max, one.person.name))
    return ChangeOfMentor(
        member=people[member_id],
        present=present,
        mentor=people.get(present.mentor_id) if present else None,
        choices=choices,
        brief=brief,
        series=next((one for one in series.items if present and one.mentor_id == present.mentor_id), None),
    )


async def _people(peers: Peers, ids: list[UUID]) -> dict[UUID, MentoringPerson]:
    wanted = list(dict.fromkeys(ids))
    answers = await asyncio.gather(
        *(or_away(or_none(peers.get("person", f"/api/person/people/{id}", MentoringPerson))) for id in wanted)
    )
    return {one.id: one for one in answers if isinstance(one, MentoringPerson)}


ROUTES: tuple[ControllerRouterHandler, ...] = (show, hand_over)
