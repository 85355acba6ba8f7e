"""All SQL about what happens to an encounter's texts afterwards: amendments, and private texts that were disclosed."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import structs
from uuid_utils.compat import uuid7

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.data.inserts import InsertOf
from gatehouse_chassis.data.statements import arg, columns_for
from gatehouse_chassis.lists.filters import uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_encounter import tables
from gatehouse_encounter.encounter.structs import Disclosed, Disclosure, EncounterRow
from gatehouse_encounter.events import OUTBOX, PairIds
from gatehouse_encounter.tables import DB
from gatehouse_encounter.text.queries import answers_of, notes_beside
from gatehouse_encounter.text.structs import Amendment, Answer, NewAmendment

REMEMBERED = timedelta(hours=1)
_AMEND = DB.prepare(
    InsertOf(
        {
            tables.Amendment.id: arg(1),
            tables.Amendment.encounter_id: arg(2),
            tables.Amendment.prompt_key: arg(3),
            tables.Amendment.audience: arg(4),
            tables.Amendment.before: arg(5),
            tables.Amendment.after: arg(6),
            tables.Amendment.reason: arg(7),
            tables.Amendment.amended_by: arg(8),
            tables.Amendment.amended_request: arg(9),
        }
    )
)
_AMENDMENTS = DB.prepare(
    tables.Amendment.select(*columns_for(Amendment, tables.Amendment))
    .where(tables.Amendment.encounter_id == arg(1))
    .order_by(tables.Amendment.amended_at, tables.Amendment.id),
    Amendment,
)
_disclosure = columns_for(Disclosure, tables.Disclosure)
_DISCLOSE = DB.prepare(
    InsertOf(
        {
            tables.Disclosure.id: arg(1),
            tables.Disclosure.encounter_id: arg(2),
            tables.Disclosure.author_id: arg(3),
            tables.Disclosure.reason: arg(4),
            tables.Disclosure.reader_id: arg(5),
            tables.Disclosure.disclosed_by: arg(6),
            tables.Disclosure.disclosed_request: arg(7),
        }
    ).returning(*_disclosure),
    Disclosure,
)
_OPENED = DB.prepare(
    tables.Disclosure.select(*_disclosure)
    .where((tables.Disclosure.encounter_id == arg(1)) & (tables.Disclosure.disclosed_by == arg(2)))
    .where((tables.Disclosure.reason == arg(3)) & (tables.Disclosure.disclosed_at > arg(4)))
    .order_by(tables.Disclosure.disclosed_at, ascending=False)
    .limit(1),
    Disclosure,
)
_DISCLOSURES = DB.prepare(
    tables.Disclosure.select(*_disclosure)
    .where(tables.Disclosure.encounter_id == arg(1))
    .order_by(tables.Disclosure.disclosed_at, tables.Disclosure.id),
    Disclosure,
)
DISCLOSURES = Listing(
    tables.Disclosure,
    Disclosure,
    filters={"encounter": uuid(tables.Disclosure.encounter_id)},
    sorts={"disclosed": tables.Disclosure.disclosed_at},
    default_sort="-disclosed",
)


async def amendments_of(id: UUID) -> list[Amendment]:
    return await _AMENDMENTS.all(id)


async def disclosures_of(id: UUID) -> list[Disclosure]:
    return await _DISCLOSURES.all(id)


async def add_amendment(id: UUID, before: Answer, new: NewAmendment, by: Actor) -> None:
    """What the text was, is, and why; to be called in the transaction of the change."""
    values = (new.prompt_key, before.audience, before.text, new.text, new.reason)
    await _AMEND.execute(uuid7(), id, *values, by.account, request_id())


async def disclose(encounter: EncounterRow, reason: str, by: Actor) -> Disclosed:
    """Private texts of the encounter, with a record that its author sees; they are told at once.

    Whoever opens the same again for the same reason within the hour, as a reloaded page does, is on record already.
    """
    async with DB.transaction():
        await DB.advisory_lock(f"encounter.disclosure.{encounter.id}")
        answers = [one for one in await answers_of(encounter.id) if one.audience == "author_only"]
        notes = await notes_beside(encounter.id, encounter.mentor_id)
        private = [note for note in notes if note.audience == "author_only" and note.author_id == encounter.mentor_id]
        row = await _OPENED.one(encounter.id, by.account, reason, await DB.now() - REMEMBERED)
        if row is None or any(one.changed_at > row.disclosed_at for one in [*answers, *private]):
            row = await _DISCLOSE.one(
                uuid7(), encounter.id, encounter.mentor_id, reason, by.person, by.account, request_id()
            )
            ids = PairIds(encounter.member_id, encounter.mentor_id)
            await OUTBOX.publish("encounter.texts.opened", encounter, by=by, ids=ids)
        assert row is not None
        return Disclosed(**structs.asdict(row), answers=answers, notes=private)


def disclosures_to(actor: Actor) -> tuple[Any, ...]:
    """A condition: whoever's texts they were, and whoever opened them."""
    return ("(author_id = {} or disclosed_by = {})", actor.person, actor.account)
