"""All SQL about journal entries."""

from collections.abc import Sequence
from datetime import date
from typing import get_args
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.access import FINANCE
from gatehouse_ledger.entry import rules, structs
from gatehouse_ledger.enumerators import EntrySource
from gatehouse_ledger.period.queries import open_month
from gatehouse_ledger.tables import DB

COMPUTED = {
    "version": "1",
    "reversed_by_id": "(select later.id from ledger.journal_entry later where later.reverses_id = journal_entry.id)",
    "postings": "(select jsonb_agg(jsonb_build_object('id', p.id, 'account_id', p.account_id, 'fund_id', p.fund_id, "
    "'program_id', p.program_id, 'function', p.function, 'amount', p.amount, 'currency', p.currency) "
    "order by p.position) from ledger.posting p where p.entry_id = journal_entry.id)",
}
ENTRIES = Listing(
    tables.JournalEntry,
    structs.JournalEntry,
    columns=COMPUTED,
    filters={
        "period": uuid(tables.JournalEntry.period_id),
        "account": uuid(
            condition="exists (select from ledger.posting p where p.entry_id = journal_entry.id "
            "and p.account_id = any({}))"
        ),
        "fund": uuid(
            condition="exists (select from ledger.posting p where p.entry_id = journal_entry.id "
            "and p.fund_id = any({}))"
        ),
        "source": choices(tables.JournalEntry.source, get_args(EntrySource)),
    },
    sorts={"day": tables.JournalEntry.booked_on, "posted": tables.JournalEntry.posted_at},
    search=[tables.JournalEntry.memo],
    default_sort="-day",
)
_read = DB.prepare(
    tables.JournalEntry.select(*columns_for(structs.JournalEntry, tables.JournalEntry, **COMPUTED)).where(
        tables.JournalEntry.id == arg(1)
    ),
    structs.JournalEntry,
)
_accounts = DB.prepare(
    tables.LedgerAccount.select(*columns_for(structs.ChartAccount, tables.LedgerAccount)).where(
        any_of(tables.LedgerAccount.id, arg(1)), tables.LedgerAccount.archived_at.is_null()
    ),
    structs.ChartAccount,
)
_funds = DB.prepare(
    tables.Fund.select(*columns_for(structs.ChartFund, tables.Fund)).where(
        any_of(tables.Fund.id, arg(1)), tables.Fund.archived_at.is_null()
    ),
    structs.ChartFund,
)
_programs = DB.prepare(
    tables.Program.select(tables.Program.id).where(
        any_of(tables.Program.id, arg(1)), tables.Program.archived_at.is_null()
    )
)
_add_entry = DB.prepare(
    InsertOf(
        {
            tables.JournalEntry.id: arg(1),
            tables.JournalEntry.period_id: arg(2),
            tables.JournalEntry.booked_on: arg(3),
            tables.JournalEntry.memo: arg(4),
            tables.JournalEntry.source: arg(5),
            tables.JournalEntry.reverses_id: arg(6),
            tables.JournalEntry.lines: arg(7),
            tables.JournalEntry.posted_by: arg(8),
            tables.JournalEntry.posted_request: arg(9),
        }
    ).on_conflict(tables.JournalEntry.reverses_id)
)
# By hand: all postings of an entry in one statement, from arrays.
_add_postings = DB.prepare_sql(
    "insert into ledger.posting (id, entry_id, position, account_id, fund_id, program_id, function, amount, currency) "
    "select given.id, $1, given.position, given.account_id, given.fund_id, given.program_id, given.function, "
    "given.amount, given.currency from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], "
    "$7::bigint[], $8::text[]) with ordinality "
    "as given(id, account_id, fund_id, program_id, function, amount, currency, position)"
)


async def read_entry(id: UUID) -> structs.JournalEntry:
    entry = await _read.one(id)
    if entry is None:
        raise NotFound(f"There is no journal entry {id}.")
    return entry


def shown_to(reader: Actor, entry: structs.JournalEntry) -> structs.JournalEntry:
    """Without its memo, which may name a person, for those who read the books and don't keep them."""
    if reader.has(*FINANCE):
        return entry
    return msgspec.structs.replace(entry, memo=rules.WITHOUT_NAMES[entry.source])


async def post_entry(new: structs.NewJournalEntry, by: Actor) -> structs.JournalEntry:
    """To be called in a transaction."""
    return await post(new.booked_on, new.memo, new.postings, new.source, by)


async def post(
    booked_on: date,
    memo: str,
    postings: Sequence[structs.NewPosting],
    source: EntrySource,
    by: Actor,
    *,
    reverses: UUID | None = None,
) -> structs.JournalEntry:
    """To be called in a transaction. Raises Invalid, or Conflict where the month takes no entries."""
    rules.refuse_day(booked_on)
    chart = await _chart(postings)
    rules.refuse_entry(postings, chart)
    id = uuid7()
    period_id = await open_month(booked_on)
    values = (id, period_id, booked_on, memo, source, reverses, len(postings), by.account, request_id())
    if await _add_entry.execute(*values) != 1:
        raise Conflict("Somebody reversed this entry a moment ago.")
    await _add_postings.execute(
        id,
        [uuid7() for _ in postings],
        [one.account_id for one in postings],
        [one.fund_id for one in postings],
        [one.program_id for one in postings],
        [one.function for one in postings],
        [one.amount for one in postings],
        [chart.accounts[one.account_id].currency for one in postings],
    )
    return await read_entry(id)


# By hand: whether a posting of the entry stands in a match.
_IS_MATCHED = DB.prepare_sql(
    "select exists (select from ledger.posting p join ledger.posting_match m on m.posting_id = p.id "
    "where p.entry_id = $1)"
)


async def reverse_entry(id: UUID, reversal: structs.Reversal, by: Actor) -> structs.JournalEntry:
    """The entry that takes it back. Raises Conflict where one did already, or where its month takes no entries."""
    async with DB.transaction():
        entry = await read_entry(id)
        if await _IS_MATCHED.value(id):
            raise Conflict("This entry is matched with a line of a bank statement. Undo the match first.")
        postings = rules.reversed_postings(entry)
        day = reversal.booked_on if isinstance(reversal.booked_on, date) else entry.booked_on
        memo = reversal.memo if isinstance(reversal.memo, str) else f"Reverses: {entry.memo}"[:2000]
        return await post(day, memo, postings, "reversal", by, reverses=id)


async def _chart(postings: Sequence[structs.NewPosting]) -> structs.Chart:
    accounts = await _accounts.all(list({one.account_id for one in postings}))
    funds = await _funds.all(list({one.fund_id for one in postings}))
    programs = await _programs.values(list({one.program_id for one in postings if one.program_id is not None}))
    return structs.Chart(
        accounts={one.id: one for one in accounts},
        funds={one.id: one.name for one in funds},
        programs=frozenset(programs),
    )
