"""The mailbox over HTTP: what would have been sent, in the local environment only.

It shows anybody on this machine everybody's mails and one-time links, so elsewhere it doesn't exist, whatever is set.
"""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.http.guards import public
from gatehouse_communication.mailbox import queries
from gatehouse_communication.mailbox.structs import MailboxContent, MailboxEntry, StoredMail


async def only_local(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    """Answers 404 outside the local environment. No setting can change that."""
    del handler
    if connection.app.state.service.environment != "local":
        raise NotFound


class MailboxController(Controller):
    path = "/mailbox"
    tags = ("mailbox",)
    guards = (only_local, public)

    @get(operation_id="ListMailbox", summary="The latest 200 mails of the local environment, the newest first")
    async def list_mailbox(self) -> list[MailboxEntry]:
        return await queries.latest()

    @get("/{id:uuid}", operation_id="GetMailboxMail", summary="A mail of the local environment")
    async def get_mail(self, id: UUID) -> MailboxContent:
        return content_of(await queries.stored(id))


def content_of(mail: StoredMail) -> MailboxContent:
    message = message_from_bytes(mail.message, policy=default)
    assert isinstance(message, EmailMessage)
    entry = {name: getattr(mail, name) for name in MailboxEntry.__struct_fields__}
    return msgspec.convert(
        {
            **entry,
            "sender": str(message["From"]),
            "to": str(message["To"]),
            "text": _part(message, "plain"),
            "html": _part(message, "html"),
            "source": mail.message.decode("ascii", "replace"),
        },
        MailboxContent,
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else part.get_content()
