"""All SQL about months."""

from datetime import date
from typing import get_args
from uuid import UUID

from piccolo.query.functions import Max, Min
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import choices
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.enumerators import PeriodState
from gatehouse_ledger.events import OUTBOX
from gatehouse_ledger.period import rules, structs
from gatehouse_ledger.tables import DB

PERIOD = Repository(tables.AccountingPeriod, structs.PeriodRecord)
COMPUTED = {"entries": "(select count(*) from ledger.journal_entry e where e.period_id = accounting_period.id)"}
PERIODS = Listing(
    tables.AccountingPeriod,
    structs.AccountingPeriod,
    columns=COMPUTED,
    filters={"state": choices(tables.AccountingPeriod.state, get_args(PeriodState))},
    sorts={"month": tables.AccountingPeriod.starts_on},
    default_sort="-month",
)
_read = DB.prepare(
    tables.AccountingPeriod.select(*columns_for(structs.AccountingPeriod, tables.AccountingPeriod, **COMPUTED)).where(
        tables.AccountingPeriod.id == arg(1)
    ),
    structs.AccountingPeriod,
)
# The lock makes a closing wait until the entry that needs an open month is posted.
_of_month = DB.prepare(
    tables.AccountingPeriod.select(*columns_for(structs.PeriodRecord, tables.AccountingPeriod))
    .where(tables.AccountingPeriod.starts_on == arg(1))
    .lock_rows("SHARE"),
    structs.PeriodRecord,
)
_last_closed = DB.prepare(
    tables.AccountingPeriod.select(Max(tables.AccountingPeriod.starts_on)).where(
        tables.AccountingPeriod.state == "closed"
    )
)
_open_before = DB.prepare(
    tables.AccountingPeriod.select(Min(tables.AccountingPeriod.starts_on)).where(
        (tables.AccountingPeriod.starts_on < arg(1)) & (tables.AccountingPeriod.state != "closed")
    )
)
# By hand: a join, for the code of the account.
_OPEN_LINES = DB.prepare_sql(
    "select count(*) from ledger.statement_line l join ledger.account a on a.id = l.account_id "
    "where l.match_id is null and l.booked_on >= $1 and l.booked_on < ($1 + interval '1 month')"
)
# By hand: of the lines of a month, whoever imported their statement.
_IMPORTERS = DB.prepare_sql(
    "select distinct s.imported_by from ledger.statement_line l join ledger.statement s on s.id = l.statement_id "
    "where l.booked_on >= $1 and l.booked_on < ($1 + interval '1 month') and s.imported_by is not null"
)
_add = DB.prepare(
    InsertOf({tables.AccountingPeriod.id: arg(1), tables.AccountingPeriod.starts_on: arg(2)}).on_conflict(
        tables.AccountingPeriod.starts_on
    )
)
_posters = DB.prepare(
    tables.JournalEntry.select(tables.JournalEntry.posted_by)
    .where((tables.JournalEntry.period_id == arg(1)) & tables.JournalEntry.posted_by.is_not_null())
    .distinct()
)


async def read_period(id: UUID) -> structs.AccountingPeriod:
    period = await _read.one(id)
    if period is None:
        raise NotFound(f"There is no accounting period {id}.")
    return period


async def open_month(day: date) -> UUID:
    """The month of a day, to be posted in: made where it isn't there yet, and held open until the transaction ends.

    Raises Conflict for one that takes no entries any more.
    """
    month = day.replace(day=1)
    period = await _of_month.one(month)
    if period is None:
        last = await _last_closed.value()
        if last is not None and month <= last:
            raise Conflict(f"The books are closed until {rules.named(last)}. Give a later day.")
        await _add.execute(uuid7(), month)
        period = await _of_month.one(month)
        assert period is not None
    if period.state != "open":
        raise Conflict(f"{rules.named(month)} is {period.state} and takes no entries. Give a day in an open month.")
    return period.id


async def prepare_period(id: UUID, version: int, by: Actor) -> structs.AccountingPeriod:
    """From now on nothing is posted in it, and another person may close it."""
    async with DB.transaction():
        period = await PERIOD.get(id, lock=True, version=version)
        earlier, lines = await _open_before.value(period.starts_on), await _OPEN_LINES.value(period.starts_on)
        rules.refuse_preparing(period, earlier, lines)
        values = {"state": "closing", "prepared_at": await DB.now(), "prepared_by": by.account}
        await PERIOD.change(id, version, values, by=by)
        return await read_period(id)


async def reopen_period(id: UUID, version: int, by: Actor) -> structs.AccountingPeriod:
    """Raises Conflict for a month that is closed: that is final, and corrections are entries of a later month."""
    async with DB.transaction():
        period = await PERIOD.get(id, lock=True, version=version)
        if period.state != "closing":
            why = (
                "is closed for good; correct it by an entry in a later month" if period.state == "closed" else "is open"
            )
            raise Conflict(f"{rules.named(period.starts_on)} {why}.")
        await PERIOD.change(id, version, {"state": "open", "prepared_at": None, "prepared_by": None}, by=by)
        return await read_period(id)


async def close_period(id: UUID, version: int, by: Actor) -> structs.AccountingPeriod:
    async with DB.transaction():
        period = await PERIOD.get(id, lock=True, version=version)
        involved = [*await _posters.values(id), *await _IMPORTERS.values(period.starts_on)]
        rules.refuse_closing(period, by.account, involved)
        values = {"state": "closed", "closed_at": await DB.now(), "closed_by": by.account}
        closed = await PERIOD.change(id, version, values, by=by)
        await OUTBOX.publish("ledger.period.closed", closed, by=by)
        return await read_period(id)
