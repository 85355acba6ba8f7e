"""Files of banks that wait to be imported: kept for some days, looked at, and removed."""

import hashlib
from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg
from gatehouse_ledger import tables
from gatehouse_ledger.bank_file.structs import BankStatement, CsvMapping
from gatehouse_ledger.statement import rules, structs
from gatehouse_ledger.statement.file_reading import (
    bank_account,
    closure_of,
    forget_file,
    known_places,
    read_file,
    staged_file,
)
from gatehouse_ledger.tables import DB

SAMPLE = 12

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
    tables.BankFile.select(tables.BankFile.id, tables.BankFile.version, tables.BankFile.name).where(
        (tables.BankFile.account_id == arg(1)) & (tables.BankFile.sha256 == arg(2))
    )
)


async def stage(new: structs.NewBankFile, by: Actor) -> structs.BankFile:
    """Keeps a file for some days, so that it can be looked at and imported. The same file again is the same."""
    await bank_account(new.account_id)
    digest = hashlib.sha256(new.content).hexdigest()
    async with DB.transaction():
        values = (uuid7(), new.account_id, new.name, digest, new.content, by.account, request_id())
        await _stage.execute(*values)
        kept = await _staged_as.record(new.account_id, digest)
    assert kept is not None
    # What was sent, not read back: a file of tens of megabytes isn't in memory twice.
    staged = structs.StagedFile(kept["id"], kept["version"], new.account_id, kept["name"], digest, new.content)
    return await _looked_at(staged, None)


async def show_file(id: UUID, mapping: CsvMapping | None = None) -> structs.BankFile:
    """A file as an import would read it now; nothing changes."""
    return await _looked_at(await staged_file(id), mapping)


async def _looked_at(staged: structs.StagedFile, mapping: CsvMapping | None) -> structs.BankFile:
    account = await bank_account(staged.account_id)
    done = await read_file(staged, account, mapping)
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
    if not await forget_file(id):
        raise NotFound(f"There is no file {id}; it was imported or removed.")


async def _shown(
    statement: BankStatement, keys: list[rules.Key], account: structs.BankAccount
) -> structs.ShownStatement:
    known = await known_places(account.id, keys)
    closure = await closure_of(statement, known, account)
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
