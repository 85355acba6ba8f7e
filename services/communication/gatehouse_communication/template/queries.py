"""All SQL about the words of mails."""

from typing import get_args

from piccolo.query.functions import Max

from gatehouse_chassis import Actor
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import any_of, arg, columns_for
from gatehouse_chassis.lists.filters import choices
from gatehouse_chassis.lists.listing import Listing
from gatehouse_communication import tables
from gatehouse_communication.enumerators import MailKind
from gatehouse_communication.tables import DB
from gatehouse_communication.template import rules, structs

TEMPLATE = Repository(tables.MailTemplate, structs.MailTemplate)
TEMPLATES = Listing(
    tables.MailTemplate,
    structs.MailTemplate,
    filters={"kind": choices(tables.MailTemplate.kind, get_args(MailKind))},
    sorts={"created": tables.MailTemplate.created_at},
    default_sort="-created",
)
_NUMBER = DB.prepare(
    tables.MailTemplate.select(Max(tables.MailTemplate.number)).where(
        (tables.MailTemplate.kind == arg(1)) & (tables.MailTemplate.locale == arg(2))
    )
)
_WORDS = DB.prepare(
    tables.MailTemplate.select(*columns_for(rules.MailWords, tables.MailTemplate))
    .where(tables.MailTemplate.kind == arg(1))
    .where(any_of(tables.MailTemplate.locale, arg(2)))
    .order_by(tables.MailTemplate.number, ascending=False),
    rules.MailWords,
)


async def publish_template(new: structs.NewMailTemplate, by: Actor) -> structs.MailTemplate:
    """In a transaction. Raises Invalid for words that can't be used."""
    rules.refuse_unusable(new.kind, new.subject, new.body)
    await DB.advisory_lock(f"communication.template.{new.kind}.{new.locale}")
    number = (await _NUMBER.value(new.kind, new.locale) or 0) + 1
    return await TEMPLATE.insert(new, by=by, number=number)


async def words_for(kind: MailKind, locale: str) -> rules.MailWords:
    """The newest words in the best language that there is; else those that come with the service."""
    wanted = rules.locales_for(locale)
    found = await _WORDS.all(kind, wanted)
    best: dict[str, rules.MailWords] = {}
    for words in found:
        best.setdefault(words.locale, words)
    return next((best[one] for one in wanted if one in best), rules.built_in(kind))
