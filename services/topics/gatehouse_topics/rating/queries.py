"""All SQL about ratings."""

# ruff: noqa: S608 - lists of columns come from the code; what callers send goes as parameters

from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import StaleVersion
from gatehouse_topics.rating.structs import Opinion, RatingRow, Ratings
from gatehouse_topics.resource.queries import RESOURCE
from gatehouse_topics.tables import DB

_RATING = "id, version, resource_id, person_id, stars, note, created_at, changed_at"
_MINE = DB.prepare(f"select {_RATING} from rating where resource_id = $1 and person_id = $2", RatingRow)

_COUNTS = DB.prepare("select stars, count(*) from rating where resource_id = $1 group by stars")

_RATE = DB.prepare(
    "insert into rating (resource_id, person_id, stars, note, created_by, created_request, changed_by, "
    "changed_request, id) values ($1, $2, $3, $4, $5, $6, $5, $6, $7) "
    "on conflict (resource_id, person_id) do update set stars = $3, note = $4, changed_at = now(), changed_by = $5, "
    f"changed_request = $6, version = rating.version + 1 returning {_RATING}",
    RatingRow,
)
_RATE_AGAIN = DB.prepare(
    "update rating set stars = $3, note = $4, changed_at = now(), changed_by = $5, changed_request = $6, "
    f"version = version + 1 where resource_id = $1 and person_id = $2 and version = $7 returning {_RATING}",
    RatingRow,
)


async def rate(resource: UUID, opinion: Opinion, actor: Actor, version: int | None) -> RatingRow:
    """The caller's rating, new or changed. With a version, only that one is changed (StaleVersion otherwise)."""
    await RESOURCE.get(resource)
    given = (resource, actor.person, opinion.stars, opinion.note, actor.account, request_id())
    row = await (_RATE.one(*given, uuid7()) if version is None else _RATE_AGAIN.one(*given, version))
    if row is None:
        raise StaleVersion(f"Your rating of this resource isn't version {version}. Read it again.")
    return row


async def ratings(resource: UUID, person: UUID | None) -> Ratings:
    await RESOURCE.get(resource)
    stars = [0, 0, 0, 0, 0]
    for value, count in await DB.fetch(_COUNTS.sql, resource):
        stars[value - 1] = count
    total = sum(stars)
    weighted = sum(value * count for value, count in enumerate(stars, 1))
    return Ratings(
        resource_id=resource,
        count=total,
        average=round(weighted / total, 2) if total else None,
        stars=stars,
        mine=await _MINE.one(resource, person) if person else None,
    )
