"""Who read the reader's own private data: the page behind *Who read my data* in the account's menu."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, get

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page
from gatehouse_portal.shell.peers import Away, Peers, or_away

# What people call what an operation gives away, and what lets somebody have it.
DATA = {"GetPerson": "Your details", "ListPeople": "Your details, in a list", "ListConsents": "Your consents"}
REASONS = {"mentor": "As your mentor", "staff": "As staff"}


class ReadOfMe(msgspec.Struct, frozen=True):
    """As person answers it."""

    at: datetime
    what: str
    why: str
    reader_name: str | None = None


@get("/account/reads", guards=[guards.person], include_in_schema=False)
async def reads(request: Request[Any, Any, Any], peers: Peers, actor: Actor) -> Response[Any]:
    if actor.person is None:
        raise NotFound
    found = await or_away(peers.get("person", f"/api/person/people/{actor.person}/reads", list[ReadOfMe]))
    away = found if isinstance(found, Away) else None
    entries = [] if isinstance(found, Away) else found
    values = {"entries": entries, "away": away, "data": DATA, "reasons": REASONS}
    return page(request, "account/reads.html", status=503 if away else 200, **values)
