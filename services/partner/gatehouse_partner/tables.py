"""The tables of the schema `partner`, as database/collections describes them."""

from piccolo.columns import UUID, BigInt, Date, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("partner")


class Partner(Tracked, Table, db=DB, tablename="partner", schema="partner"):
    name = Text()
    sort_name = Text()
    kind = Text()
    status = Text()
    website = Text(null=True)
    summary = Text(null=True)
    since_on = Date(null=True, default=None)
    archived_at = Timestamptz(null=True, default=None)


class Contact(Tracked, Table, db=DB, tablename="contact", schema="partner"):
    partner_id = UUID()
    name = Text()
    sort_name = Text()
    email = Text(null=True)
    phone = Text(null=True)
    title = Text(null=True)
    person_id = UUID(null=True, default=None)
    archived_at = Timestamptz(null=True, default=None)


class Agreement(Tracked, Table, db=DB, tablename="agreement", schema="partner"):
    partner_id = UUID()
    kind = Text()
    title = Text()
    sort_title = Text()
    status = Text()
    signed_on = Date(null=True, default=None)
    starts_on = Date(null=True, default=None)
    ends_on = Date(null=True, default=None)
    value_amount = BigInt(null=True)
    value_currency = Text(null=True)
    archived_at = Timestamptz(null=True, default=None)
