"""Home: who I am, what I am learning, whom I mentor, and what I may open."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import OPERATOR_ROLES, Actor
from gatehouse_portal import guards, learning
from gatehouse_portal.learning import View
from gatehouse_portal.pages import page
from gatehouse_portal.peers import Away, Peers, or_away
from gatehouse_portal.structs import CurriculumInList, Page, Person
from gatehouse_portal.watch import ServiceStatus, Watch

SHOWN = 50


class Mentored(msgspec.Struct, frozen=True):
    """A member of mine and how far they are; None where that isn't known."""

    person: Person
    progress: CurriculumInList | None


@get("/", guards=[guards.person], include_in_schema=False)
async def home(request: Request, actor: Actor, peers: Peers, watch: Watch) -> Template:
    own, members, services = await asyncio.gather(
        or_away(_own(actor, peers)), or_away(_members(actor, peers)), _services(actor, watch)
    )
    return page(request, "home.html", own=own, members=members, services=services)


async def _own(actor: Actor, peers: Peers) -> View | None:
    if actor.person is None or "member" not in actor.roles:
        return None
    return await learning.view(peers, actor, actor.person)


async def _members(actor: Actor, peers: Peers) -> list[Mentored] | None:
    if actor.person is None or "mentor" not in actor.roles:
        return None
    people, curricula = await asyncio.gather(
        peers.get("person", "/api/person/people", Page[Person], mentor=str(actor.person), limit=SHOWN),
        or_away(_progress(actor, peers)),
    )
    known = {} if isinstance(curricula, Away) else curricula
    return [Mentored(person, known.get(person.id)) for person in people.items]


async def _progress(actor: Actor, peers: Peers) -> dict[Any, CurriculumInList]:
    found = await peers.get("curriculum", "/api/curriculum/curricula", Page[CurriculumInList], limit=200)
    return {one.person_id: one for one in found.items}


async def _services(actor: Actor, watch: Watch) -> list[ServiceStatus] | None:
    return await watch.all(actor.token) if actor.has(*OPERATOR_ROLES) else None


ROUTES: list[ControllerRouterHandler] = [home]
