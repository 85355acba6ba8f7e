"""On the home page: what is new for the reader, and for coordinators the mails that somebody has to look at."""

import asyncio
from typing import Any

from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.mail.structs import Delivery, Notification, Person
from gatehouse_portal.areas.mail.words import LEADS, MAIL_KINDS, UNSETTLED, news_of
from gatehouse_portal.shell.peers import Away, Peers, or_away, or_none
from gatehouse_portal.shell.structs import Page

FEW = 5
NAMED = ("mentoring_started", "mentoring_ended", "plan_committed")


async def load_news(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None where nothing is unread."""
    if actor.person is None:
        return None
    peers: Peers = request.app.state.peers
    address = "/api/communication/notifications"
    found = await peers.get("communication", address, Page[Notification], read="false", limit=FEW, total="true")
    return {"news": await in_words(peers, found.items, actor), "total": found.total} if found.items else None


async def in_words(peers: Peers, found: list[Notification], reader: Actor) -> list[Any]:
    """With the names of the people that they are about, as far as the reader may know them."""
    ids = {str(one.about_id) for one in found if one.kind in NAMED}
    people = await asyncio.gather(*(or_away(_person(peers, id)) for id in sorted(ids)), return_exceptions=True)
    known = {one.id: one for one in people if isinstance(one, Person)}
    return [news_of(one, known, reader.person) for one in found]


async def _person(peers: Peers, id: str) -> Person:
    return await peers.get("person", f"/api/person/people/{id}", Person)


async def load_unsettled(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who doesn't follow mails up, and where there is none to look at."""
    if not actor.roles & {"coordinator", "finance"}:
        return None
    peers: Peers = request.app.state.peers
    found = await peers.get(
        "communication", "/api/communication/deliveries", Page[Delivery], state=[*UNSETTLED], limit=FEW, total="true"
    )
    if not found.items:
        return None
    # Who applies to be a mentor is nobody's person, and most donors aren't either.
    ids = {str(one.person_id) for one in found.items if one.person_id is not None and one.kind not in LEADS}
    people = await asyncio.gather(*(or_away(or_none(_person(peers, id))) for id in sorted(ids)))
    names = {one.id: one.name for one in people if one is not None and not isinstance(one, Away)}
    return {
        "mails": found.items,
        "total": found.total,
        "names": names,
        "kinds": MAIL_KINDS,
        "what": UNSETTLED,
        "leads": LEADS,
    }
