"""The tables of the schema `communication`, as database/collections describes them."""

from piccolo.columns import UUID, Array, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("communication")


class MailTemplate(Tracked, Table, db=DB, tablename="template", schema="communication"):
    kind = Text()
    locale = Text()
    number = Integer()
    subject = Text()
    body = Text()


class Delivery(Tracked, Table, db=DB, tablename="delivery", schema="communication"):
    event_id = UUID()
    person_id = UUID(null=True, default=None)
    kind = Text()
    about_id = UUID(null=True, default=None)
    state = Text()
    skip_reason = Text(null=True)
    address = Text(null=True)
    locale = Text(null=True)
    template_number = Integer(null=True)
    message_id = Text(null=True)
    tries = Integer()
    error = Text(null=True)
    sent_at = Timestamptz(null=True, default=None)


class Suppression(Tracked, Table, db=DB, tablename="suppression", schema="communication"):
    address = Text()
    person_id = UUID(null=True, default=None)
    reason = Text()
    lifted_at = Timestamptz(null=True, default=None)


class MailChoice(Tracked, Table, db=DB, tablename="mail_choice", schema="communication"):
    person_id = UUID()
    locale = Text()
    declined = Array(base_column=Text())


class Notification(Tracked, Table, db=DB, tablename="notification", schema="communication"):
    person_id = UUID()
    event_id = UUID()
    kind = Text()
    about_id = UUID()
    read_at = Timestamptz(null=True, default=None)


class MailboxMail(Table, db=DB, tablename="mailbox_mail", schema="communication"):
    id = UUID(primary_key=True, default=None)
    delivery_id = UUID()
    person_id = UUID(null=True, default=None)
    recipient = Text()
    subject = Text()
    message = Bytea()
    received_at = Timestamptz()
