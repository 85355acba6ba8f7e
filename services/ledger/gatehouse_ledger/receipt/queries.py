"""All SQL about receipts. Numbers have no gap: the counter is raised in the transaction that issues the receipt."""

import hashlib
from collections.abc import Sequence
from typing import get_args
from uuid import UUID

import msgspec

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_chassis.documents.pdf import render
from gatehouse_chassis.lists.filters import choices, integer, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.document.rules import Issuer, template
from gatehouse_ledger.document.structs import DocumentContent
from gatehouse_ledger.donor.queries import DONOR
from gatehouse_ledger.donor.structs import Donor
from gatehouse_ledger.enumerators import ReceiptKind, ReceiptState
from gatehouse_ledger.events import OUTBOX, ReceiptIds
from gatehouse_ledger.receipt import rules, structs
from gatehouse_ledger.tables import DB

RECEIPT = Repository(tables.Receipt, structs.Receipt)
RECEIPTS = Listing(
    tables.Receipt,
    structs.ListedReceipt,
    columns={"donor": "(select d.name from ledger.donor d where d.id = receipt.donor_id)"},
    filters={
        "donor": uuid(tables.Receipt.donor_id),
        "gift": uuid(condition="receipt.gift_ids && {}"),
        "kind": choices(tables.Receipt.kind, get_args(ReceiptKind)),
        "state": choices(tables.Receipt.state, get_args(ReceiptState)),
        "year": integer(tables.Receipt.year, minimum=2000, maximum=2199, help="The year of the number"),
    },
    sorts={"issued": tables.Receipt.issued_at},
    default_sort="-issued",
)
_BEGIN_YEAR = DB.prepare(
    InsertOf({tables.ReceiptCounter.year: arg(1), tables.ReceiptCounter.last: 0}).on_conflict(
        tables.ReceiptCounter.year
    )
)
# The row is held until the transaction ends, so the next number waits for this one to be there or not.
_NEXT_NUMBER = DB.prepare(
    tables.ReceiptCounter.update({tables.ReceiptCounter.last: tables.ReceiptCounter.last + 1})
    .where(tables.ReceiptCounter.year == arg(1))
    .returning(tables.ReceiptCounter.last)
)
_GIFT_COLUMNS = (
    "select g.id, g.received_on, g.amount, f.name as fund, f.restriction <> 'none' as restricted, g.in_kind_text, "
    "g.goods_value, g.goods_text, g.refunded_on, g.receipt_id, "
    "(select r.year || '-' || lpad(r.sequence::text, 5, '0') from ledger.receipt r where r.id = g.receipt_id) "
    "as receipt from ledger.gift g join ledger.fund f on f.id = g.fund_id "
)
# By hand: a join, with only the gifts locked.
_GIFT = DB.prepare_sql(f"{_GIFT_COLUMNS} where g.id = $1 and g.donor_id = $2 for update of g", structs.AcknowledgedGift)
# By hand: the same join.
_GIFTS_OF_YEAR = DB.prepare_sql(
    f"{_GIFT_COLUMNS} where g.donor_id = $1 and g.received_on >= make_date($2, 1, 1) "
    "and g.received_on <= make_date($2, 12, 31) and g.refunded_on is null order by g.received_on, g.id for update of g",
    structs.AcknowledgedGift,
)
_DONOR_OF_GIFT = DB.prepare(tables.Gift.select(tables.Gift.donor_id).where(tables.Gift.id == arg(1)))
# Gifts are locked then, so their versions need no comparison; a receipt is no change of theirs.
_POINT_TO = DB.prepare(
    tables.Gift.update({tables.Gift.receipt_id: arg(1), tables.Gift.changed_since: False}).where(
        any_of(tables.Gift.id, arg(2))
    )
)
_LET_GO = DB.prepare(
    tables.Gift.update({tables.Gift.receipt_id: None, tables.Gift.changed_since: False}).where(
        tables.Gift.receipt_id == arg(1)
    )
)
_CONTENT = DB.prepare(
    tables.Receipt.select(tables.Receipt.content, tables.Receipt.file, tables.Receipt.issued_at).where(
        tables.Receipt.id == arg(1)
    )
)
# Only the first to make the file keeps it.
_KEEP_FILE = DB.prepare(
    tables.Receipt.update(
        {
            tables.Receipt.file: arg(2),
            tables.Receipt.file_sha256: arg(3),
            tables.Receipt.substituted: arg(4),
        }
    ).where((tables.Receipt.id == arg(1)) & tables.Receipt.file.is_null())
)
_ACKNOWLEDGMENT = DB.prepare(
    tables.TaxThreshold.select(tables.TaxThreshold.amount)
    .where((tables.TaxThreshold.name == "acknowledgment") & (tables.TaxThreshold.from_year <= arg(1)))
    .order_by(tables.TaxThreshold.from_year, ascending=False)
    .limit(1)
)
_OPEN_ANNUAL = DB.prepare(
    tables.Receipt.select(*columns_for(structs.Receipt, tables.Receipt))
    .where(
        (tables.Receipt.donor_id == arg(1))
        & (tables.Receipt.of_year == arg(2))
        & (tables.Receipt.kind == "annual")
        & (tables.Receipt.state == "issued")
    )
    .lock_rows("UPDATE"),
    structs.Receipt,
)
# By hand: sums over joins.
_YEAR_END = DB.prepare_sql(
    "select d.id as donor_id, d.name, d.kind, d.email is not null as has_email, d.address is not null as has_address, "
    "count(g.id)::int as gifts, coalesce(sum(g.amount), 0)::bigint as amount, "
    "count(*) filter (where g.receipt_id is null)::int as open, "
    "count(*) filter (where g.changed_since)::int as changed, st.id as statement_id, "
    # What the statement acknowledges changed, or a receipt of the year was issued or void since.
    "(exists (select from ledger.gift o where o.receipt_id = st.id and o.changed_since) "
    "or exists (select from ledger.receipt r join ledger.gift o on o.id = any(r.gift_ids) "
    "where r.donor_id = d.id and r.kind = 'single' "
    "and o.received_on >= make_date($1, 1, 1) and o.received_on <= make_date($1, 12, 31) "
    "and (r.issued_at > st.issued_at or (r.state = 'void' and r.changed_at > st.issued_at)))) as outdated "
    "from ledger.gift g join ledger.donor d on d.id = g.donor_id "
    "left join ledger.receipt st on st.donor_id = d.id and st.of_year = $1 and st.kind = 'annual' "
    "and st.state = 'issued' "
    "where g.received_on >= make_date($1, 1, 1) and g.received_on <= make_date($1, 12, 31) "
    "and g.refunded_on is null and d.kind <> 'anonymous' group by d.id, st.id order by d.sort_name, d.id",
    structs.YearEndDonor,
)


async def issue_single(gift_id: UUID, issuer: Issuer, by: Actor) -> structs.Receipt:
    async with DB.transaction():
        donor, gift = await _donor_and_gift(gift_id)
        rules.refuse_single(gift, donor)
        receipt = await _issue_for(gift, donor, issuer, by, None)
    return await _with_file(receipt.id)


async def acknowledge_at_once(gift_id: UUID, issuer: Issuer, by: Actor) -> None:
    """In the transaction that recorded a gift: its receipt, where one is due at once.

    That is from the amount on that the law names, and for things. The mail of the receipt says thanks as well.
    """
    donor, gift = await _donor_and_gift(gift_id)
    if donor.kind != "anonymous" and rules.is_due_at_once(gift, await _ACKNOWLEDGMENT.value(gift.received_on.year)):
        await _issue_for(gift, donor, issuer, by, None)


async def issue_annual(donor_id: UUID, year: int, issuer: Issuer, by: Actor) -> structs.Receipt:
    """Acknowledges the gifts of a year that no receipt does yet, and lists the others.

    Raises Conflict where one is valid already, or nothing was given.
    """
    async with DB.transaction():
        donor = await DONOR.get(donor_id, lock=True)
        if await _OPEN_ANNUAL.one(donor_id, year) is not None:
            raise Conflict(f"A statement for {year} is valid already. Replace that one if something changed.")
        receipt = await _issue_for_year(year, donor, issuer, by, None)
    return await _with_file(receipt.id)


async def replace(id: UUID, version: int, issuer: Issuer, by: Actor) -> structs.Receipt:
    """A new receipt of the same gifts as they are now; this one is no longer valid and keeps its number."""
    async with DB.transaction():
        # Whoever issues locks the donor first, then their receipts and gifts.
        donor = await DONOR.get((await RECEIPT.get(id, version=version)).donor_id, lock=True)
        former = await RECEIPT.get(id, lock=True, version=version)
        _refuse_unless_valid(former)
        await _LET_GO.execute(id)
        await RECEIPT.change(id, version, {"state": "replaced"}, by=by)
        if former.of_year is not None:
            receipt = await _issue_for_year(former.of_year, donor, issuer, by, former)
        else:
            donor, gift = await _donor_and_gift(former.gift_ids[0])
            rules.refuse_single(gift, donor)
            receipt = await _issue_for(gift, donor, issuer, by, former)
    return await _with_file(receipt.id)


async def void(id: UUID, version: int, voiding: structs.ReceiptVoiding, by: Actor) -> structs.Receipt:
    async with DB.transaction():
        receipt = await RECEIPT.get(id, lock=True, version=version)
        _refuse_unless_valid(receipt)
        await _LET_GO.execute(id)
        return await RECEIPT.change(id, version, {"state": "void", "void_reason": voiding.reason}, by=by)


async def issue_all(year: int, issuer: Issuer, by: Actor) -> structs.StatementsIssued:
    """The annual statements of every donor who is ready, each in a transaction of its own.

    Those that say what is no longer so are replaced. Nothing is issued twice: what this issued is done.
    """
    issued = without_address = 0
    for donor in await _YEAR_END.all(year):
        group = rules.group_of(donor)
        if group == "without_address":
            without_address += 1
        elif donor.statement_id is None and group == "ready":
            await issue_annual(donor.donor_id, year, issuer, by)
            issued += 1
        elif donor.statement_id is not None and (donor.open or donor.outdated):
            statement = await RECEIPT.get(donor.statement_id)
            await replace(statement.id, statement.version, issuer, by)
            issued += 1
    return structs.StatementsIssued(issued, without_address)


async def year_end(year: int) -> structs.YearEnd:
    donors = await _YEAR_END.all(year)
    groups = [rules.group_of(donor) for donor in donors]
    counted = {name: groups.count(name) for name in ("ready", "without_address", "changed", "done")}
    return structs.YearEnd(year=year, donors=donors, **counted)


async def file_of(id: UUID) -> bytes:
    """The PDF. It is made once, after the receipt is there for good, and kept: later readers get the same bytes."""
    found = await _CONTENT.record(id)
    if found is None:
        raise NotFound(f"There is no receipt {id}.")
    if found["file"] is not None:
        return bytes(found["file"])
    content = msgspec.convert(found["content"], DocumentContent)
    made = await render(template(), msgspec.to_builtins(content), at=found["issued_at"])
    digest = hashlib.sha256(made.content).hexdigest()
    if await _KEEP_FILE.execute(id, made.content, digest, made.substituted or None):
        return made.content
    return await file_of(id)


async def _with_file(id: UUID) -> structs.Receipt:
    await file_of(id)
    return await RECEIPT.get(id)


async def _donor_and_gift(gift_id: UUID) -> tuple[Donor, structs.AcknowledgedGift]:
    """Both locked, the donor first: nobody gets another name or address while a receipt is written."""
    donor_id = await _DONOR_OF_GIFT.value(gift_id)
    if donor_id is None:
        raise NotFound(f"There is no gift {gift_id}.")
    donor = await DONOR.get(donor_id, lock=True)
    gift = await _GIFT.one(gift_id, donor_id)
    if gift is None:
        raise Conflict("This gift was given to another donor a moment ago. Load the gift again and decide anew.")
    return donor, gift


async def _issue_for(
    gift: structs.AcknowledgedGift, donor: Donor, issuer: Issuer, by: Actor, former: structs.Receipt | None
) -> structs.Receipt:
    year, sequence, number = await _number()
    content = rules.single(gift, donor, issuer, number, None if former is None else former.number)
    return await _write(
        {"year": year, "sequence": sequence, "kind": "single", "amount": gift.amount},
        content,
        donor,
        [gift.id],
        former,
        by,
    )


async def _issue_for_year(
    of_year: int, donor: Donor, issuer: Issuer, by: Actor, former: structs.Receipt | None
) -> structs.Receipt:
    if donor.kind == "anonymous":
        raise Conflict("This donor isn't known, so nobody can get a statement.")
    gifts = await _GIFTS_OF_YEAR.all(donor.id, of_year)
    if not gifts:
        raise Conflict(f"This donor gave nothing in {of_year} that could be acknowledged.")
    open_gifts = [gift for gift in gifts if gift.receipt_id is None]
    receipted = [gift for gift in gifts if gift.receipt_id is not None]
    year, sequence, number = await _number()
    replaces = None if former is None else former.number
    content = rules.annual(of_year, open_gifts, receipted, donor=donor, issuer=issuer, number=number, replaces=replaces)
    values = {"year": year, "sequence": sequence, "kind": "annual", "of_year": of_year}
    values["amount"] = sum(gift.amount for gift in open_gifts)
    return await _write(values, content, donor, [gift.id for gift in open_gifts], former, by)


async def _number() -> tuple[int, int, str]:
    """Taken last: who issues another one waits from here until this transaction ends."""
    year = (await DB.now()).year
    await _BEGIN_YEAR.execute(year)
    sequence = await _NEXT_NUMBER.value(year)
    return year, sequence, f"{year}-{sequence:05}"


async def _write(
    values: dict[str, object],
    content: DocumentContent,
    donor: Donor,
    gift_ids: Sequence[UUID],
    former: structs.Receipt | None,
    by: Actor,
) -> structs.Receipt:
    values |= {"donor_id": donor.id, "gift_ids": list(gift_ids), "content": msgspec.to_builtins(content)}
    replaces_id = None if former is None else former.id
    receipt = await RECEIPT.insert({**values, "replaces_id": replaces_id}, by=by)
    await _POINT_TO.execute(receipt.id, list(gift_ids))
    ids = ReceiptIds(donor.id, donor.person_id, receipt.kind, replaces_id)
    await OUTBOX.publish("ledger.receipt.issued", receipt, by=by, ids=ids)
    return receipt


def _refuse_unless_valid(receipt: structs.Receipt) -> None:
    if receipt.state != "issued":
        raise Conflict(f"Receipt {receipt.number} is {receipt.state} already.")
