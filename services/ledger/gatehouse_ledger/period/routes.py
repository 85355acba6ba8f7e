"""The months of the books over HTTP: one person prepares a closing, another closes."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import CLOSERS, FINANCE, READERS
from gatehouse_ledger.period import queries
from gatehouse_ledger.period.structs import AccountingPeriod


class PeriodController(Controller):
    path = "/periods"
    tags = ("periods",)

    @get(
        operation_id="ListLedgerPeriods",
        operation_class=queries.PERIODS.operation,
        guards=[allow(*READERS)],
        summary="The months that have entries",
    )
    async def list_periods(self, request: Request[Any, Any, Any]) -> Page[AccountingPeriod]:
        return await queries.PERIODS.page(request.query_params)

    @get("/{period_id:uuid}", operation_id="GetLedgerPeriod", guards=[allow(*READERS)], summary="One month")
    async def get_period(self, request: Request[Any, Any, Any], period_id: UUID) -> Response[AccountingPeriod]:
        return versioned(await queries.read_period(period_id), request)

    @post(
        "/{period_id:uuid}/prepare",
        operation_id="PreparePeriod",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Begin to close a month: nothing is posted in it from now on",
    )
    async def prepare_period(
        self, period_id: UUID, actor: Actor, if_match: IfMatch = None
    ) -> Response[AccountingPeriod]:
        return versioned(await queries.prepare_period(period_id, required_version(if_match), actor))

    @post(
        "/{period_id:uuid}/reopen",
        operation_id="ReopenLedgerPeriod",
        guards=[allow(*CLOSERS)],
        status_code=200,
        summary="Open a month again that was prepared and isn't closed",
    )
    async def reopen_period(
        self, period_id: UUID, actor: Actor, if_match: IfMatch = None
    ) -> Response[AccountingPeriod]:
        return versioned(await queries.reopen_period(period_id, required_version(if_match), actor))

    @post(
        "/{period_id:uuid}/close",
        operation_id="CloseLedgerPeriod",
        guards=[allow(*CLOSERS)],
        status_code=200,
        summary="Close a month for good: by a person who didn't work on it",
    )
    async def close_period(self, period_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[AccountingPeriod]:
        return versioned(await queries.close_period(period_id, required_version(if_match), actor))
