"""The tables of the schema `ledger`, as database/collections describes them."""

from piccolo.columns import UUID, BigInt, Boolean, Date, Integer, Text, Timestamptz
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
