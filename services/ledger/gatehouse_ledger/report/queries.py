"""The SQL of all reports: sums of postings, and the postings themselves for the journal."""

from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID

from gatehouse_chassis.base.problems import Invalid
from gatehouse_ledger.entry.rules import refuse_day
from gatehouse_ledger.report.structs import JournalLine, PostedSum
from gatehouse_ledger.tables import DB

# By hand: a sum over a join.
_SUMS = DB.prepare_sql(
    "select a.id as account_id, a.code, a.name as account, a.type, f.id as fund_id, f.name as fund, f.restriction, "
    "g.name as program, p.function, "
    "coalesce(sum(p.amount) filter (where e.booked_on < $1), 0)::bigint as before, "
    "coalesce(sum(p.amount) filter (where e.booked_on >= $1), 0)::bigint as within "
    "from ledger.posting p join ledger.journal_entry e on e.id = p.entry_id "
    "join ledger.account a on a.id = p.account_id join ledger.fund f on f.id = p.fund_id "
    "left join ledger.program g on g.id = p.program_id "
    "where e.booked_on <= $2 and p.currency = $3 group by a.id, f.id, g.id, p.function",
    PostedSum,
)
# By hand: a join, and pairs of columns compared.
_JOURNAL = DB.prepare_sql(
    "with chosen as (select id, booked_on, memo from ledger.journal_entry where booked_on <= $2 "
    "and (booked_on, id) > ($1, $3) order by booked_on, id limit 5000) "
    "select e.id as entry_id, e.booked_on, e.memo, a.code, a.name as account, a.type, f.name as fund, p.function, "
    "g.name as program, p.amount, p.currency from chosen e join ledger.posting p on p.entry_id = e.id "
    "join ledger.account a on a.id = p.account_id join ledger.fund f on f.id = p.fund_id "
    "left join ledger.program g on g.id = p.program_id order by e.booked_on, e.id, p.position",
    JournalLine,
)
BEGINNING = date(1999, 12, 31)
NO_ID = UUID(int=0)


async def sums(from_on: date, to_on: date, currency: str, *, end: str = "to_on") -> list[PostedSum]:
    """Of everything until `to_on`, which the caller named `end`. Raises Invalid for days the wrong way round."""
    refuse_day(from_on, "from_on")
    refuse_day(to_on, end)
    if from_on > to_on:
        raise Invalid({"from_on": f"lies after to_on ({to_on}); give an earlier day"})
    return await _SUMS.all(from_on, to_on, currency)


async def journal_lines(to_on: date) -> AsyncIterator[list[JournalLine]]:
    """All postings until a day in their order, some thousand entries at a time."""
    day, last = BEGINNING, NO_ID
    while lines := await _JOURNAL.all(day, to_on, last):
        yield lines
        day, last = lines[-1].booked_on, lines[-1].entry_id
