"""All SQL that lists statements and their lines, and compares them with the books."""

from typing import get_args
from uuid import UUID

from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import choices, present, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.enumerators import StatementState
from gatehouse_ledger.statement import structs
from gatehouse_ledger.tables import DB

STATEMENTS = Listing(
    tables.ImportedStatement,
    structs.ImportedStatement,
    columns={"version": "1"},
    filters={
        "account": uuid(tables.ImportedStatement.account_id),
        "state": choices(tables.ImportedStatement.state, get_args(StatementState)),
    },
    sorts={"day": tables.ImportedStatement.to_on},
    default_sort="-day",
)
LINES = Listing(
    tables.StatementLine,
    structs.StatementLine,
    filters={
        "account": uuid(tables.StatementLine.account_id),
        "statement": uuid(tables.StatementLine.statement_id),
        "matched": present(tables.StatementLine.match_id),
    },
    sorts={"day": tables.StatementLine.booked_on},
    search=[tables.StatementLine.text, tables.StatementLine.reference],
    default_sort="-day",
)
_read = DB.prepare(
    tables.ImportedStatement.select(
        *columns_for(structs.ImportedStatement, tables.ImportedStatement, version="1")
    ).where(tables.ImportedStatement.id == arg(1)),
    structs.ImportedStatement,
)
# By hand: several sums over joins.
_RECONCILIATION = DB.prepare_sql(
    "select a.id as account_id, a.code, a.name, a.currency, last.to_on as statement_on, last.closing as statement, "
    "coalesce((select sum(p.amount) from ledger.posting p where p.account_id = a.id), 0)::bigint as books, "
    "open.lines as open_lines, open.amount as open_lines_sum, open.oldest as oldest_open, "
    "posted.postings as open_postings, posted.amount as open_postings_sum "
    "from ledger.account a "
    "left join lateral (select s.to_on, s.closing from ledger.statement s where s.account_id = a.id "
    "and s.closing is not null and s.state <> 'quarantined' order by s.to_on desc, s.imported_at desc limit 1) last "
    "on true "
    "cross join lateral (select count(*)::int as lines, coalesce(sum(l.amount), 0)::bigint as amount, "
    "min(l.booked_on) as oldest from ledger.statement_line l where l.account_id = a.id and l.match_id is null) open "
    "cross join lateral (select count(*)::int as postings, coalesce(sum(p.amount), 0)::bigint as amount "
    "from ledger.posting p join ledger.journal_entry e on e.id = p.entry_id where p.account_id = a.id "
    # What was booked before the first statement began is on none.
    "and e.booked_on >= (select min(s.from_on) from ledger.statement s where s.account_id = a.id) "
    "and e.source not in ('reversal', 'opening') "
    "and not exists (select from ledger.posting_match m where m.posting_id = p.id) "
    "and not exists (select from ledger.journal_entry later where later.reverses_id = e.id)) posted "
    "where a.bank and a.archived_at is null order by a.code",
    structs.Reconciliation,
)


async def read_statement(id: UUID) -> structs.ImportedStatement:
    statement = await _read.one(id)
    if statement is None:
        raise NotFound(f"There is no statement {id}.")
    return statement


async def reconciliations() -> list[structs.Reconciliation]:
    """Of every account whose statements are imported."""
    return await _RECONCILIATION.all()
