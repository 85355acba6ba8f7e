"""Assembles the ledger service."""

from litestar import Litestar

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.events.service_token import other_services
from gatehouse_ledger.board.routes import BoardController
from gatehouse_ledger.budget.routes import BudgetController
from gatehouse_ledger.chart.routes import FundController, LedgerAccountController, ProgramController
from gatehouse_ledger.donor.routes import DonorController
from gatehouse_ledger.entry.routes import EntryController
from gatehouse_ledger.events import OUTBOX
from gatehouse_ledger.gift.routes import GiftController, UnrecordedIncomeController, gift_service_routes
from gatehouse_ledger.match.routes import LineMatchController, LineQueueController, MatchingRuleController
from gatehouse_ledger.mission.handlers import HANDLERS
from gatehouse_ledger.payee.routes import ContractorPaymentController, PayeeController
from gatehouse_ledger.payroll.routes import PayrollController
from gatehouse_ledger.period.routes import PeriodController
from gatehouse_ledger.receipt.routes import (
    AnnualStatementController,
    DonorLinkController,
    ReceiptController,
    service_routes,
)
from gatehouse_ledger.report.routes import ReportController
from gatehouse_ledger.statement.routes import (
    BankFileController,
    LineController,
    ReconciliationController,
    StatementController,
)
from gatehouse_ledger.tables import DB
from gatehouse_ledger.tax.routes import TaxController

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
    DonorController,
    GiftController,
    UnrecordedIncomeController,
    ReceiptController,
    AnnualStatementController,
    DonorLinkController,
    PayeeController,
    ContractorPaymentController,
    PayrollController,
    TaxController,
    BudgetController,
    BoardController,
]


def create(service: ServiceContext) -> Litestar:
    guard = other_services(service.peer_key, to=service.name)
    routes = [*ROUTES, *service_routes(guard), *gift_service_routes(guard)]
    return create_app(service, routes, database=DB, outbox=OUTBOX, handlers=HANDLERS)
