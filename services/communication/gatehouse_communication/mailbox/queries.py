"""All SQL about the mailbox: mails of the local environment, which go nowhere."""

from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_communication.mail.mailer import Handover
from gatehouse_communication.mailbox.structs import MailboxEntry, StoredMail
from gatehouse_communication.tables import DB, MailboxMail

MOST = 200
_PUT = DB.prepare(
    InsertOf(
        {
            MailboxMail.id: arg(1),
            MailboxMail.delivery_id: arg(2),
            MailboxMail.person_id: arg(3),
            MailboxMail.recipient: arg(4),
            MailboxMail.subject: arg(5),
            MailboxMail.message: arg(6),
        }
    )
)
_LATEST = DB.prepare(
    MailboxMail.select(*columns_for(MailboxEntry, MailboxMail))
    .order_by(MailboxMail.received_at, MailboxMail.id, ascending=False)
    .limit(MOST),
    MailboxEntry,
)
_STORED = DB.prepare(
    MailboxMail.select(*columns_for(StoredMail, MailboxMail)).where(MailboxMail.id == arg(1)), StoredMail
)


class LocalMailbox:
    """A mailer that keeps every mail here. It accepts like a mail server: in a transaction of its own."""

    async def send(self, handover: Handover) -> str:
        id, message = uuid7(), handover.message
        await _PUT.execute(
            id,
            handover.delivery_id,
            handover.person_id,
            handover.address,
            str(message["Subject"]),
            message.as_bytes(),
        )
        return str(id)


async def latest() -> list[MailboxEntry]:
    return await _LATEST.all()


async def stored(id: UUID) -> StoredMail:
    found = await _STORED.one(id)
    if found is None:
        raise NotFound(f"There is no mail {id}.")
    return found
