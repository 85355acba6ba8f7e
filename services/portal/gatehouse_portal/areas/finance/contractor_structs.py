"""What ledger answers and takes about contractors and payroll runs, as far as pages show it.

Fields that aren't named here are skipped.
"""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class Payee(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    name: str
    w9_on_file: bool
    exempt: bool


class NewPayee(Struct, frozen=True, kw_only=True):
    name: str
    w9: str


class PayeeChange(Struct, frozen=True, kw_only=True):
    w9: str


class ContractorPayment(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    payee_id: UUID
    paid_on: date
    amount: int
    method: str
    withdrawn_at: datetime | None = None


class NewContractorPayment(Struct, frozen=True, kw_only=True):
    payee_id: UUID
    paid_on: date
    amount: int
    method: str


class PayrollColumns(Struct, frozen=True, kw_only=True, omit_defaults=True):
    gross: str
    withheld: str
    net: str
    employer_cost: str
    function: str | None = None


class NewPayrollRegister(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`content`: the CSV, in base64."""

    paid_on: date
    content: str
    columns: PayrollColumns
    otherwise: str
    bank_account_id: UUID
    fund_id: UUID
    program_id: UUID | None = None


class PayrollRegister(Struct, frozen=True, kw_only=True):
    id: UUID
    paid_on: date
    rows: int
    gross: int
    withheld: int
    net: int
    employer_cost: int
    entry_id: UUID
