"""All SQL about donors."""

from typing import get_args
from uuid import UUID

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.donor import structs
from gatehouse_ledger.enumerators import DonorKind
from gatehouse_ledger.tables import DB

DONOR = Repository(tables.Donor, structs.Donor)
DONORS = Listing(
    tables.Donor,
    structs.Donor,
    filters={
        "kind": choices(tables.Donor.kind, get_args(DonorKind)),
        "id": uuid(tables.Donor.id),
        "person": uuid(tables.Donor.person_id),
    },
    sorts={"name": tables.Donor.sort_name, "created": tables.Donor.created_at},
    search=[tables.Donor.name, tables.Donor.email],
    default_sort="name",
)
_MARK_CHANGED = DB.prepare(
    tables.Gift.update({tables.Gift.changed_since: True}).where(
        (tables.Gift.donor_id == arg(1)) & tables.Gift.receipt_id.is_not_null()
    )
)


async def add_donor(new: structs.NewDonor, by: Actor) -> structs.Donor:
    _refuse_contact(new.kind, new)
    return await DONOR.insert(new, by=by)


async def change_donor(id: UUID, version: int, change: structs.DonorChange, by: Actor) -> structs.Donor:
    """Receipts that were issued in another name say something else from then on."""
    async with DB.transaction():
        before = await DONOR.get(id, lock=True, version=version)
        _refuse_contact(before.kind, change)
        after = await DONOR.change(id, version, change, by=by)
        if after.name != before.name:
            await _MARK_CHANGED.execute(id)
        return after


def _refuse_contact(kind: DonorKind, given: structs.NewDonor | structs.DonorChange) -> None:
    """Nobody writes to somebody who isn't known."""
    named = [field for field in ("email", "address", "person_id") if isinstance(getattr(given, field), str | UUID)]
    if kind == "anonymous" and named:
        raise Invalid(dict.fromkeys(named, "an anonymous donor has none; leave it out"))
