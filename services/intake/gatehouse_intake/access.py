"""Who sees and decides about those who come."""

from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Forbidden, NotFound

COORDINATORS = ("coordinator", "staff")


def refuse_others(actor: Actor, person_id: UUID) -> None:
    """Raises NotFound for who is neither the person nor a coordinator."""
    if not (actor.is_person(person_id) or actor.has(*COORDINATORS)):
        raise NotFound("There is no such person.")


def person_of(actor: Actor) -> UUID:
    """Raises Forbidden for an account that is nobody's."""
    if actor.person is None:
        raise Forbidden("Your account belongs to nobody whom the institute knows.")
    return actor.person
