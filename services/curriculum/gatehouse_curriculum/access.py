"""Who may do what with whose curriculum. The relationship is asked of person with the caller's own token.

Relationships are cached for a few seconds (the setting relationship_seconds): a page asks several times, and an ended
mentorship may count that much longer. "No relationship" isn't cached, so a new mentor needn't wait.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, get_args
from uuid import UUID

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.base.problems import Forbidden, NotFound
from gatehouse_chassis.lists.listing import Page
from gatehouse_curriculum.enumerators import Standing
from gatehouse_curriculum.peers import NamedPerson, Person, PersonZone, Relationship

Action = Literal[
    "read",
    "create",
    "assign",
    "start",
    "unstart",
    "complete",
    "state_minutes",
    "stop",
    "use",
    "reopen",
    "move",
    "unassign",
    "restore",
    "propose",
    "decline",
    "accept",
    "commit",
    "state_commitment",
    "set_goals",
    "write_texts",
]
EVERYTHING: frozenset[Action] = frozenset(get_args(Action))
# What only those who plan everything do.
PLANNERS_ONLY: frozenset[Action] = frozenset({"create", "accept", "commit"})

MAY: dict[Standing, frozenset[Action]] = {
    # Whether it is something that the member may move or take out, the rules say: it depends on who added it.
    "self": EVERYTHING - PLANNERS_ONLY,
    "mentorship": EVERYTHING,
    "coordination": EVERYTHING,
}

CACHED = 2_048
# Of 200 members each: no mentor has more.
MOST_PAGES = 5
Key = tuple[UUID, UUID | None, bool, UUID]


def standing_of(*, coordinates: bool, is_self: bool, relationship: str | None) -> Standing | None:
    """What the caller is to the person; None: someone who may not see the curriculum."""
    if coordinates:
        return "coordination"
    if is_self:
        return "self"
    return "mentorship" if relationship == "mentor" else None


class Access:
    def __init__(self, service: ServiceContext, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._fresh_for = service.settings.integer("relationship_seconds")
        self._cached: OrderedDict[Key, tuple[float, str]] = OrderedDict()

    async def require(self, actor: Actor, person: UUID, action: Action) -> Standing:
        """What the caller is to the person.

        Raises NotFound for whoever may not see the curriculum, Forbidden for whoever sees it but may not do this, and
        Unavailable when person would have to be asked and doesn't answer.
        """
        coordinates, is_self = actor.has("coordinator"), actor.is_person(person)
        relationship = None if coordinates or is_self else await self.relationship(actor, person)
        standing = standing_of(coordinates=coordinates, is_self=is_self, relationship=relationship)
        if standing is None:
            raise NotFound("There is no such curriculum.")
        if action not in MAY[standing]:
            raise Forbidden("This is for the person's mentor or a coordinator.")
        return standing

    async def require_close(self, actor: Actor, person: UUID, *, reads: bool = False) -> None:
        """For the member and their mentor alone. Raises NotFound for others; Forbidden for coordinators, unless what
        they ask for is only read."""
        if actor.is_person(person) or await self.relationship(actor, person) == "mentor":
            return
        await self.require(actor, person, "read")
        words = "This is for the member and their mentor."
        raise NotFound(words) if reads else Forbidden(words)

    async def relationship(self, actor: Actor, person: UUID) -> str | None:
        """What person says that the caller is to them; None when the caller may not see them."""
        key = (actor.account, actor.person, actor.has("mentor"), person)
        now = self._clock()
        known = self._cached.get(key)
        if known is not None and now - known[0] < self._fresh_for:
            return known[1]
        client = self._service.call("person")
        answer = await client.find(f"/api/person/people/{person}/relationship", Relationship, token=actor.token)
        if answer is None:
            self._cached.pop(key, None)
            return None
        self._cached[key] = (now, answer.relationship)
        self._cached.move_to_end(key)
        if len(self._cached) > CACHED:
            self._cached.popitem(last=False)
        return answer.relationship

    def forget(self, person: UUID) -> None:
        """Ask again what anybody is to this person: a relationship may have ended."""
        for key in [key for key in self._cached if key[-1] == person]:
            del self._cached[key]

    async def time_zone(self, actor: Actor, person: UUID) -> str | None:
        """The person's, as person knows it. Raises Unavailable when it doesn't answer: a guess would be stored."""
        client = self._service.call("person")
        answer = await client.find(f"/api/person/people/{person}", PersonZone, token=actor.token)
        return answer.time_zone if answer else None

    async def name(self, actor: Actor, person: UUID) -> str:
        """What the person is called. Raises Unavailable when person doesn't answer."""
        answer = await self._service.call("person").find(f"/api/person/people/{person}", NamedPerson, token=actor.token)
        return answer.name if answer else "a member"

    async def visible(self, actor: Actor) -> list[UUID] | None:
        """The people whose curricula the caller may see; None: everyone's."""
        if actor.has("coordinator"):
            return None
        if actor.person is None:
            return []
        people = [actor.person]
        if actor.has("mentor"):
            people += await self._members(actor)
        return people

    async def _members(self, actor: Actor) -> list[UUID]:
        client = self._service.call("person")
        params = {"mentor": str(actor.person), "limit": "200"}
        members: list[UUID] = []
        for _ in range(MOST_PAGES):
            page = await client.get("/api/person/people", Page[Person], params=params, token=actor.token)
            members += [person.id for person in page.items]
            if page.next is None:
                break
            params["cursor"] = page.next
        return members
