"""Accounts, funds and programs over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE, READERS
from gatehouse_ledger.chart import queries
from gatehouse_ledger.chart.structs import (
    Fund,
    FundChange,
    LedgerAccount,
    LedgerAccountChange,
    NewFund,
    NewLedgerAccount,
    NewProgram,
    Program,
    ProgramChange,
)


class LedgerAccountController(Controller):
    path = "/accounts"
    tags = ("accounts",)

    @get(
        operation_id="ListLedgerAccounts",
        operation_class=queries.ACCOUNTS.operation,
        guards=[allow(*READERS)],
        summary="The chart of accounts",
    )
    async def list_accounts(self, request: Request[Any, Any, Any]) -> Page[LedgerAccount]:
        return await queries.ACCOUNTS.page(request.query_params)

    @post(operation_id="CreateLedgerAccount", guards=[allow(*FINANCE)], summary="Add an account")
    async def create_account(self, data: NewLedgerAccount, actor: Actor, once: Once) -> Response[LedgerAccount]:
        return await once(queries.add_account, data, actor)

    @get("/{account_id:uuid}", operation_id="GetLedgerAccount", guards=[allow(*READERS)], summary="One account")
    async def get_account(self, request: Request[Any, Any, Any], account_id: UUID) -> Response[LedgerAccount]:
        return versioned(await queries.ACCOUNT.get(account_id), request)

    @patch(
        "/{account_id:uuid}", operation_id="ChangeLedgerAccount", guards=[allow(*FINANCE)], summary="Change an account"
    )
    async def change_account(
        self, account_id: UUID, data: LedgerAccountChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[LedgerAccount]:
        return versioned(await queries.change_account(account_id, required_version(if_match), data, actor))

    @post(
        "/{account_id:uuid}/archive",
        operation_id="ArchiveLedgerAccount",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Archive an account whose balance is zero",
    )
    async def archive_account(
        self, account_id: UUID, actor: Actor, if_match: IfMatch = None
    ) -> Response[LedgerAccount]:
        return versioned(await queries.archive_account(account_id, required_version(if_match), actor))


class FundController(Controller):
    path = "/funds"
    tags = ("funds",)

    @get(
        operation_id="ListFunds",
        operation_class=queries.FUNDS.operation,
        guards=[allow(*READERS)],
        summary="Funds, with what their donors restricted",
    )
    async def list_funds(self, request: Request[Any, Any, Any]) -> Page[Fund]:
        return await queries.FUNDS.page(request.query_params)

    @post(operation_id="CreateFund", guards=[allow(*FINANCE)], summary="Add a fund")
    async def create_fund(self, data: NewFund, actor: Actor, once: Once) -> Response[Fund]:
        return await once(queries.FUND.insert, data, by=actor)

    @get("/{fund_id:uuid}", operation_id="GetFund", guards=[allow(*READERS)], summary="One fund")
    async def get_fund(self, request: Request[Any, Any, Any], fund_id: UUID) -> Response[Fund]:
        return versioned(await queries.FUND.get(fund_id), request)

    @patch("/{fund_id:uuid}", operation_id="ChangeFund", guards=[allow(*FINANCE)], summary="Rename a fund")
    async def change_fund(
        self, fund_id: UUID, data: FundChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Fund]:
        return versioned(await queries.FUND.change(fund_id, required_version(if_match), data, by=actor))

    @post(
        "/{fund_id:uuid}/archive",
        operation_id="ArchiveFund",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Archive a fund that no entry names",
    )
    async def archive_fund(self, fund_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Fund]:
        return versioned(await queries.archive_fund(fund_id, required_version(if_match), actor))


class ProgramController(Controller):
    path = "/programs"
    tags = ("programs",)

    @get(
        operation_id="ListPrograms",
        operation_class=queries.PROGRAMS.operation,
        guards=[allow(*READERS)],
        summary="Programs whose expenses are shown apart",
    )
    async def list_programs(self, request: Request[Any, Any, Any]) -> Page[Program]:
        return await queries.PROGRAMS.page(request.query_params)

    @post(operation_id="CreateProgram", guards=[allow(*FINANCE)], summary="Add a program")
    async def create_program(self, data: NewProgram, actor: Actor, once: Once) -> Response[Program]:
        return await once(queries.PROGRAM.insert, data, by=actor)

    @get("/{program_id:uuid}", operation_id="GetProgram", guards=[allow(*READERS)], summary="One program")
    async def get_program(self, request: Request[Any, Any, Any], program_id: UUID) -> Response[Program]:
        return versioned(await queries.PROGRAM.get(program_id), request)

    @patch("/{program_id:uuid}", operation_id="ChangeProgram", guards=[allow(*FINANCE)], summary="Rename a program")
    async def change_program(
        self, program_id: UUID, data: ProgramChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Program]:
        return versioned(await queries.PROGRAM.change(program_id, required_version(if_match), data, by=actor))

    @post(
        "/{program_id:uuid}/archive",
        operation_id="ArchiveProgram",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Archive a program",
    )
    async def archive_program(self, program_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[Program]:
        return versioned(await queries.PROGRAM.archive(program_id, required_version(if_match), by=actor))
