"""Files of banks, statements and their lines over HTTP: a file is staged, looked at, and imported."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import created, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE, READERS
from gatehouse_ledger.statement import bank_files, imports, queries
from gatehouse_ledger.statement.structs import (
    BankFile,
    ImportedStatement,
    ImportOutcome,
    ImportRequest,
    NewBankFile,
    Reconciliation,
    StatementLine,
)

# A file of 64 MB in base64, and the words around it.
LARGEST_BODY = 86_000_000


class BankFileController(Controller):
    path = "/bank-files"
    tags = ("statements",)

    @post(
        operation_id="StageBankFile",
        guards=[allow(*FINANCE)],
        request_max_body_size=LARGEST_BODY,
        summary="Look at a bank's file before it is imported: OFX, QFX, CSV, camt.053 or MT940",
    )
    async def stage_bank_file(self, data: NewBankFile, actor: Actor) -> Response[BankFile]:
        staged = await bank_files.stage(data, actor)
        return created(staged, f"/api/ledger/bank-files/{staged.id}")

    @get(
        "/{file_id:uuid}",
        operation_id="GetBankFile",
        guards=[allow(*FINANCE)],
        summary="What an import of a file would do now",
    )
    async def get_bank_file(self, file_id: UUID) -> BankFile:
        return await bank_files.show_file(file_id)

    @post(
        "/{file_id:uuid}/preview",
        operation_id="PreviewBankFile",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="What an import would do, with other columns",
    )
    async def preview_bank_file(self, file_id: UUID, data: ImportRequest) -> BankFile:
        return await bank_files.show_file(file_id, data.mapping)

    @post(
        "/{file_id:uuid}/import",
        operation_id="ImportBankFile",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Take the lines that are new, and match those that are certain",
    )
    async def import_bank_file(self, file_id: UUID, data: ImportRequest, actor: Actor) -> ImportOutcome:
        return await imports.import_file(file_id, data, actor)

    @delete("/{file_id:uuid}", operation_id="RemoveBankFile", guards=[allow(*FINANCE)], summary="Don't import a file")
    async def remove_bank_file(self, file_id: UUID) -> None:
        await bank_files.remove_file(file_id)


class StatementController(Controller):
    path = "/statements"
    tags = ("statements",)

    @get(
        operation_id="ListStatements",
        operation_class=queries.STATEMENTS.operation,
        guards=[allow(*FINANCE)],
        summary="Statements that were imported or put into quarantine",
    )
    async def list_statements(self, request: Request[Any, Any, Any]) -> Page[ImportedStatement]:
        return await queries.STATEMENTS.page(request.query_params)

    @get("/{statement_id:uuid}", operation_id="GetStatement", guards=[allow(*FINANCE)], summary="One statement")
    async def get_statement(self, request: Request[Any, Any, Any], statement_id: UUID) -> Response[ImportedStatement]:
        return versioned(await queries.read_statement(statement_id), request)


class LineController(Controller):
    path = "/lines"
    tags = ("statements",)

    @get(
        operation_id="ListStatementLines",
        operation_class=queries.LINES.operation,
        guards=[allow(*FINANCE)],
        summary="Lines of statements",
    )
    async def list_lines(self, request: Request[Any, Any, Any]) -> Page[StatementLine]:
        return await queries.LINES.page(request.query_params)


class ReconciliationController(Controller):
    path = "/reconciliations"
    tags = ("statements",)

    @get(
        operation_id="ListReconciliations",
        guards=[allow(*READERS)],
        summary="How far each bank's account is reconciled",
    )
    async def list_reconciliations(self) -> list[Reconciliation]:
        return await queries.reconciliations()
