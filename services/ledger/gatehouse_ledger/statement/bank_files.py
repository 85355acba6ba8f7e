"""Files of banks: kept, looked at and imported. All SQL that this takes."""

import asyncio
import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Invalid, NotFound, Unprocessable
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_ledger import tables
from gatehouse_ledger.bank_file import csv_file
from gatehouse_ledger.bank_file.read import columns, read
from gatehouse_ledger.bank_file.structs import BankStatement, CsvMapping, FileRefused
from gatehouse_ledger.events import OUTBOX, StatementIds
from gatehouse_ledger.match.queries import accept_certain
from gatehouse_ledger.statement import rules, structs
from gatehouse_ledger.statement.queries import read_statement
from gatehouse_ledger.tables import DB

AT_ONCE = 5_000  # lines in one statement of SQL
SAMPLE = 12

_account = DB.prepare(
    tables.LedgerAccount.select(*columns_for(structs.BankAccount, tables.LedgerAccount)).where(
        (tables.LedgerAccount.id == arg(1)) & tables.LedgerAccount.archived_at.is_null()
    ),
    structs.BankAccount,
)
_stage = DB.prepare(
    InsertOf(
        {
            tables.BankFile.id: arg(1),
            tables.BankFile.account_id: arg(2),
            tables.BankFile.name: arg(3),
            tables.BankFile.sha256: arg(4),
            tables.BankFile.content: arg(5),
            tables.BankFile.created_by: arg(6),
            tables.BankFile.created_request: arg(7),
        }
    ).on_conflict()
)
_staged_as = DB.prepare(
    tables.BankFile.select(tables.BankFile.id).where(
        (tables.BankFile.account_id == arg(1)) & (tables.BankFile.sha256 == arg(2))
    )
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
# By hand: an upsert that leaves a mapping alone that says the same; pairs of a join.
_KEEP_MAPPING = DB.prepare_sql(
    "insert into ledger.csv_mapping (id, account_id, header, mapping, created_by, created_request) "
    "select * from unnest(array[$1::uuid], array[$2::uuid], array[$3::text], array[$4::jsonb], array[$5::uuid], "
    "array[$6::text]) on conflict (account_id, header) do update set mapping = excluded.mapping "
    "where csv_mapping.mapping <> excluded.mapping"
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
_add = DB.prepare(
    InsertOf(
        {
            column: arg(number)
            for number, column in enumerate(
                (
                    tables.ImportedStatement.id,
                    tables.ImportedStatement.account_id,
                    tables.ImportedStatement.file_name,
                    tables.ImportedStatement.file_sha256,
                    tables.ImportedStatement.number,
                    tables.ImportedStatement.format,
                    tables.ImportedStatement.bank_account,
                    tables.ImportedStatement.from_on,
                    tables.ImportedStatement.to_on,
                    tables.ImportedStatement.opening,
                    tables.ImportedStatement.closing,
                    tables.ImportedStatement.state,
                    tables.ImportedStatement.difference,
                    tables.ImportedStatement.lines,
                    tables.ImportedStatement.new_lines,
                    tables.ImportedStatement.imported_by,
                    tables.ImportedStatement.imported_request,
                ),
                1,
            )
        }
    ).on_conflict()
)
# By hand: rows from arrays.
_ADD_LINES = DB.prepare_sql(
    "insert into ledger.statement_line (id, account_id, statement_id, seq, booked_on, amount, text, reference, "
    "bank_id, identity, occurrence) select given.id, $1, $2, given.seq, given.booked_on, given.amount, given.text, "
    "given.reference, given.bank_id, given.identity, given.occurrence from unnest($3::uuid[], $4::int[], $5::date[], "
    "$6::bigint[], $7::text[], $8::text[], $9::text[], $10::bytea[], $11::int[]) "
    "as given(id, seq, booked_on, amount, text, reference, bank_id, identity, occurrence)"
)


class FileRead(msgspec.Struct, frozen=True):
    """A staged file as it was read: its statements with their lines' keys, or why it can't be read."""

    statements: list[BankStatement]
    keys: list[list[rules.Key]]
    refused: str
    columns: list[str]
    mapping: CsvMapping | None


async def stage(new: structs.NewBankFile, by: Actor) -> structs.BankFile:
    """Keeps a file for some days, so that it can be looked at and imported. The same file again is the same."""
    await _bank_account(new.account_id)
    digest = hashlib.sha256(new.content).hexdigest()
    async with DB.transaction():
        values = (uuid7(), new.account_id, new.name, digest, new.content, by.account, request_id())
        await _stage.execute(*values)
        id = await _staged_as.value(new.account_id, digest)
    return await show_file(id)


async def show_file(id: UUID, mapping: CsvMapping | None = None) -> structs.BankFile:
    """A file as an import would read it now; nothing changes."""
    staged = await _staged_file(id)
    account = await _bank_account(staged.account_id)
    done = await _read_file(staged, account, mapping)
    shown = [await _shown(statement, keys, account) for statement, keys in zip(done.statements, done.keys, strict=True)]
    return structs.BankFile(
        staged.id,
        staged.version,
        staged.account_id,
        staged.name,
        account.currency,
        done.refused,
        done.columns,
        done.mapping,
        shown,
    )


async def remove_file(id: UUID) -> None:
    if await _unstage.execute(id) != 1:
        raise NotFound(f"There is no file {id}; it was imported or removed.")


async def import_file(id: UUID, request: structs.ImportRequest, by: Actor) -> structs.ImportOutcome:
    """Takes the lines that are new, and matches those that are certain. The file is gone afterwards.

    A file that was imported before changes nothing at all. Raises Unprocessable for one that can't be read.
    """
    staged = await _staged_file(id)
    account = await _bank_account(staged.account_id)
    done = await _read_file(staged, account, request.mapping)
    if done.refused:
        raise Unprocessable(done.refused)
    async with DB.transaction():
        await DB.advisory_lock(f"ledger statements {account.id}")
        outcome = structs.ImportOutcome(account.id, 0, 0, 0, 0, 0)
        for number, (statement, keys) in enumerate(zip(done.statements, done.keys, strict=True), 1):
            outcome = await _import(outcome, statement, keys, staged=staged, number=number, account=account, by=by)
        if request.mapping is not None:
            values = (uuid7(), account.id, _digest(done.columns), msgspec.to_builtins(request.mapping))
            await _KEEP_MAPPING.execute(*values, by.account, request_id())
        await _unstage.execute(id)
        matched = await accept_certain(account.id, by) if outcome.new_lines else 0
        return msgspec.structs.replace(outcome, matched=matched)


async def _import(
    outcome: structs.ImportOutcome,
    statement: BankStatement,
    keys: list[rules.Key],
    *,
    staged: structs.StagedFile,
    number: int,
    account: structs.BankAccount,
    by: Actor,
) -> structs.ImportOutcome:
    known = await _known(account.id, keys)
    closure = await _closure(statement, known, account)
    taken = closure.state != "quarantined"
    fresh = [place for place in range(len(keys)) if place not in known] if taken else []
    outcome = msgspec.structs.replace(
        outcome,
        statements=outcome.statements + 1,
        quarantined=outcome.quarantined + (not taken),
        new_lines=outcome.new_lines + len(fresh),
        known_lines=outcome.known_lines + len(known),
    )
    if taken and not fresh and statement.lines:
        return outcome
    id = uuid7()
    values = (
        id,
        account.id,
        staged.name,
        staged.sha256,
        number,
        statement.format,
        statement.account[-4:],
        statement.from_on,
        statement.to_on,
        statement.opening,
        statement.closing,
        closure.state,
        closure.difference,
        len(statement.lines),
        len(fresh),
    )
    if await _add.execute(*values, by.account, request_id()) != 1:
        return outcome  # the same empty statement, or the same in quarantine
    for first in range(0, len(fresh), AT_ONCE):
        await _add_lines(account.id, id, statement, keys, fresh[first : first + AT_ONCE])
    ids = StatementIds(account.id, closure.state)
    await OUTBOX.publish("ledger.statement.imported", await read_statement(id), by=by, ids=ids)
    return outcome


async def _add_lines(
    account_id: UUID, id: UUID, statement: BankStatement, keys: list[rules.Key], places: Sequence[int]
) -> None:
    lines = [statement.lines[place] for place in places]
    await _ADD_LINES.execute(
        account_id,
        id,
        [uuid7() for _ in places],
        [place + 1 for place in places],
        [line.booked_on for line in lines],
        [line.amount for line in lines],
        [line.text for line in lines],
        [line.reference for line in lines],
        [line.bank_id for line in lines],
        [keys[place][0] for place in places],
        [keys[place][1] for place in places],
    )


async def _shown(
    statement: BankStatement, keys: list[rules.Key], account: structs.BankAccount
) -> structs.ShownStatement:
    known = await _known(account.id, keys)
    closure = await _closure(statement, known, account)
    sample = [
        structs.ShownLine(line.booked_on, line.amount, line.text, place in known)
        for place, line in enumerate(statement.lines[:SAMPLE])
    ]
    return structs.ShownStatement(
        format=statement.format,
        bank_account=statement.account[-4:],
        from_on=statement.from_on,
        to_on=statement.to_on,
        opening=statement.opening,
        closing=statement.closing,
        state=closure.state,
        difference=closure.difference,
        why=closure.why,
        lines=len(keys),
        new_lines=len(keys) - len(known),
        known_lines=len(known),
        sample=sample,
    )


async def _closure(statement: BankStatement, known: set[int], account: structs.BankAccount) -> rules.Closure:
    needs_last = statement.opening is None and statement.closing is not None
    last = await _LAST_BALANCE.one(account.id) if needs_last else None
    return rules.closure(statement, account.currency, known, last)


async def _known(account_id: UUID, keys: list[rules.Key]) -> set[int]:
    """The places of lines that are there already."""
    found: set[int] = set()
    for first in range(0, len(keys), AT_ONCE):
        part = keys[first : first + AT_ONCE]
        places = await _KNOWN.values(account_id, [key[0] for key in part], [key[1] for key in part])
        found.update(first + place - 1 for place in places)
    return found


async def _read_file(staged: structs.StagedFile, account: structs.BankAccount, mapping: CsvMapping | None) -> FileRead:
    """In a thread: a large file takes seconds, and others are answered meanwhile."""
    header = await asyncio.to_thread(columns, staged.content)
    if mapping is None and header:
        kept = await _mapping.value(account.id, _digest(header))
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


def _digest(header: Sequence[str]) -> str:
    return hashlib.sha256("\x00".join(header).encode("utf-8", "surrogatepass")).hexdigest()


async def _staged_file(id: UUID) -> structs.StagedFile:
    staged = await _staged.one(id)
    if staged is None:
        raise NotFound(f"There is no file {id}; it was imported or removed.")
    return staged


async def _bank_account(id: UUID) -> structs.BankAccount:
    account = await _account.one(id)
    if account is None or not account.bank:
        raise Invalid({"account_id": "no account whose statements are imported; mark it as a bank's account first"})
    return account
