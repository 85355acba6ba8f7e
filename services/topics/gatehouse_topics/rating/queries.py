"""All SQL about ratings."""

from typing import Any
from uuid import UUID

from msgspec import UNSET
from piccolo.query.functions import Count
from piccolo.querystring import QueryString
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import StaleVersion
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_topics.events import OUTBOX, STARS, RatingIds
from gatehouse_topics.rating.structs import Line, Opinion, RatingRow, Ratings, StarCount
from gatehouse_topics.resource.queries import RESOURCE
from gatehouse_topics.tables import DB, Rating

MOST_LINES = 20

_RATING = columns_for(RatingRow, Rating)
_MINE = DB.prepare(
    Rating.select(*_RATING).where((Rating.resource_id == arg(1)) & (Rating.person_id == arg(2))), RatingRow
)
_COUNTS = DB.prepare(
    Rating.select(Rating.stars, Count()).where(Rating.resource_id == arg(1)).group_by(Rating.stars), StarCount
)
_LINES = DB.prepare(
    Rating.select(*columns_for(Line, Rating))
    .where((Rating.resource_id == arg(1)) & Rating.line.is_not_null())
    .order_by(Rating.changed_at, Rating.id, ascending=False)
    .limit(MOST_LINES),
    Line,
)

# What was left out stays: a line that is said in one place must not take away the note that was written in another.
_CHANGE: dict[Any, Any] = {
    Rating.stars: arg(3),
    Rating.note: QueryString("case when {} then {} else rating.note end", arg(9), arg(4)),
    Rating.line: QueryString("case when {} then {} else rating.line end", arg(10), arg(8)),
    Rating.changed_at: NOW,
    Rating.changed_by: arg(5),
    Rating.changed_request: arg(6),
    Rating.version: QueryString("rating.version + 1"),
}
_RATE = DB.prepare(
    InsertOf(
        {
            Rating.resource_id: arg(1),
            Rating.person_id: arg(2),
            Rating.stars: arg(3),
            Rating.note: arg(4),
            Rating.line: arg(8),
            Rating.created_by: arg(5),
            Rating.created_request: arg(6),
            Rating.changed_by: arg(5),
            Rating.changed_request: arg(6),
            Rating.id: arg(7),
        }
    )
    .on_conflict((Rating.resource_id, Rating.person_id), "DO UPDATE", list(_CHANGE.items()))
    .returning(*_RATING),
    RatingRow,
)
_RATE_AGAIN = DB.prepare(
    Rating.update(_CHANGE)
    .where((Rating.resource_id == arg(1)) & (Rating.person_id == arg(2)) & (Rating.version == arg(7)))
    .returning(*_RATING),
    RatingRow,
)


async def rate(resource: UUID, opinion: Opinion, actor: Actor, version: int | None) -> RatingRow:
    """The caller's rating, new or changed. With a version, only that one is changed (StaleVersion otherwise)."""
    await RESOURCE.get(resource)
    texts = (opinion.note, opinion.line)
    note, line = (None if text is UNSET else text for text in texts)
    given = (resource, actor.person, opinion.stars, note, actor.account, request_id())
    rest = (line, *(text is not UNSET for text in texts))
    async with DB.transaction():
        row = await (_RATE.one(*given, uuid7(), *rest) if version is None else _RATE_AGAIN.one(*given, version, *rest))
        if row is None:
            raise StaleVersion(f"Your rating of this resource isn't version {version}. Read it again.")
        ids = RatingIds(resource_id=resource, person_id=row.person_id, stars=STARS[row.stars - 1])
        await OUTBOX.publish("topics.rating.given", row, by=actor, ids=ids)
        return row


async def ratings(resource: UUID, person: UUID | None) -> Ratings:
    await RESOURCE.get(resource)
    stars = [0, 0, 0, 0, 0]
    for given in await _COUNTS.all(resource):
        stars[given.stars - 1] = given.count
    total = sum(stars)
    weighted = sum(value * count for value, count in enumerate(stars, 1))
    return Ratings(
        resource_id=resource,
        count=total,
        average=round(weighted / total, 2) if total else None,
        stars=stars,
        lines=await _LINES.all(resource),
        mine=await _MINE.one(resource, person) if person else None,
    )
