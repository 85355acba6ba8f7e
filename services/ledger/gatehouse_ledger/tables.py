"""The tables of the schema `ledger`, as database/collections describes them."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("ledger")


class LedgerAccount(Tracked, Table, db=DB, tablename="account", schema="ledger"):
    code = Text()
    name = Text()
    type = Text()
    currency = Text()
    bank = Boolean()
    archived_at = Timestamptz(null=True, default=None)


class Fund(Tracked, Table, db=DB, tablename="fund", schema="ledger"):
    name = Text()
    sort_name = Text()
    restriction = Text()
    purpose = Text(null=True)
    archived_at = Timestamptz(null=True, default=None)


class Program(Tracked, Table, db=DB, tablename="program", schema="ledger"):
    name = Text()
    sort_name = Text()
    archived_at = Timestamptz(null=True, default=None)


class AccountingPeriod(Tracked, Table, db=DB, tablename="accounting_period", schema="ledger"):
    starts_on = Date()
    state = Text()
    prepared_at = Timestamptz(null=True, default=None)
    prepared_by = UUID(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)
    closed_by = UUID(null=True, default=None)


class JournalEntry(Table, db=DB, tablename="journal_entry", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    period_id = UUID()
    booked_on = Date()
    memo = Text()
    source = Text()
    reverses_id = UUID(null=True, default=None)
    lines = Integer()
    posted_at = Timestamptz()
    posted_by = UUID(null=True, default=None)
    posted_request = Text(null=True)


class Posting(Table, db=DB, tablename="posting", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    entry_id = UUID()
    position = Integer()
    account_id = UUID()
    fund_id = UUID()
    program_id = UUID(null=True, default=None)
    function = Text()
    amount = BigInt()
    currency = Text()


class BankFile(Table, db=DB, tablename="bank_file", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    account_id = UUID()
    name = Text()
    sha256 = Text()
    content = Bytea()
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)
    version = Integer()


class ColumnMapping(Table, db=DB, tablename="csv_mapping", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    account_id = UUID()
    header = Text()
    mapping = JSONB()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)


class ImportedStatement(Table, db=DB, tablename="statement", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    account_id = UUID()
    file_name = Text()
    file_sha256 = Text()
    number = Integer()
    format = Text()
    bank_account = Text()
    from_on = Date()
    to_on = Date()
    opening = BigInt(null=True)
    closing = BigInt(null=True)
    state = Text()
    difference = BigInt()
    lines = Integer()
    new_lines = Integer()
    imported_at = Timestamptz()
    imported_by = UUID(null=True, default=None)
    imported_request = Text(null=True)


class StatementLine(Table, db=DB, tablename="statement_line", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    account_id = UUID()
    statement_id = UUID()
    seq = Integer()
    booked_on = Date()
    amount = BigInt()
    text = Text()
    reference = Text()
    bank_id = Text()
    identity = Bytea()
    occurrence = Integer()
    match_id = UUID(null=True, default=None)


class LineMatch(Tracked, Table, db=DB, tablename="match", schema="ledger"):
    account_id = UUID()
    kind = Text()
    matched_by = Text()
    score = Integer()
    reasons = Array(Text())
    line_ids = Array(UUID())
    posting_ids = Array(UUID())
    entry_id = UUID(null=True, default=None)
    rule_id = UUID(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)
    undone_by = UUID(null=True, default=None)


class PostingMatch(Table, db=DB, tablename="posting_match", schema="ledger"):
    posting_id = UUID(primary_key=True, default=None)
    match_id = UUID()


class MatchingRule(Tracked, Table, db=DB, tablename="matching_rule", schema="ledger"):
    account_id = UUID()
    words = Text()
    incoming = Boolean()
    counter_account_id = UUID()
    fund_id = UUID()
    function = Text()
    program_id = UUID(null=True, default=None)
    uses = Integer()
    archived_at = Timestamptz(null=True, default=None)


class Donor(Tracked, Table, db=DB, tablename="donor", schema="ledger"):
    kind = Text()
    name = Text()
    sort_name = Text()
    email = Text(null=True, default=None)
    address = Text(null=True, default=None)
    person_id = UUID(null=True, default=None)
    archived_at = Timestamptz(null=True, default=None)


class Gift(Tracked, Table, db=DB, tablename="gift", schema="ledger"):
    donor_id = UUID()
    received_on = Date()
    kind = Text()
    amount = BigInt()
    fund_id = UUID()
    in_kind_text = Text(null=True, default=None)
    goods_value = BigInt()
    goods_text = Text(null=True, default=None)
    entry_id = UUID(null=True, default=None)
    refunded_on = Date(null=True, default=None)
    receipt_id = UUID(null=True, default=None)
    changed_since = Boolean()
    thank = Boolean()


class Receipt(Tracked, Table, db=DB, tablename="receipt", schema="ledger"):
    year = Integer()
    sequence = Integer()
    kind = Text()
    state = Text()
    donor_id = UUID()
    of_year = Integer(null=True, default=None)
    gift_ids = Array(UUID())
    amount = BigInt()
    content = JSONB()
    file = Bytea(null=True, default=None)
    file_sha256 = Text(null=True, default=None)
    substituted = Text(null=True, default=None)
    replaces_id = UUID(null=True, default=None)
    void_reason = Text(null=True, default=None)
    issued_at = Timestamptz()


class ReceiptCounter(Table, db=DB, tablename="receipt_counter", schema="ledger"):
    year = Integer(primary_key=True)
    last = Integer()


class TaxThreshold(Table, db=DB, tablename="tax_threshold", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    name = Text()
    from_year = Integer()
    amount = BigInt()
    source = Text()


class DonorLink(Table, db=DB, tablename="donor_link", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    donor_id = UUID()
    token_hash = Bytea()
    expires_at = Timestamptz()
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)
    version = Integer()


class Payee(Tracked, Table, db=DB, tablename="payee", schema="ledger"):
    name = Text()
    sort_name = Text()
    w9_on_file = Boolean()
    exempt = Boolean()
    archived_at = Timestamptz(null=True, default=None)


class ContractorPayment(Tracked, Table, db=DB, tablename="contractor_payment", schema="ledger"):
    payee_id = UUID()
    paid_on = Date()
    amount = BigInt()
    method = Text()
    entry_id = UUID(null=True, default=None)
    withdrawn_at = Timestamptz(null=True, default=None)


class BoardPack(Tracked, Table, db=DB, tablename="board_pack", schema="ledger"):
    ends_on = Date()
    state = Text()
    comment = Text(null=True, default=None)
    content = JSONB(null=True, default=None)
    file = Bytea(null=True, default=None)
    file_sha256 = Text(null=True, default=None)
    frozen_at = Timestamptz(null=True, default=None)


class PayrollRegister(Table, db=DB, tablename="payroll_register", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    paid_on = Date()
    file_sha256 = Text()
    rows = Integer()
    gross = BigInt()
    withheld = BigInt()
    net = BigInt()
    employer_cost = BigInt()
    entry_id = UUID()
    created_at = Timestamptz()
    created_by = UUID(null=True, default=None)
    created_request = Text(null=True)
    version = Integer()


class MissionEvent(Table, db=DB, tablename="mission_event", schema="ledger"):
    id = UUID(primary_key=True, default=None)
    event_id = UUID()
    kind = Text()
    happened_on = Date()
    member_id = UUID()
    mentor_id = UUID(null=True, default=None)


class BudgetLine(Tracked, Table, db=DB, tablename="budget_line", schema="ledger"):
    year = Integer()
    account_id = UUID()
    program_id = UUID(null=True, default=None)
    amount = BigInt()
