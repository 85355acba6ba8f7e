"""Who changes a profile."""

from gatehouse_chassis import Actor
from gatehouse_person.relationships import RelationshipFacts
from gatehouse_person.roles import STAFF


def changes_profile(actor: Actor, person: RelationshipFacts) -> bool:
    return actor.is_person(person.id) or actor.has(*STAFF)
