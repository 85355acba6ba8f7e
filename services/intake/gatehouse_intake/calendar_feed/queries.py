"""All SQL about calendar feeds."""

import hashlib
import secrets
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_intake import tables
from gatehouse_intake.calendar_feed.structs import CalendarFeed
from gatehouse_intake.tables import DB

_table = tables.CalendarFeed
FEED = Repository(_table, CalendarFeed)
_OF = DB.prepare(_table.select(*columns_for(CalendarFeed, _table)).where(_table.person_id == arg(1)), CalendarFeed)
_WHOSE = DB.prepare(_table.select(_table.person_id).where(_table.token_hash == arg(1)))
_REVOKE = DB.prepare(_table.delete().where(_table.person_id == arg(1)))


async def of_person(person_id: UUID) -> CalendarFeed:
    found = await _OF.one(person_id)
    if found is None:
        raise NotFound("You have no calendar address.")
    return found


async def renew(person_id: UUID, by: Actor) -> str:
    """The last part of a new address; the one before no longer works."""
    token = secrets.token_urlsafe(32)
    async with DB.transaction():
        await DB.advisory_lock(f"intake.calendar_feed.{person_id}")
        known = await _OF.one(person_id)
        values = {"token_hash": _digest(token)}
        if known is None:
            await FEED.insert({"person_id": person_id, **values}, by=by)
        else:
            await FEED.change(known.id, known.version, values, by=by)
    return token


async def revoke(person_id: UUID) -> None:
    await _REVOKE.execute(person_id)


async def whose(token: str) -> UUID:
    """Raises NotFound for an address that is unknown, replaced or revoked."""
    found = await _WHOSE.value(_digest(token))
    if found is None:
        raise NotFound("There is no such calendar.")
    return found


def _digest(token: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
