"""All SQL about addresses that nothing is sent to."""

from typing import get_args
from uuid import UUID

from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict
from gatehouse_chassis.data.repository import By, Repository
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import choices, present
from gatehouse_chassis.lists.listing import Listing
from gatehouse_communication import tables
from gatehouse_communication.enumerators import SuppressionReason
from gatehouse_communication.events import OUTBOX, SuppressionIds
from gatehouse_communication.suppression import structs
from gatehouse_communication.tables import DB

SUPPRESSION = Repository(
    tables.Suppression,
    structs.Suppression,
    unique={"one_open": {"address": "nothing is sent to this address already"}},
)
SUPPRESSIONS = Listing(
    tables.Suppression,
    structs.Suppression,
    filters={
        "reason": choices(tables.Suppression.reason, get_args(SuppressionReason)),
        "lifted": present(tables.Suppression.lifted_at),
    },
    sorts={"created": tables.Suppression.created_at},
    default_sort="-created",
)
_OPEN = DB.prepare(
    tables.Suppression.select(tables.Suppression.id)
    .where(QueryString("lower({}) = lower({})", tables.Suppression.address, arg(1)))
    .where(tables.Suppression.lifted_at.is_null())
)


async def is_suppressed(address: str) -> bool:
    return await _OPEN.value(address) is not None


async def suppress(new: structs.NewSuppression, by: By | None) -> structs.Suppression:
    """In a transaction, with the event that says so."""
    row = await SUPPRESSION.insert(new, by=by)
    await OUTBOX.publish("communication.suppressed", row, by=by, ids=SuppressionIds(row.person_id, row.reason))
    return row


async def lift(id: UUID, version: int, by: Actor) -> structs.Suppression:
    async with DB.transaction():
        row = await SUPPRESSION.get(id, lock=True, version=version)
        if row.lifted_at is not None:
            raise Conflict("This suppression is lifted already.")
        return await SUPPRESSION.change(id, version, {"lifted_at": await DB.now()}, by=by)
