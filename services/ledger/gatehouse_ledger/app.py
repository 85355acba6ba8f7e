"""Assembles the ledger service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_ledger.chart.routes import FundController, LedgerAccountController, ProgramController
from gatehouse_ledger.entry.routes import EntryController
from gatehouse_ledger.events import OUTBOX
from gatehouse_ledger.match.routes import LineMatchController, LineQueueController, MatchingRuleController
from gatehouse_ledger.period.routes import PeriodController
from gatehouse_ledger.report.routes import ReportController
from gatehouse_ledger.statement.routes import (
    BankFileController,
    LineController,
    ReconciliationController,
    StatementController,
)
from gatehouse_ledger.tables import DB

ROUTES = [
    LedgerAccountController,
    FundController,
    ProgramController,
    PeriodController,
    EntryController,
    ReportController,
    BankFileController,
    StatementController,
    LineController,
    ReconciliationController,
    LineQueueController,
    LineMatchController,
    MatchingRuleController,
]


def create(service: ServiceContext) -> Litestar:
    return create_app(service, ROUTES, database=DB, outbox=OUTBOX)
