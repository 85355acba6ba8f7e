"""All SQL about accounts, funds and programs."""

from typing import Any, get_args
from uuid import UUID

from piccolo.query.functions import Sum

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import arg
from gatehouse_chassis.lists.filters import choices
from gatehouse_chassis.lists.listing import Listing
from gatehouse_ledger import tables
from gatehouse_ledger.chart import structs
from gatehouse_ledger.enumerators import AccountType, Restriction
from gatehouse_ledger.tables import DB

TAKEN = "there is one of this name already; use that one, or give another name"

ACCOUNT = Repository(
    tables.LedgerAccount,
    structs.LedgerAccount,
    unique={"unique_code": {"code": "another account has this number; give another"}},
)
FUND = Repository(tables.Fund, structs.Fund, unique={"unique_name": {"name": TAKEN}})
PROGRAM = Repository(tables.Program, structs.Program, unique={"unique_name": {"name": TAKEN}})

ACCOUNTS = Listing(
    tables.LedgerAccount,
    structs.LedgerAccount,
    filters={"type": choices(tables.LedgerAccount.type, get_args(AccountType))},
    sorts={"code": tables.LedgerAccount.code, "created": tables.LedgerAccount.created_at},
    search=[tables.LedgerAccount.name, tables.LedgerAccount.code],
    default_sort="code",
)
FUNDS = Listing(
    tables.Fund,
    structs.Fund,
    filters={"restriction": choices(tables.Fund.restriction, get_args(Restriction))},
    sorts={"name": tables.Fund.sort_name, "created": tables.Fund.created_at},
    search=[tables.Fund.name],
    default_sort="name",
)
PROGRAMS = Listing(
    tables.Program,
    structs.Program,
    sorts={"name": tables.Program.sort_name, "created": tables.Program.created_at},
    search=[tables.Program.name],
    default_sort="name",
)


def _balance(column: Any) -> Any:
    return DB.prepare(tables.Posting.select(Sum(tables.Posting.amount)).where(column == arg(1)))


_account_balance = _balance(tables.Posting.account_id)
_kept_in_fund = DB.prepare(tables.Posting.select(tables.Posting.id).where(tables.Posting.fund_id == arg(1)).limit(1))


async def add_account(new: structs.NewLedgerAccount, by: Actor) -> structs.LedgerAccount:
    if new.bank is True and new.type not in ("asset", "liability"):
        raise Invalid({"bank": "is for an asset or a liability, such as a checking account or a credit card"})
    return await ACCOUNT.insert(new, by=by)


async def change_account(
    id: UUID, version: int, change: structs.LedgerAccountChange, by: Actor
) -> structs.LedgerAccount:
    async with DB.transaction():
        before = await ACCOUNT.get(id, lock=True, version=version)
        if change.bank is True and before.type not in ("asset", "liability"):
            raise Invalid({"bank": "is for an asset or a liability, such as a checking account or a credit card"})
        return await ACCOUNT.change(id, version, change, by=by)


async def archive_account(id: UUID, version: int, by: Actor) -> structs.LedgerAccount:
    """Raises Conflict while it has a balance."""
    async with DB.transaction():
        await ACCOUNT.get(id, lock=True, version=version)
        if await _account_balance.value(id):
            raise Conflict("This account has a balance. Bring it to zero first, by an entry.")
        return await ACCOUNT.archive(id, version, by=by)


async def archive_fund(id: UUID, version: int, by: Actor) -> structs.Fund:
    """Raises Conflict once something was posted in it: reports of former years name it."""
    async with DB.transaction():
        await FUND.get(id, lock=True, version=version)
        if await _kept_in_fund.value(id) is not None:
            raise Conflict("Entries name this fund. Give it another name instead.")
        return await FUND.archive(id, version, by=by)
