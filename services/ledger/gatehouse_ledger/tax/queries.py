"""All SQL of the year's tax forms."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from gatehouse_chassis.data.statements import columns_for
from gatehouse_ledger import tables
from gatehouse_ledger.enumerators import ThresholdName
from gatehouse_ledger.report.queries import sums
from gatehouse_ledger.tables import DB
from gatehouse_ledger.tax import rules, structs

MOST_POSTINGS = 5_000
_THRESHOLDS = DB.prepare(
    tables.TaxThreshold.select(*columns_for(structs.TaxThreshold, tables.TaxThreshold)), structs.TaxThreshold
)
# By hand: sums over joins.
_PAID = DB.prepare_sql(
    "select p.id as payee_id, p.name, p.w9_on_file, p.exempt, sum(c.amount)::bigint as total, "
    "coalesce(sum(c.amount) filter (where c.method in ('card', 'third_party')), 0)::bigint as elsewhere "
    "from ledger.contractor_payment c join ledger.payee p on p.id = c.payee_id "
    "where c.withdrawn_at is null and c.paid_on between make_date($1, 1, 1) and make_date($1, 12, 31) group by p.id",
    structs.PaidInYear,
)
# By hand: sums over a join.
_LARGE_DONORS = DB.prepare_sql(
    "select d.id as donor_id, d.name, d.address, sum(g.amount)::bigint as money, "
    "count(*) filter (where g.kind = 'in_kind')::int as things from ledger.gift g "
    "join ledger.donor d on d.id = g.donor_id where g.refunded_on is null "
    "and g.received_on between make_date($1, 1, 1) and make_date($1, 12, 31) "
    "group by d.id having sum(g.amount) >= $2 order by sum(g.amount) desc, d.sort_name",
    structs.LargeDonor,
)
# By hand: a join of four tables.
_POSTINGS = DB.prepare_sql(
    "select e.id as entry_id, e.booked_on, e.memo, a.code, a.name as account, f.name as fund, p.amount "
    "from ledger.posting p join ledger.journal_entry e on e.id = p.entry_id "
    "join ledger.account a on a.id = p.account_id join ledger.fund f on f.id = p.fund_id "
    "where p.account_id = any($1::uuid[]) and e.booked_on between $2 and $3 "
    "order by e.booked_on, e.id, p.position limit $4",
    structs.FigurePosting,
)


async def form_990(year: int) -> structs.Form990Workbook:
    thresholds = await _THRESHOLDS.all()
    names: tuple[ThresholdName, ...] = ("form_990_n_receipts", "form_990_ez_receipts", "form_990_ez_assets")
    limits: dict[ThresholdName, int] = {name: rules.threshold(thresholds, name, year).amount for name in names}
    of_year = await _year(year)
    former = [receipts for receipts in [await _receipts(year - 1), await _receipts(year - 2)] if receipts]
    return rules.form_990(of_year, former, limits, year)


async def form_1099(year: int) -> structs.Form1099List:
    limit = rules.threshold(await _THRESHOLDS.all(), "form_1099_nec", year)
    return structs.Form1099List(year, limit.amount, limit.source, rules.form_1099(await _PAID.all(year), limit.amount))


async def schedule_b(year: int) -> structs.ScheduleB:
    limit = rules.threshold(await _THRESHOLDS.all(), "schedule_b", year)
    return structs.ScheduleB(year, limit.amount, await _LARGE_DONORS.all(year, limit.amount))


async def postings(account_ids: Sequence[UUID], from_on: date, to_on: date) -> list[structs.FigurePosting]:
    """At most MOST_POSTINGS."""
    return await _POSTINGS.all(list(account_ids), from_on, to_on, MOST_POSTINGS)


async def form_990_postings(year: int, *, named: bool) -> list[tuple[structs.FormLine, list[structs.FigurePosting]]]:
    """Of each line that adds up accounts. `named`: with the memos, which may name people."""
    found = []
    for line in (await form_990(year)).lines:
        if line.account_ids:
            begins = rules.BEGINNING if line.line in rules.AT_THE_END else date(year, 1, 1)
            rows = await _POSTINGS.all(line.account_ids, begins, date(year, 12, 31), None)
            shown = rows if named else [msgspec.structs.replace(one, memo="") for one in rows]
            found.append((line, shown))
    return found


async def _year(year: int) -> list[rules.PostedSum]:
    return await sums(date(year, 1, 1), date(year, 12, 31), "USD")


async def _receipts(year: int) -> int:
    return rules.gross_receipts(await _year(year))
