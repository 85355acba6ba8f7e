"""All SQL about agreements. An amount of money is one value in the API and two columns in the table."""

from typing import Any, get_args
from uuid import UUID

from msgspec import UNSET
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_partner import access, tables
from gatehouse_partner.agreement import rules, structs
from gatehouse_partner.enumerators import AgreementKind, AgreementStatus
from gatehouse_partner.events import OUTBOX, AgreementIds
from gatehouse_partner.partner.queries import refuse_archived
from gatehouse_partner.tables import DB

AGREEMENT = Repository(tables.Agreement, structs.AgreementRecord)
COMPUTED = {
    "value": "case when value_amount is not null "
    "then jsonb_build_object('amount', value_amount, 'currency', value_currency) end"
}
AGREEMENTS = Listing(
    tables.Agreement,
    structs.Agreement,
    columns=COMPUTED,
    filters={
        "partner": uuid(tables.Agreement.partner_id),
        "kind": choices(tables.Agreement.kind, get_args(AgreementKind)),
        "status": choices(tables.Agreement.status, get_args(AgreementStatus)),
    },
    sorts={
        "title": tables.Agreement.sort_title,
        "signed": tables.Agreement.signed_on,
        "created": tables.Agreement.created_at,
    },
    search=[tables.Agreement.title],
    default_sort="title",
)
_selected = columns_for(structs.Agreement, tables.Agreement, **COMPUTED)
_read = DB.prepare(tables.Agreement.select(*_selected).where(tables.Agreement.id == arg(1)), structs.Agreement)
_read_own = DB.prepare(
    tables.Agreement.select(*_selected).where(
        tables.Agreement.id == arg(1), QueryString(f"partner_id in ({access.OWN})", arg(2))
    ),
    structs.Agreement,
)
_read_of_organisation = DB.prepare(
    tables.Agreement.select(*_selected).where(
        tables.Agreement.id == arg(1), QueryString(f"partner_id in ({access.ORGANISATIONS})")
    ),
    structs.Agreement,
)


def agreements_of(actor: Actor) -> tuple:
    return access.visible_to(actor, f"partner_id in ({access.OWN})", f"partner_id in ({access.ORGANISATIONS})")


async def read_agreement(actor: Actor, id: UUID) -> structs.Agreement:
    match access.sight(actor):
        case "all":
            agreement = await _read.one(id)
        case "organisations":
            agreement = await _read_of_organisation.one(id)
        case "own":
            agreement = await _read_own.one(id, actor.person)
        case _:
            agreement = None
    if agreement is None:
        raise NotFound(f"There is no agreement {id}.")
    return agreement


async def create_agreement(new: structs.NewAgreement, by: Actor) -> structs.Agreement:
    """To be called in a transaction."""
    rules.refuse_agreement(new)
    await refuse_archived(new.partner_id)
    record = await AGREEMENT.insert(_columns(new), by=by)
    return await _published(record.id, by)


async def change_agreement(id: UUID, version: int, change: structs.AgreementChange, by: Actor) -> structs.Agreement:
    async with DB.transaction():
        before = await AGREEMENT.get(id, lock=True, version=version)
        rules.refuse_agreement(change, before)
        record = await AGREEMENT.change(id, version, _columns(change), by=by)
        return await (read_agreement(by, id) if record.version == version else _published(id, by))


async def archive_agreement(id: UUID, version: int, by: Actor) -> structs.Agreement:
    async with DB.transaction():
        await AGREEMENT.archive(id, version, by=by)
        return await _published(id, by)


async def _published(id: UUID, by: Actor) -> structs.Agreement:
    """The agreement as it is after a change, which others are told of."""
    agreement = await read_agreement(by, id)
    ids = AgreementIds(agreement.partner_id, agreement.status)
    await OUTBOX.publish("partner.agreement.changed", agreement, by=by, ids=ids)
    return agreement


def _columns(values: structs.NewAgreement | structs.AgreementChange) -> dict[str, Any]:
    columns = {name: getattr(values, name) for name in values.__struct_fields__ if name != "value"}
    money = values.value
    if money is None:
        return columns | {"value_amount": None, "value_currency": None}
    if money is not UNSET:
        return columns | {"value_amount": money.amount, "value_currency": money.currency}
    return columns
