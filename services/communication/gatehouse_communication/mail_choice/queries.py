"""All SQL about the mails that people want."""

from uuid import UUID

from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_communication import tables
from gatehouse_communication.mail_choice.structs import MailChoice
from gatehouse_communication.tables import DB

_OF = DB.prepare(
    tables.MailChoice.select(*columns_for(MailChoice, tables.MailChoice)).where(tables.MailChoice.person_id == arg(1)),
    MailChoice,
)
_PUT = DB.prepare(
    InsertOf(
        {
            tables.MailChoice.id: arg(1),
            tables.MailChoice.person_id: arg(2),
            tables.MailChoice.locale: arg(3),
            tables.MailChoice.declined: arg(4),
            tables.MailChoice.created_by: arg(5),
            tables.MailChoice.created_request: arg(6),
            tables.MailChoice.changed_by: arg(5),
            tables.MailChoice.changed_request: arg(6),
        }
    ).on_conflict(
        tables.MailChoice.person_id,
        "DO UPDATE",
        [
            (tables.MailChoice.locale, arg(3)),
            (tables.MailChoice.declined, arg(4)),
            (tables.MailChoice.changed_at, NOW),
            (tables.MailChoice.changed_by, arg(5)),
            (tables.MailChoice.changed_request, arg(6)),
        ],
    )
)


async def choice_of(person_id: UUID) -> MailChoice:
    """Who has chosen nothing gets every mail, in English."""
    return await _OF.one(person_id) or MailChoice()


async def choose(person_id: UUID, choice: MailChoice, by: Actor) -> MailChoice:
    declined = sorted(set(choice.declined))
    await _PUT.execute(uuid7(), person_id, choice.locale, declined, by.account, request_id()[:200])
    return await choice_of(person_id)
