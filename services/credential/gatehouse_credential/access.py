"""Who sees, proposes and confirms. What the caller is to a person is asked of person, with the caller's own token."""

from uuid import UUID

from gatehouse_chassis import Actor, ServiceContext
from gatehouse_chassis.base.problems import Forbidden, NotFound
from gatehouse_credential.peers import Relationship

EDITORS = ("coordinator", "staff")
CONFIRMERS = ("mentor", "coordinator", "staff")
COORDINATORS = ("coordinator", "staff")


class MemberAccess:
    def __init__(self, service: ServiceContext) -> None:
        self._service = service

    async def mentors(self, actor: Actor, person: UUID) -> bool:
        """Whether the caller mentors the person now. Raises Unavailable where person doesn't answer."""
        if actor.person is None or not actor.has("mentor"):
            return False
        client = self._service.call("person")
        answer = await client.find(f"/api/person/people/{person}/relationship", Relationship, token=actor.token)
        return answer is not None and answer.relationship == "mentor"

    async def require_proposer(self, actor: Actor, person: UUID) -> None:
        """For the person's mentor and coordinators. Raises NotFound for others, Forbidden for the person."""
        if actor.is_person(person):
            raise Forbidden("Nobody proposes a certificate for themself: ask your mentor.")
        if not (actor.has(*COORDINATORS) or await self.mentors(actor, person)):
            raise NotFound("There is no such person.")

    async def require_reader(self, actor: Actor, person: UUID) -> None:
        """For the person, their mentor and coordinators. Raises NotFound for others."""
        if not (actor.is_person(person) or actor.has(*COORDINATORS) or await self.mentors(actor, person)):
            raise NotFound("There is no such person.")


def person_of(actor: Actor) -> UUID:
    """Raises Forbidden for an account that is nobody's."""
    if actor.person is None:
        raise Forbidden("Your account belongs to nobody whom the institute knows.")
    return actor.person
