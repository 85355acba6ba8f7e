"""Who sees and does what of encounters. What the caller is to the member is asked of person, with the caller's token.

The mentor of an encounter is its *author*: they write in it, and what they mark private nobody else sees. Whoever
mentors the member now sees what is shared of all of the member's encounters; a former mentor only of their own, and
writes nothing any more but what is open.
"""

from typing import Literal, Protocol
from uuid import UUID

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.base.problems import Forbidden, NotFound
from gatehouse_encounter.peers import PersonZone, Relationship

Standing = Literal["member", "author", "mentor", "coordination"]
"""What the caller is to an encounter: the member, its mentor, the member's present mentor, or a coordinator."""


class Pair(Protocol):
    """An encounter, as far as it says who meets."""

    @property
    def member_id(self) -> UUID: ...
    @property
    def mentor_id(self) -> UUID: ...


class EncounterAccess:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def standing(self, actor: Actor, pair: Pair) -> Standing:
        """Raises NotFound for whoever may not see it, Unavailable when person would have to be asked and is away."""
        if actor.is_person(pair.mentor_id):
            return "author"
        if actor.is_person(pair.member_id):
            return "member"
        if actor.has("coordinator"):
            return "coordination"
        if await self.mentors(actor, pair.member_id):
            return "mentor"
        raise NotFound("There is no such encounter.")

    async def author(self, actor: Actor, pair: Pair) -> None:
        """Raises NotFound for whoever may not see it, Forbidden for who isn't its mentor."""
        if await self.standing(actor, pair) != "author":
            raise Forbidden("Only the mentor of this encounter writes in it.")

    async def reads_as_author(self, actor: Actor, pair: Pair) -> None:
        """Raises NotFound for who isn't its mentor."""
        if await self.standing(actor, pair) != "author":
            raise NotFound("There is no such text.")

    async def planner(self, actor: Actor, pair: Pair) -> None:
        """Who plans for the two: the member's mentor for themself, or a coordinator."""
        if actor.has("coordinator"):
            return
        if actor.is_person(pair.mentor_id) and await self.mentors(actor, pair.member_id):
            return
        if actor.is_person(pair.member_id) or actor.is_person(pair.mentor_id):
            raise Forbidden("This is for the member's present mentor, or a coordinator.")
        raise NotFound("There is no such member.")

    async def about(self, actor: Actor, member: UUID) -> Literal["member", "mentor", "coordination"]:
        """What the caller is to a member. Raises NotFound for whoever is nothing to them."""
        if actor.is_person(member):
            return "member"
        if actor.has("coordinator"):
            return "coordination"
        if await self.mentors(actor, member):
            return "mentor"
        raise NotFound("There is no such member.")

    async def mentors(self, actor: Actor, member: UUID) -> bool:
        """Whether the caller mentors the member now."""
        if actor.person is None or not actor.has("mentor"):
            return False
        client = self._service.call("person")
        answer = await client.find(f"/api/person/people/{member}/relationship", Relationship, token=actor.token)
        return answer is not None and answer.relationship == "mentor"

    async def time_zone(self, actor: Actor, person: UUID) -> str | None:
        """The person's, as person knows it."""
        client = self._service.call("person")
        answer = await client.find(f"/api/person/people/{person}", PersonZone, token=actor.token)
        return answer.time_zone if answer else None
