"""Imports a bank's file: what is new is taken, and what is certain is matched."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import Unprocessable
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg
from gatehouse_ledger import tables
from gatehouse_ledger.bank_file.structs import BankStatement
from gatehouse_ledger.events import OUTBOX, StatementIds
from gatehouse_ledger.match.queries import accept_certain
from gatehouse_ledger.statement import rules, structs
from gatehouse_ledger.statement.file_reading import (
    AT_ONCE,
    bank_account,
    closure_of,
    forget_file,
    header_digest,
    known_places,
    read_file,
    staged_file,
)
from gatehouse_ledger.statement.queries import read_statement
from gatehouse_ledger.tables import DB

# By hand: an upsert that leaves a mapping alone that says the same; pairs of a join.
_KEEP_MAPPING = DB.prepare_sql(
    "insert into ledger.csv_mapping (id, account_id, header, mapping, created_by, created_request) "
    "select * from unnest(array[$1::uuid], array[$2::uuid], array[$3::text], array[$4::jsonb], array[$5::uuid], "
    "array[$6::text]) on conflict (account_id, header) do update set mapping = excluded.mapping "
    "where csv_mapping.mapping <> excluded.mapping"
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


async def import_file(id: UUID, request: structs.ImportRequest, by: Actor) -> structs.ImportOutcome:
    """Takes the lines that are new, and matches those that are certain. The file is gone afterwards.

    A file that was imported before changes nothing at all. Raises Unprocessable for one that can't be read.
    """
    staged = await staged_file(id)
    account = await bank_account(staged.account_id)
    done = await read_file(staged, account, request.mapping)
    if done.refused:
        raise Unprocessable(done.refused)
    async with DB.transaction():
        await DB.advisory_lock(f"ledger statements {account.id}")
        outcome = structs.ImportOutcome(account.id, 0, 0, 0, 0, 0)
        for number, (statement, keys) in enumerate(zip(done.statements, done.keys, strict=True), 1):
            outcome = await _import(outcome, statement, keys, staged=staged, number=number, account=account, by=by)
        if request.mapping is not None:
            values = (uuid7(), account.id, header_digest(done.columns), msgspec.to_builtins(request.mapping))
            await _KEEP_MAPPING.execute(*values, by.account, request_id())
        await forget_file(id)
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
    known = await known_places(account.id, keys)
    closure = await closure_of(statement, known, account)
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
