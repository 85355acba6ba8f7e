"""Who could learn with whom: mentors with room, three members each with the reasons, and what came of introductions."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_portal.areas.joining.board import MOST, by_coordinators, version_of
from gatehouse_portal.areas.joining.match_structs import (
    Match,
    MentorCapacity,
    MentorshipOfMentor,
    NamedPerson,
    Suggestions,
)
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Away, Peers, or_away, or_none
from gatehouse_portal.shell.structs import Page
from gatehouse_portal.shell.toast import Toast, see_with

PAGE = "/joining/matching"
SOMEBODY = "Somebody"


class ShownMentor(msgspec.Struct, frozen=True, kw_only=True):
    """A mentor, by name, and how many members they have."""

    capacity: MentorCapacity
    name: str
    members: int

    @property
    def left(self) -> int:
        return 0 if self.capacity.paused_at else max(0, self.capacity.members_max - self.members)


class MatchingTasks(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a coordinator: pairs that aren't in touch, and mentors who went silent."""

    silent: list[Match]
    gone: list[MentorCapacity]
    names: dict[UUID, str]


@get(PAGE, guards=[by_coordinators], include_in_schema=False)
async def matching(request: Request[Any, Any, Any], peers: Peers) -> Response[Any]:
    capacities, mentorships, tasks = await asyncio.gather(
        peers.get("intake", "/api/intake/mentors", Page[MentorCapacity], limit=MOST),
        peers.get("person", "/api/person/mentor-assignments", Page[MentorshipOfMentor], ended="false", limit=MOST),
        tasks_of(peers),
    )
    members = Counter(one.mentor_id for one in mentorships.items)
    names = await names_of(peers, (one.person_id for one in capacities.items))
    mentors = [
        ShownMentor(capacity=one, name=names.get(one.person_id, SOMEBODY), members=members[one.person_id])
        for one in capacities.items
    ]
    mentors.sort(key=lambda one: (-one.left, one.name))
    return page(request, "joining/matching.html", mentors=mentors, tasks=tasks)


@get(f"{PAGE}/{{mentor:uuid}}", guards=[by_coordinators], include_in_schema=False)
async def suggestions(request: Request[Any, Any, Any], peers: Peers, mentor: UUID) -> Response[Any]:
    return await _suggestions(request, peers, mentor)


@post(f"{PAGE}/{{mentor:uuid}}/{{member:uuid}}", guards=[by_coordinators], include_in_schema=False)
async def introduce(request: Request[Any, Any, Any], peers: Peers, mentor: UUID, member: UUID) -> Response[Any]:
    body = {"mentor_id": str(mentor), "member_id": str(member)}
    try:
        await peers.ask("intake", "POST", "/api/intake/matches", Match, json=body)
    except Conflict as refused:
        return await _suggestions(request, peers, mentor, problem=refused.detail or "They can’t be introduced.")
    names = await names_of(peers, (mentor, member))
    text = f"{names.get(member, SOMEBODY)} and {names.get(mentor, SOMEBODY)} are introduced. Both get a mail."
    return see_with(request, PAGE, Toast(text))


@post(f"{PAGE}/matches/{{id:uuid}}/started", guards=[by_coordinators], include_in_schema=False)
async def started(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    version = version_of(await request.form())
    await peers.ask("intake", "POST", f"/api/intake/matches/{id}/started", Match, version=version)
    return see_with(request, PAGE, Toast("They are in touch."))


@post(f"{PAGE}/mentors/{{id:uuid}}/seen", guards=[by_coordinators], include_in_schema=False)
async def seen(request: Request[Any, Any, Any], peers: Peers, id: UUID) -> Response[Any]:
    version = version_of(await request.form())
    await peers.ask("intake", "POST", f"/api/intake/mentors/{id}/seen", MentorCapacity, version=version)
    return see_with(request, PAGE, Toast("Noted. They stay paused until they answer."))


async def load_home(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """On a coordinator's home: what waits for them; None where nothing does."""
    if "coordinator" not in actor.roles:
        return None
    tasks = await tasks_of(request.app.state.peers)
    return {"tasks": tasks} if tasks.silent or tasks.gone else None


async def tasks_of(peers: Peers) -> MatchingTasks:
    silent, gone = await asyncio.gather(
        peers.get("intake", "/api/intake/matches", Page[Match], silent="true", limit=MOST),
        peers.get("intake", "/api/intake/mentors", Page[MentorCapacity], pause="silent", seen="false", limit=MOST),
    )
    people = [one.person_id for one in gone.items]
    people += [id for one in silent.items for id in (one.member_id, one.mentor_id)]
    return MatchingTasks(silent=silent.items, gone=gone.items, names=await names_of(peers, people))


async def names_of(peers: Peers, people: Iterable[UUID]) -> dict[UUID, str]:
    """Of those whom the reader may know."""
    return {id: one.name for id, one in (await people_of(peers, people)).items()}


async def people_of(peers: Peers, people: Iterable[UUID]) -> dict[UUID, NamedPerson]:
    wanted = list(dict.fromkeys(people))
    answers = await asyncio.gather(
        *(or_away(or_none(peers.get("person", f"/api/person/people/{id}", NamedPerson))) for id in wanted)
    )
    return {one.id: one for one in answers if one is not None and not isinstance(one, Away)}


async def _suggestions(
    request: Request[Any, Any, Any], peers: Peers, mentor: UUID, *, problem: str = ""
) -> Response[Any]:
    found, people = await asyncio.gather(
        peers.get("intake", f"/api/intake/mentors/{mentor}/suggestions", Suggestions), people_of(peers, [mentor])
    )
    if mentor not in people:
        raise NotFound
    return page(
        request,
        "joining/suggestions.html",
        status=409 if problem else 200,
        mentor=people[mentor],
        found=found,
        problem=problem,
    )


ROUTES: tuple[ControllerRouterHandler, ...] = (matching, suggestions, introduce, started, seen)
