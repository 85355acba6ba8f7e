"""Where the topic posts what became of mails. Anybody can reach it; only what our topic signed is taken."""

from typing import Any

import msgspec
import structlog
from litestar import Request, post
from litestar.datastructures import State
from litestar.status_codes import HTTP_204_NO_CONTENT

from gatehouse_catalog.structs import MAIL_EVENTS_PATH
from gatehouse_chassis.base.problems import Forbidden, Invalid, NotFound
from gatehouse_chassis.http.rate_limits import anonymous
from gatehouse_communication.mail_event import queries
from gatehouse_communication.mail_event.signature import ForgedMessage
from gatehouse_communication.mail_event.structs import MailEvent, SnsMessage
from gatehouse_communication.mail_event.topic import MailTopic

log = structlog.get_logger()
# Of the addresses that SNS posts from, each; what is refused with 429 comes again.
STRANGERS = anonymous(per_minute=600, at_once=300)


@post(
    MAIL_EVENTS_PATH,
    operation_id="TellOfMails",
    guards=[STRANGERS],
    status_code=HTTP_204_NO_CONTENT,
    tags=["mail events"],
    summary="What became of mails, for SNS: signed by the topic of this environment, or refused",
)
async def tell_of_mails(request: Request[Any, Any, Any], state: State) -> None:
    """SNS sends JSON as text/plain, so its media type isn't asked for."""
    topic: MailTopic = state.mail_topic
    if not topic.arn:
        raise NotFound
    try:
        message = msgspec.json.decode(await request.body(), type=SnsMessage)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid({"body": "isn't a message of SNS."}) from None
    try:
        found = await topic.verify(message)
        if message.type == "SubscriptionConfirmation":
            await topic.confirm(found)
    except ForgedMessage as forged:
        log.warning("a message that isn't our topic's", why=str(forged))
        raise Forbidden("This isn't signed by the topic that tells us of mails.") from None
    if message.type == "UnsubscribeConfirmation":
        log.error("nobody tells us of bounces any more: run `pulumi up` to subscribe again")
    if message.type == "Notification":
        await _take(message)


async def _take(message: SnsMessage) -> None:
    """What SES says; when it begins, SES says in plain words that it can."""
    try:
        event = msgspec.json.decode(message.message, type=MailEvent)
    except (msgspec.DecodeError, RecursionError):
        log.info("a message that is no event of a mail", message_id=message.message_id)
        return
    await queries.take(event)
