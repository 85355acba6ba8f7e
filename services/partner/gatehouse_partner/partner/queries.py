"""All SQL about partners."""

from typing import get_args
from uuid import UUID

from piccolo.query.functions import Count
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import choices
from gatehouse_chassis.lists.listing import Listing
from gatehouse_partner import access, tables
from gatehouse_partner.enumerators import PartnerKind, PartnerStatus
from gatehouse_partner.events import OUTBOX, PartnerIds
from gatehouse_partner.partner import structs
from gatehouse_partner.tables import DB

PARTNER = Repository(
    tables.Partner,
    structs.Partner,
    unique={"unique_name": {"name": "there is a partner of this name already; use that one, or give another name"}},
)
PARTNERS = Listing(
    tables.Partner,
    structs.Partner,
    filters={
        "kind": choices(tables.Partner.kind, get_args(PartnerKind)),
        "status": choices(tables.Partner.status, get_args(PartnerStatus)),
    },
    sorts={"name": tables.Partner.sort_name, "since": tables.Partner.since_on, "created": tables.Partner.created_at},
    search=[tables.Partner.name],
    default_sort="name",
)

_running = DB.prepare(
    tables.Agreement.select(Count()).where(
        (tables.Agreement.partner_id == arg(1))
        & (tables.Agreement.status == "signed")
        & tables.Agreement.archived_at.is_null()
        & (tables.Agreement.ends_on.is_null() | (tables.Agreement.ends_on >= QueryString("current_date")))
    )
)


def partners_of(actor: Actor) -> tuple:
    return access.visible_to(actor, f"id in ({access.OWN})", f"id in ({access.ORGANISATIONS})")


async def create_partner(new: structs.NewPartner, by: Actor) -> structs.Partner:
    """To be called in a transaction."""
    partner = await PARTNER.insert(new, by=by)
    await OUTBOX.publish("partner.created", partner, by=by, ids=PartnerIds(partner.kind, partner.status))
    return partner


async def change_partner(id: UUID, version: int, change: structs.PartnerChange, by: Actor) -> structs.Partner:
    async with DB.transaction():
        partner = await PARTNER.change(id, version, change, by=by)
        if partner.version != version:
            await OUTBOX.publish("partner.changed", partner, by=by, ids=PartnerIds(partner.kind, partner.status))
        return partner


async def archive_partner(id: UUID, version: int, by: Actor) -> structs.Partner:
    """Raises Conflict while an agreement with the partner holds."""
    async with DB.transaction():
        await PARTNER.get(id, lock=True, version=version)
        running = await _running.value(id)
        if running:
            raise Conflict(f"{running} signed agreement(s) with this partner still hold. End them first.")
        partner = await PARTNER.archive(id, version, by=by)
        await OUTBOX.publish("partner.archived", partner, by=by)
        return partner


async def refuse_archived(partner_id: UUID) -> None:
    """For what is to be added to a partner: Invalid where there is no such partner, Conflict where it is archived."""
    partner = await PARTNER.find(partner_id, lock=True)
    if partner is None:
        raise Invalid({"partner_id": "there is no such partner"})
    if partner.archived_at is not None:
        raise Conflict("This partner is archived; nothing can be added.")
