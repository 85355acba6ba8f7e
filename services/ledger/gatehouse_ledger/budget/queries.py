"""All SQL of budgets."""

from datetime import date

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_ledger import tables
from gatehouse_ledger.budget import rules, structs
from gatehouse_ledger.chart.queries import ACCOUNT, PROGRAM
from gatehouse_ledger.tables import DB

LINE = Repository(tables.BudgetLine, structs.BudgetLine)
# By hand: what was meant and what was booked, of which either may be missing.
_ROWS = DB.prepare_sql(
    "with meant as (select account_id, program_id, amount from ledger.budget_line where year = $1), "
    "booked as (select p.account_id, p.program_id, sum(p.amount) as amount from ledger.posting p "
    "join ledger.journal_entry e on e.id = p.entry_id where e.booked_on >= make_date($1, 1, 1) and e.booked_on <= $2 "
    "and p.currency = 'USD' group by 1, 2) "
    "select a.id as account_id, a.code, a.name as account, a.type, g.id as program_id, g.name as program, "
    "coalesce(m.amount, 0)::bigint as budget, "
    "(coalesce(b.amount, 0) * case a.type when 'income' then -1 else 1 end)::bigint as actual "
    "from meant m full join booked b on b.account_id = m.account_id and b.program_id is not distinct from m.program_id "
    "join ledger.account a on a.id = coalesce(m.account_id, b.account_id) "
    "left join ledger.program g on g.id = coalesce(m.program_id, b.program_id) "
    "where a.type in ('income', 'expense') order by a.code, g.sort_name nulls first",
    structs.BudgetRow,
)
_OF = DB.prepare(
    tables.BudgetLine.select(*columns_for(structs.BudgetLine, tables.BudgetLine))
    .where((tables.BudgetLine.year == arg(1)) & (tables.BudgetLine.account_id == arg(2)))
    .lock_rows("UPDATE"),
    structs.BudgetLine,
)


async def budget_report(year: int, to_on: date | None = None) -> structs.BudgetReport:
    """`to_on`: until which day it is compared; unless said today, or the end of another year."""
    today = (await DB.now()).date()
    until = to_on or (today if today.year == year else date(year, 12, 31))
    return rules.report(year, until, await _ROWS.all(year, until))


async def set_line(year: int, setting: structs.BudgetLineSetting, by: Actor) -> structs.BudgetReport:
    """The year's budget with the line as it should be. Raises Invalid for what is neither income nor an expense."""
    account = await ACCOUNT.find(setting.account_id)
    if account is None or account.type not in ("income", "expense"):
        raise Invalid({"account_id": "choose an account of income or expenses"})
    if setting.program_id is not None and await PROGRAM.find(setting.program_id) is None:
        raise Invalid({"program_id": "there is no such program"})
    async with DB.transaction():
        await DB.advisory_lock(f"budget of {year}")
        of = [one for one in await _OF.all(year, setting.account_id) if one.program_id == setting.program_id]
        values = {"year": year, "account_id": setting.account_id, "program_id": setting.program_id}
        if of:
            await LINE.change(of[0].id, of[0].version, {"amount": setting.amount}, by=by)
        else:
            await LINE.insert({**values, "amount": setting.amount}, by=by)
    return await budget_report(year)
