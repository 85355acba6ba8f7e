"""All SQL about contractors and what they were paid."""

from typing import get_args
from uuid import UUID

from msgspec import UNSET

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.lists.filters import choices, integer, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.entry.rules import refuse_day
from gatehouse_ledger.enumerators import PaymentMethod
from gatehouse_ledger.payee import structs
from gatehouse_ledger.tables import DB

PAYEE = Repository(
    tables.Payee,
    structs.Payee,
    unique={"unique_name": {"name": "there is one of this name already; use that one, or give another name"}},
)
PAYMENT = Repository(
    tables.ContractorPayment,
    structs.ContractorPayment,
    unique={"unique_entry": {"entry_id": "a payment to this contractor is recorded for this entry already"}},
)
PAYEES = Listing(
    tables.Payee,
    structs.Payee,
    sorts={"name": tables.Payee.sort_name, "created": tables.Payee.created_at},
    search=[tables.Payee.name],
    default_sort="name",
)
PAYMENTS = Listing(
    tables.ContractorPayment,
    structs.ContractorPayment,
    filters={
        "payee": uuid(tables.ContractorPayment.payee_id),
        "method": choices(tables.ContractorPayment.method, get_args(PaymentMethod)),
        "year": integer(
            condition="extract(year from contractor_payment.paid_on)::bigint = any({})",
            minimum=2000,
            maximum=2199,
            help="The year that it was paid in",
        ),
    },
    sorts={"day": tables.ContractorPayment.paid_on},
    default_sort="-day",
)
# By hand: whether there is such an entry.
_IS_ENTRY = DB.prepare_sql("select exists (select from ledger.journal_entry where id = $1)")


async def add_payee(new: structs.NewPayee, by: Actor) -> structs.Payee:
    return await PAYEE.insert({"name": new.name, **_w9(new.w9)}, by=by)


async def change_payee(id: UUID, version: int, change: structs.PayeeChange, by: Actor) -> structs.Payee:
    w9 = {} if change.w9 is UNSET else _w9(change.w9)
    return await PAYEE.change(id, version, {"name": change.name, **w9}, by=by)


def _w9(said: structs.W9) -> dict[str, bool]:
    return {"w9_on_file": said != "missing", "exempt": said == "exempt"}


async def add_payment(new: structs.NewContractorPayment, by: Actor) -> structs.ContractorPayment:
    refuse_day(new.paid_on, "paid_on")
    if await PAYEE.find(new.payee_id) is None:
        raise Invalid({"payee_id": "there is no such contractor"})
    if new.entry_id and not await _IS_ENTRY.value(new.entry_id):
        raise Invalid({"entry_id": "there is no such entry"})
    return await PAYMENT.insert(new, by=by)


async def withdraw_payment(id: UUID, version: int, by: Actor) -> structs.ContractorPayment:
    async with DB.transaction():
        payment = await PAYMENT.get(id, lock=True, version=version)
        if payment.withdrawn_at is not None:
            raise Conflict("This payment was withdrawn already.")
        return await PAYMENT.change(id, version, {"withdrawn_at": await DB.now()}, by=by)
