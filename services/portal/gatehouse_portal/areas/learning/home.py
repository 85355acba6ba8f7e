"""My way, the member's home: what to go on with, what is agreed until when, what comes, and what is done.

One answer of curriculum says all of it, however long the plan is; topics is asked once for what is shown. While topics
doesn't answer, things have the names that they had when they were assigned.
"""

import asyncio
import itertools
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.learning.goals import HORIZONS
from gatehouse_portal.areas.learning.structs import Assignment, Expected, MemberWay, Part, Person, Planning, Resource
from gatehouse_portal.areas.learning.view import STANDINGS, Item
from gatehouse_portal.shell.peers import Away, Peers, by_id, or_away, or_none

MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
PLACE = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
# Filters of the timeline, kept by its links.
FILTERS = ("skill", "month", "before")


class WayPath(msgspec.Struct, frozen=True):
    """A path of the plan, or what is in none; `parts` are its topics."""

    name: str
    parts: list[Part]

    @property
    def completed(self) -> int:
        return sum(part.completed for part in self.parts)

    @property
    def total(self) -> int:
        return sum(part.completed + part.now + part.next + part.later for part in self.parts)

    @property
    def started_at(self) -> datetime | None:
        """The first start of any of its resources."""
        return min((part.started_at for part in self.parts if part.started_at), default=None)


class WayView(msgspec.Struct, frozen=True, kw_only=True):
    """What the home shows. `asked`: the timeline's filters; `mentor`: who to ask; `just`: what was just completed."""

    way: MemberWay
    person_id: UUID
    goes_on: Item | None
    now: list[Item]
    next: list[Item]
    completed: list[tuple[str, list[Item]]]
    paths: list[WayPath]
    asked: dict[str, str]
    mentor: Person | None
    names: dict[UUID, str]
    at: datetime
    just: UUID | None = None
    away: Away | None = None
    # As the page of the plan has them, so that both are made of the same pieces.
    own: bool = True
    edits: bool = False

    @property
    def curriculum(self) -> MemberWay:
        return self.way

    @property
    def planning(self) -> Planning:
        return self.way.planning

    @property
    def is_over(self) -> bool:
        period = self.planning.period
        return period is not None and period.ends_at <= self.at

    @property
    def learns(self) -> bool:
        return self.way.archived_at is None

    @property
    def ahead(self) -> list[Expected]:
        return [one for one in self.way.expected if one.latest and self.way.counts.get(one.state)]

    @property
    def just_done(self) -> Item | None:
        return next((item for _, items in self.completed for item in items if item.assignment.id == self.just), None)

    def by(self, account: UUID | None) -> str:
        return self.names.get(account, "somebody") if account else "somebody"


async def load(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't a member. Raises Away where curriculum doesn't answer."""
    if actor.person is None or "member" not in actor.roles:
        return None
    asked = {name: request.query_params.get(name, "")[:200] for name in FILTERS}
    if not MONTH.fullmatch(asked["month"]):
        asked["month"] = ""
    if not PLACE.fullmatch(asked["before"]):
        asked["before"] = ""
    peers: Peers = request.app.state.peers
    before = int(asked["before"]) if asked["before"] else None
    skill, month = asked["skill"] or None, asked["month"] or None
    way, mentor = await asyncio.gather(
        or_none(
            peers.get(
                "curriculum",
                f"/api/curriculum/curricula/{actor.person}/way",
                MemberWay,
                skill=skill,
                month=month,
                before=before,
            )
        ),
        or_away(_mentor(peers, actor.person)),
    )
    if way is None:
        return {"view": None, "horizons": HORIZONS}
    known = mentor if isinstance(mentor, Person) else None
    view = await _view(peers, actor.person, way, known, asked, _id(request.query_params.get("just")))
    return {"view": view, "horizons": HORIZONS}


async def _view(
    peers: Peers, person: UUID, way: MemberWay, mentor: Person | None, asked: dict[str, str], just: UUID | None
) -> WayView:
    ids = {one.resource_id for one in way.shown()}
    resources = await or_away(by_id(peers, "resources", ids, Resource)) if ids else {}
    known = {} if isinstance(resources, Away) else resources
    mine = {one.account_id for one in way.people if one.person_id == person}

    def items(assignments: Iterable[Assignment]) -> list[Item]:
        return [Item(one, known.get(one.resource_id), True, may_remove=one.assigned_by in mine) for one in assignments]

    names = {one.account_id: STANDINGS.get(one.standing, "somebody") for one in way.people}
    names |= {one.account_id: mentor.name for one in way.people if mentor and one.person_id == mentor.id}
    names |= dict.fromkeys(mine, "you")
    return WayView(
        way=way,
        person_id=person,
        goes_on=next(iter(items([way.goes_on])), None) if way.goes_on else None,
        now=items(way.now),
        next=items(way.next),
        completed=_by_month(items(way.completed)),
        paths=_paths(way.parts),
        asked={name: value for name, value in asked.items() if value},
        mentor=mentor,
        names=names,
        at=datetime.now(UTC),
        just=just,
        away=resources if isinstance(resources, Away) else None,
    )


async def _mentor(peers: Peers, person: UUID) -> Person | None:
    own = await or_none(peers.get("person", f"/api/person/people/{person}", Person))
    if own is None or own.mentor_id is None:
        return None
    return await or_none(peers.get("person", f"/api/person/people/{own.mentor_id}", Person))


def _by_month(items: Iterable[Item]) -> list[tuple[str, list[Item]]]:
    """Runs of one month (`2026-05`), in the order in which they are."""

    def month(item: Item) -> str:
        at = item.assignment.completed_at
        return f"{at.astimezone(UTC):%Y-%m}" if at else ""

    return [(name, list(run)) for name, run in itertools.groupby(items, key=month)]


def _paths(parts: Iterable[Part]) -> list[WayPath]:
    """The topics of each path together, the path first that comes first."""
    found: dict[UUID | None, list[Part]] = {}
    for part in parts:
        found.setdefault(part.path_id, []).append(part)
    return [WayPath(_name(path, of), of) for path, of in found.items()]


def _name(path: UUID | None, parts: list[Part]) -> str:
    if path is None:
        return "Single topics and resources"
    return next((part.path_name for part in parts if part.path_name), "A learning path")


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
