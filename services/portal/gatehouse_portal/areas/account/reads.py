"""Who read the reader's own private data: the page behind *Who read my data* in the account's menu."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Away, Peers, or_away, or_none

# What people call what an operation gives away, and what lets somebody have it.
DATA = {
    "GetPerson": "Your details",
    "ListPeople": "Your details, in a list",
    "ListConsents": "Your consents",
    "GetEncounter": "What was shared of a meeting",
    "GetBrief": "What was agreed on at meetings",
    "GetNote": "A note that was shared",
    "ListEncounters": "Summaries of meetings",
    "ListFollowUps": "What was promised at meetings",
    "ListNotes": "Notes that were shared",
    "ExportPerson": "All that is kept about you, to hand it to you",
    "DisclosePrivateTexts": "What your mentor wrote for themself, in an emergency",
}
REASONS = {
    "mentor": "As your mentor",
    "staff": "As staff",
    "coordinator": "As a coordinator",
    "admin": "As an administrator",
}

# Who somebody was whom the reader may not know by name.
UNNAMED = {"admin": "An administrator"}


class ReadOfMe(msgspec.Struct, frozen=True):
    """As person answers it."""

    at: datetime
    what: str
    why: str
    reader_name: str | None = None


class ReadOfMeeting(msgspec.Struct, frozen=True):
    """As encounter answers it."""

    at: datetime
    what: str
    why: str
    reader_id: UUID | None = None


class NameOfReader(msgspec.Struct, frozen=True):
    name: str


async def _of_meetings(peers: Peers, person: UUID) -> list[ReadOfMe]:
    """With the names that the reader may know."""
    found = await peers.get("encounter", f"/api/encounter/members/{person}/reads", list[ReadOfMeeting])
    readers = dict.fromkeys(one.reader_id for one in found if one.reader_id)
    answers = await asyncio.gather(
        *(or_away(or_none(peers.get("person", f"/api/person/people/{id}", NameOfReader))) for id in readers)
    )
    known = zip(readers, answers, strict=True)
    names = {id: one.name for id, one in known if isinstance(one, NameOfReader)}
    return [
        ReadOfMe(one.at, one.what, one.why, names.get(one.reader_id, UNNAMED.get(one.why, "A coordinator")))
        for one in found
    ]


@get("/account/reads", guards=[guards.person], include_in_schema=False)
async def reads(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    if actor.person is None:
        raise NotFound
    parts = await asyncio.gather(
        or_away(peers.get("person", f"/api/person/people/{actor.person}/reads", list[ReadOfMe])),
        or_away(_of_meetings(peers, actor.person)),
    )
    away = next((part for part in parts if isinstance(part, Away)), None)
    entries = [] if away else [entry for part in parts if not isinstance(part, Away) for entry in part]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    values = {"entries": entries, "away": away, "data": DATA, "reasons": REASONS}
    return page(request, "account/reads.html", status=503 if away else 200, **values)
