"""On the home page: for a partner's people their organisation; for the institute what agreements and prospects need."""

import asyncio
import datetime
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from gatehouse_chassis.base.actor import Actor
from gatehouse_portal.areas.partners.structs import Agreement, Contact, Money, Partner
from gatehouse_portal.shell.peers import Peers
from gatehouse_portal.shell.structs import Page

MOST = 200
FEW = 6
SOON = datetime.timedelta(days=180)


class Ending(msgspec.Struct, frozen=True):
    """A signed agreement that ends soon, or has ended without being closed (`days` is negative then)."""

    agreement: Agreement
    days: int


async def load_own(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """None for who isn't a partner's contact."""
    if "partner" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    partners, agreements, contacts = await asyncio.gather(
        peers.get("partner", "/api/partner/partners", Page[Partner], limit=FEW),
        peers.get("partner", "/api/partner/agreements", Page[Agreement], limit=FEW),
        peers.get("partner", "/api/partner/contacts", Page[Contact], limit=FEW),
    )
    return {"partners": partners.items, "agreements": agreements.items, "contacts": contacts.items}


async def load_agreements(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """What was agreed and for how much, what ends soon and what isn't signed: for finance and the board."""
    if actor.roles.isdisjoint({"finance", "board"}):
        return None
    peers: Peers = request.app.state.peers
    agreements, partners = await asyncio.gather(
        peers.get("partner", "/api/partner/agreements", Page[Agreement], limit=MOST, total="true"),
        peers.get("partner", "/api/partner/partners", Page[Partner], limit=MOST, total="true"),
    )
    today = datetime.datetime.now(datetime.UTC).date()
    signed = [one for one in agreements.items if one.status == "signed"]
    return {
        "names": names(partners.items),
        "signed": signed,
        "value": values(signed),
        "ending": ending(signed, today)[:FEW],
        "drafts": [one for one in agreements.items if one.status == "draft"][:FEW],
        "active": sum(partner.status == "active" for partner in partners.items),
        "partial": agreements.next is not None or partners.next is not None,
        "finance": "finance" in actor.roles,
    }


async def load_prospects(request: Request[Any, Any, Any], actor: Actor) -> dict[str, Any] | None:
    """Whom marketing talks to."""
    if "marketing" not in actor.roles:
        return None
    peers: Peers = request.app.state.peers
    prospects, paused = await asyncio.gather(
        *(
            peers.get("partner", "/api/partner/partners", Page[Partner], limit=FEW, total="true", status=status)
            for status in ("prospect", "paused")
        )
    )
    return {"prospects": prospects, "paused": paused}


def names(partners: Iterable[Partner]) -> dict[UUID, str]:
    return {partner.id: partner.name for partner in partners}


def values(agreements: Iterable[Agreement]) -> list[Money]:
    """The sum in each currency, the largest first: amounts of different currencies aren't added."""
    sums: Counter[str] = Counter()
    for agreement in agreements:
        if agreement.value is not None:
            sums[agreement.value.currency] += agreement.value.amount
    return [Money(amount, currency) for currency, amount in sums.most_common()]


def ending(signed: Iterable[Agreement], today: datetime.date) -> list[Ending]:
    """Those whose end is near or past, the earliest first."""
    found = [Ending(one, (one.ends_on - today).days) for one in signed if one.ends_on and one.ends_on <= today + SOON]
    return sorted(found, key=lambda one: one.days)
