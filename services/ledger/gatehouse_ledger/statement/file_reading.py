"""Reads a bank's file that is kept: its statements, what of them is known already, and whether they are proven."""

import asyncio
import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec

from gatehouse_chassis.base.problems import Invalid, NotFound
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_ledger import tables
from gatehouse_ledger.bank_file import csv_file
from gatehouse_ledger.bank_file.read import columns, read
from gatehouse_ledger.bank_file.structs import BankStatement, CsvMapping, FileRefused
from gatehouse_ledger.statement import rules, structs
from gatehouse_ledger.tables import DB

AT_ONCE = 5_000  # lines in one statement of SQL

_account = DB.prepare(
    tables.LedgerAccount.select(*columns_for(structs.BankAccount, tables.LedgerAccount)).where(
        (tables.LedgerAccount.id == arg(1)) & tables.LedgerAccount.archived_at.is_null()
    ),
    structs.BankAccount,
)
_staged = DB.prepare(
    tables.BankFile.select(*columns_for(structs.StagedFile, tables.BankFile)).where(tables.BankFile.id == arg(1)),
    structs.StagedFile,
)
_unstage = DB.prepare(tables.BankFile.delete().where(tables.BankFile.id == arg(1)))
_mapping = DB.prepare(
    tables.ColumnMapping.select(tables.ColumnMapping.mapping).where(
        (tables.ColumnMapping.account_id == arg(1)) & (tables.ColumnMapping.header == arg(2))
    )
)
# By hand: pairs of columns, from arrays.
_KNOWN = DB.prepare_sql(
    "select given.place from unnest($2::bytea[], $3::int[]) with ordinality as given(identity, occurrence, place) "
    "join ledger.statement_line line on line.account_id = $1 and line.identity = given.identity "
    "and line.occurrence = given.occurrence"
)
# By hand: one row, and beside it a sum over another table.
_LAST_BALANCE = DB.prepare_sql(
    "with last as (select to_on, closing from ledger.statement where account_id = $1 and closing is not null "
    "and state <> 'quarantined' order by to_on desc, imported_at desc limit 1) "
    "select last.to_on, last.closing, coalesce(sum(line.amount), 0)::bigint as since "
    "from last left join ledger.statement_line line on line.account_id = $1 and line.booked_on > last.to_on "
    "group by last.to_on, last.closing",
    structs.LastBalance,
)
_earlier_number = DB.prepare(
    tables.ImportedStatement.select(tables.ImportedStatement.bank_account)
    .where((tables.ImportedStatement.account_id == arg(1)) & (tables.ImportedStatement.bank_account != ""))
    .order_by(tables.ImportedStatement.to_on, ascending=False)
    .limit(1)
)


class FileRead(msgspec.Struct, frozen=True):
    """A staged file as it was read: its statements with their lines' keys, or why it can't be read."""

    statements: list[BankStatement]
    keys: list[list[rules.Key]]
    refused: str
    columns: list[str]
    mapping: CsvMapping | None


async def forget_file(id: UUID) -> bool:
    """Whether it was there."""
    return await _unstage.execute(id) == 1


async def closure_of(statement: BankStatement, known: set[int], account: structs.BankAccount) -> rules.Closure:
    needs_last = statement.opening is None and statement.closing is not None
    last = await _LAST_BALANCE.one(account.id) if needs_last else None
    return rules.closure(statement, account.currency, known, last)


async def known_places(account_id: UUID, keys: list[rules.Key]) -> set[int]:
    """The places of lines that are there already."""
    found: set[int] = set()
    for first in range(0, len(keys), AT_ONCE):
        part = keys[first : first + AT_ONCE]
        places = await _KNOWN.values(account_id, [key[0] for key in part], [key[1] for key in part])
        found.update(first + place - 1 for place in places)
    return found


async def read_file(staged: structs.StagedFile, account: structs.BankAccount, mapping: CsvMapping | None) -> FileRead:
    """In a thread: a large file takes seconds, and others are answered meanwhile."""
    header = await asyncio.to_thread(columns, staged.content)
    if mapping is None and header:
        kept = await _mapping.value(account.id, header_digest(header))
        mapping = None if kept is None else msgspec.convert(kept, CsvMapping)
    done = await asyncio.to_thread(_parsed, staged.content, account.currency, header, mapping)
    if done.refused:
        return done
    numbers = {statement.account[-4:] for statement in done.statements if statement.account}
    if len(numbers) > 1:
        listed = ", ".join(f"…{number}" for number in sorted(numbers))
        why = f"The file has statements of several accounts ({listed}). Download one account at a time."
        return msgspec.structs.replace(done, refused=why, statements=[], keys=[])
    earlier = await _earlier_number.value(account.id)
    if numbers and earlier is not None and earlier not in numbers:
        why = f"The file is of the bank's account …{numbers.pop()}; earlier ones of this account are of …{earlier}."
        return msgspec.structs.replace(done, refused=f"{why} Choose the account that it is of.", statements=[], keys=[])
    return done


def _parsed(content: bytes, currency: str, header: list[str], mapping: CsvMapping | None) -> FileRead:
    try:
        statements = read(content, currency, mapping)
    except FileRefused as refused:
        return FileRead([], [], str(refused), header, mapping)
    wrong = next(filter(None, (rules.wrong_currency(statement, currency) for statement in statements)), "")
    if wrong:
        return FileRead([], [], wrong, [], None)
    is_csv = statements[0].format == "csv"
    if is_csv and mapping is None:
        mapping = csv_file.guessed(csv_file.table(content))
    return FileRead(statements, rules.keys(statements), "", header if is_csv else [], mapping if is_csv else None)


def header_digest(header: Sequence[str]) -> str:
    return hashlib.sha256("\x00".join(header).encode("utf-8", "surrogatepass")).hexdigest()


async def staged_file(id: UUID) -> structs.StagedFile:
    staged = await _staged.one(id)
    if staged is None:
        raise NotFound(f"There is no file {id}; it was imported or removed.")
    return staged


async def bank_account(id: UUID) -> structs.BankAccount:
    account = await _account.one(id)
    if account is None or not account.bank:
        raise Invalid({"account_id": "no account whose statements are imported; mark it as a bank's account first"})
    return account
