"""Who sees a person's consents."""

from gatehouse_chassis import Actor
from gatehouse_person.relationships import RelationshipFacts
from gatehouse_person.roles import STAFF


def sees_consents(actor: Actor, person: RelationshipFacts) -> bool:
    """Consents are between the person and the institute: mentors don't see them."""
    return actor.is_person(person.id) or actor.has(*STAFF)
