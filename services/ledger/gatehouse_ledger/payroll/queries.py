"""All SQL about payroll registers."""

import hashlib

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_chassis.lists.filters import integer
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.entry.queries import post
from gatehouse_ledger.entry.structs import ChartAccount
from gatehouse_ledger.payroll import rules, structs
from gatehouse_ledger.tables import DB

REGISTERS = Listing(
    tables.PayrollRegister,
    structs.PayrollRegister,
    filters={
        "year": integer(
            condition="extract(year from payroll_register.paid_on)::bigint = any({})",
            minimum=2000,
            maximum=2199,
            help="The year that it was paid in",
        ),
    },
    sorts={"day": tables.PayrollRegister.paid_on},
    default_sort="-day",
)
_accounts = DB.prepare(
    tables.LedgerAccount.select(*columns_for(ChartAccount, tables.LedgerAccount)).where(
        any_of(tables.LedgerAccount.code, arg(1)), tables.LedgerAccount.archived_at.is_null()
    ),
    ChartAccount,
)
_read = DB.prepare(
    tables.PayrollRegister.select(*columns_for(structs.PayrollRegister, tables.PayrollRegister)).where(
        tables.PayrollRegister.id == arg(1)
    ),
    structs.PayrollRegister,
)
_add = DB.prepare(
    InsertOf(
        {
            tables.PayrollRegister.id: arg(1),
            tables.PayrollRegister.paid_on: arg(2),
            tables.PayrollRegister.file_sha256: arg(3),
            tables.PayrollRegister.rows: arg(4),
            tables.PayrollRegister.gross: arg(5),
            tables.PayrollRegister.withheld: arg(6),
            tables.PayrollRegister.net: arg(7),
            tables.PayrollRegister.employer_cost: arg(8),
            tables.PayrollRegister.entry_id: arg(9),
            tables.PayrollRegister.created_by: arg(10),
            tables.PayrollRegister.created_request: arg(11),
        }
    ).on_conflict(tables.PayrollRegister.file_sha256)
)


async def book(new: structs.NewPayrollRegister, by: Actor) -> structs.PayrollRegister:
    """To be called in a transaction. Raises Conflict for a register that was booked before."""
    rows = rules.read(new.content, new.columns, new.otherwise)
    accounts = {one.code: one.id for one in await _accounts.all([rules.SALARIES, rules.TAXES, rules.OWED])}
    missing = sorted({rules.SALARIES, rules.TAXES, rules.OWED} - set(accounts))
    if missing:
        raise Invalid({"content": f"the chart has no account {', '.join(missing)}; add it first"})
    entry = await post(new.paid_on, "Payroll", rules.postings(new, rows, accounts), "manual", by)
    id = uuid7()
    sums = [sum(getattr(row, field) for row in rows) for field in ("gross", "withheld", "net", "employer_cost")]
    digest = hashlib.sha256(new.content).hexdigest()
    if await _add.execute(id, new.paid_on, digest, len(rows), *sums, entry.id, by.account, request_id()) != 1:
        raise Conflict("This register was booked already.")
    register = await _read.one(id)
    assert register is not None
    return register
