"""All SQL about gifts."""

from typing import get_args
from uuid import UUID

import msgspec
from msgspec import UNSET
from piccolo.query.functions import Sum

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import choices, integer, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.chart.queries import FUND
from gatehouse_ledger.document.rules import Issuer
from gatehouse_ledger.donor.queries import DONOR, add_donor
from gatehouse_ledger.donor.structs import Donor
from gatehouse_ledger.entry.queries import post
from gatehouse_ledger.entry.rules import refuse_day
from gatehouse_ledger.entry.structs import NewPosting
from gatehouse_ledger.enumerators import GiftKind
from gatehouse_ledger.events import OUTBOX, GiftIds
from gatehouse_ledger.gift import rules, structs
from gatehouse_ledger.receipt.queries import acknowledge_at_once
from gatehouse_ledger.tables import DB

GIFT = Repository(tables.Gift, structs.Gift)
NAMES = {
    "donor": "(select d.name from ledger.donor d where d.id = gift.donor_id)",
    "fund": "(select f.name from ledger.fund f where f.id = gift.fund_id)",
}
GIFTS = Listing(
    tables.Gift,
    structs.ListedGift,
    columns=NAMES,
    filters={
        "donor": uuid(tables.Gift.donor_id),
        "fund": uuid(tables.Gift.fund_id),
        "entry": uuid(tables.Gift.entry_id),
        "kind": choices(tables.Gift.kind, get_args(GiftKind)),
        "receipted": present(tables.Gift.receipt_id),
        "year": integer(
            condition="extract(year from gift.received_on)::bigint = any({})",
            minimum=2000,
            maximum=2199,
            help="The year that it was received in",
        ),
    },
    sorts={"day": tables.Gift.received_on},
    default_sort="-day",
)
# By hand: a sum over a join.
_BOOKED = DB.prepare_sql(
    "select -sum(p.amount)::bigint from ledger.posting p join ledger.account a on a.id = p.account_id "
    "where p.entry_id = $1 and p.fund_id = $2 and a.type = 'income' and p.currency = 'USD'"
)
_RECORDED = DB.prepare(
    tables.Gift.select(Sum(tables.Gift.amount)).where(
        (tables.Gift.entry_id == arg(1)) & (tables.Gift.fund_id == arg(2))
    )
)
# By hand: sums over joins. Accounts 4010 and 4020 of the chart are what people and companies give.
_UNRECORDED = DB.prepare_sql(
    "select e.id as entry_id, e.booked_on, e.memo, p.fund_id, -sum(p.amount)::bigint as amount, "
    "(-sum(p.amount) - coalesce((select sum(g.amount) from ledger.gift g "
    "where g.entry_id = e.id and g.fund_id = p.fund_id), 0))::bigint as rest "
    "from ledger.journal_entry e join ledger.posting p on p.entry_id = e.id "
    "join ledger.account a on a.id = p.account_id "
    "where a.code in ('4010', '4020') and e.source <> 'reversal' and e.booked_on >= current_date - 400 "
    "and not exists (select from ledger.journal_entry r where r.reverses_id = e.id) "
    "group by e.id, p.fund_id having -sum(p.amount) > coalesce((select sum(g.amount) from ledger.gift g "
    "where g.entry_id = e.id and g.fund_id = p.fund_id), 0) order by e.booked_on desc, e.id limit $1",
    structs.UnrecordedIncome,
)


async def record_gift(new: structs.NewGift, issuer: Issuer, by: Actor) -> structs.Gift:
    """To be called in a transaction. With the receipt, where one is due at once."""
    gift = await add_gift(new, by)
    if new.acknowledge == "later":
        return gift
    await acknowledge_at_once(gift.id, issuer, by)
    return await GIFT.get(gift.id)


async def add_gift(new: structs.NewGift, by: Actor) -> structs.Gift:
    """To be called in a transaction. Books it too, where the caller says how."""
    refuse_day(new.received_on, "received_on")
    rules.refuse_gift(new)
    donor = await _donor_of(new, by)
    if await FUND.find(new.fund_id) is None:
        raise Invalid({"fund_id": "there is no such fund"})
    entry_id = new.entry_id or None
    if new.deposit is not None:
        entry_id = await _deposit(new, new.deposit, by)
    elif entry_id is not None:
        # Two gifts of one entry wait for one another.
        await DB.advisory_lock(f"gift of {entry_id}")
        booked, recorded = await _BOOKED.value(entry_id, new.fund_id), await _RECORDED.value(entry_id, new.fund_id)
        rules.refuse_more_than_booked(new.amount, booked, int(recorded or 0))
    others = ("donor_id", "new_donor", "entry_id", "deposit", "acknowledge")
    values = {field: value for field, value in msgspec.structs.asdict(new).items() if field not in others}
    values |= {"donor_id": donor.id, "entry_id": entry_id, "thank": new.acknowledge == "at_once"}
    gift = await GIFT.insert(values, by=by)
    ids = GiftIds(donor.id, donor.person_id, gift.fund_id, gift.kind)
    await OUTBOX.publish("ledger.gift.recorded", gift, by=by, ids=ids)
    return gift


async def mail_of(id: UUID) -> structs.GiftMail:
    """Whom to thank, and whether: a gift with a receipt is thanked for by that, one that was given back not at all."""
    gift = await GIFT.get(id)
    donor = await DONOR.get(gift.donor_id)
    due = gift.thank and donor.kind != "anonymous" and gift.receipt_id is None and gift.refunded_on is None
    return structs.GiftMail(donor.name, donor.email if donor.archived_at is None else None, due)


async def _donor_of(new: structs.NewGift, by: Actor) -> Donor:
    if new.new_donor is not None:
        return await add_donor(new.new_donor, by)
    donor = await DONOR.find(new.donor_id) if new.donor_id else None
    if donor is None:
        raise Invalid({"donor_id": "there is no such donor"})
    return donor


async def _deposit(new: structs.NewGift, how: structs.GiftDeposit, by: Actor) -> UUID:
    """The entry of a gift. Its memo names nobody: the board reads entries."""
    postings = [
        NewPosting(account_id=how.account_id, fund_id=new.fund_id, amount=new.amount),
        NewPosting(account_id=how.income_account_id, fund_id=new.fund_id, amount=-new.amount),
    ]
    return (await post(new.received_on, "Gift", postings, "manual", by)).id


async def change_gift(id: UUID, version: int, change: structs.GiftChange, by: Actor) -> structs.Gift:
    """A receipt that was issued for it says something else from then on."""
    async with DB.transaction():
        before = await GIFT.get(id, lock=True, version=version)
        given = {field: getattr(change, field) for field in change.__struct_fields__}
        given = {field: value for field, value in given.items() if value is not UNSET}
        after = msgspec.structs.replace(before, **given)
        refuse_day(after.received_on, "received_on")
        rules.refuse_gift(after)
        if before.entry_id is not None:
            booked = [field for field in ("amount", "fund_id") if getattr(after, field) != getattr(before, field)]
            if booked:
                raise Invalid(dict.fromkeys(booked, "an entry books this gift; reverse the entry and record it anew"))
        if "donor_id" in given and await DONOR.find(after.donor_id) is None:
            raise Invalid({"donor_id": "there is no such donor"})
        if "fund_id" in given and await FUND.find(after.fund_id) is None:
            raise Invalid({"fund_id": "there is no such fund"})
        outdated = before.receipt_id is not None and (before.changed_since or after != before)
        return await GIFT.change(id, version, change, by=by, changed_since=outdated)


async def refund_gift(id: UUID, version: int, refund: structs.GiftRefund, by: Actor) -> structs.Gift:
    async with DB.transaction():
        gift = await GIFT.get(id, lock=True, version=version)
        rules.refuse_refund(gift)
        refuse_day(refund.refunded_on, "refunded_on")
        if refund.refunded_on < gift.received_on:
            raise Invalid({"refunded_on": "lies before the day it was received"})
        return await GIFT.change(id, version, refund, by=by)


async def unrecorded_income(most: int = 40) -> list[structs.UnrecordedIncome]:
    return await _UNRECORDED.all(most)
