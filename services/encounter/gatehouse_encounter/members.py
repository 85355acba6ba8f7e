"""Lists of one member's: a mentor asks for those of a member of theirs with `?member=`."""

from typing import Any
from uuid import UUID

from litestar import Request

from gatehouse_chassis import Actor
from gatehouse_encounter.access import EncounterAccess


async def member_in(request: Request[Any, Any, Any], actor: Actor, access: EncounterAccess) -> UUID | None:
    """The member that a list is asked for, where the caller mentors them now; else None."""
    given = request.query_params.getall("member", [])
    if len(given) != 1 or actor.has("coordinator"):
        return None
    try:
        member = UUID(given[0])
    except ValueError:
        return None
    return member if not actor.is_person(member) and await access.mentors(actor, member) else None
