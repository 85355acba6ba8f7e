"""All SQL about answers and notes: each has a version of its own, so that two people, or pages, don't overwrite."""

from typing import Any, NamedTuple, get_args
from uuid import UUID

import msgspec
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_chassis.data.text_attempts import SentText, TextAttempts, loses_text
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_encounter import tables
from gatehouse_encounter.enumerators import Audience
from gatehouse_encounter.script.rules import refuse_value
from gatehouse_encounter.script.structs import Prompt
from gatehouse_encounter.tables import DB
from gatehouse_encounter.text import rules, structs

ATTEMPTS = TextAttempts(DB)
ANSWER = Repository(tables.Answer, structs.Answer)
NOTE = Repository(
    tables.Note,
    structs.Note,
    unique={"one_of_each": {"encounter_id": "you have a note beside this encounter already; change that one"}},
)
NOTES = Listing(
    tables.Note,
    structs.Note,
    filters={
        "member": uuid(tables.Note.member_id),
        "encounter": uuid(tables.Note.encounter_id),
        "audience": choices(tables.Note.audience, get_args(Audience)),
    },
    sorts={"created": tables.Note.created_at},
    default_sort="-created",
)
_answer = columns_for(structs.Answer, tables.Answer)
_ANSWERS = DB.prepare(
    tables.Answer.select(*_answer).where(tables.Answer.encounter_id == arg(1)).order_by(tables.Answer.id),
    structs.Answer,
)
_FIND_ANSWER = DB.prepare(
    tables.Answer.select(*_answer).where((tables.Answer.encounter_id == arg(1)) & (tables.Answer.prompt_key == arg(2))),
    structs.Answer,
)
_LOCK_ANSWER = DB.prepare(
    tables.Answer.select(*_answer)
    .where((tables.Answer.encounter_id == arg(1)) & (tables.Answer.prompt_key == arg(2)))
    .lock_rows("UPDATE"),
    structs.Answer,
)
_NOTES_BESIDE = DB.prepare(
    tables.Note.select(*columns_for(structs.Note, tables.Note))
    .where(tables.Note.encounter_id == arg(1))
    .order_by(tables.Note.created_at, tables.Note.id),
    structs.Note,
)
_MARK_READ = DB.prepare(
    tables.Note.update({tables.Note.read_at: NOW}).where(
        QueryString("id = any({}) and read_at is null", arg(1)),
    )
)


class AnswerPlace(NamedTuple):
    """Under which prompt of which encounter, about whom. Without a prompt: a text that every encounter has."""

    encounter: UUID
    member: UUID
    key: str
    prompt: Prompt | None


async def answers_of(encounter: UUID) -> list[structs.Answer]:
    """In the order of the prompts, then those that every encounter has."""
    return await _ANSWERS.all(encounter)


async def find_answer(encounter: UUID, key: str) -> structs.Answer:
    found = await _FIND_ANSWER.one(encounter, key)
    if found is None:
        raise NotFound("This encounter has no such prompt, or hasn't begun.")
    return found


async def begin_answers(encounter: UUID, prompts: list[Prompt], by: Actor) -> None:
    """A row for each prompt, in the transaction that opens the encounter."""
    audiences: dict[str, Audience] = {one.key: one.audience for one in prompts if one.kind != "heading"}
    for key, audience in (audiences | rules.FREE).items():
        await ANSWER.insert({"encounter_id": encounter, "prompt_key": key, "audience": audience}, by=by)


async def write_answer(place: AnswerPlace, version: int, new: structs.WrittenAnswer, by: Actor) -> structs.Answer:
    """In a transaction that has locked the encounter. Raises StaleVersion; what is sent twice is written once."""
    before = await _LOCK_ANSWER.one(place.encounter, place.key)
    if before is None:
        raise NotFound("This encounter has no such prompt.")
    value = before.value if new.value is msgspec.UNSET else new.value
    audience = before.audience if new.audience is msgspec.UNSET else new.audience
    if place.prompt is not None:
        refuse_value(place.prompt, value)
    rules.refuse_audience(place.key, before.audience, audience, None)
    if (before.text, before.value, before.audience, before.writer) == (new.text, value, audience, new.writer):
        return before
    ANSWER.refuse_stale(before, version)
    await _keep_replaced("answer", before, place.member, new.text, new.writer)
    changes = {"text": new.text, "value": value, "audience": audience, "writer": new.writer}
    return await ANSWER.change(before.id, version, changes, by=by)


async def amend_answer(before: structs.Answer, text: str, by: Actor) -> structs.Answer:
    return await ANSWER.change(before.id, before.version, {"text": text, "writer": None}, by=by)


async def change_audience(before: structs.Answer, version: int, audience: Audience, by: Actor) -> structs.Answer:
    return await ANSWER.change(before.id, version, {"audience": audience}, by=by)


def visible_notes(actor: Actor, member: UUID | None) -> tuple[Any, ...]:
    """A condition: one's own, and what others shared about oneself or, with `member`, about that member of theirs."""
    if actor.person is None:
        return ("audience = 'shared'",) if actor.has("coordinator") else ("false",)
    if actor.has("coordinator"):
        return ("(audience = 'shared' or author_id = {})", actor.person)
    about = member or actor.person
    return ("(author_id = {} or (audience = 'shared' and member_id = {}))", actor.person, about)


async def notes_beside(encounter: UUID, reader: UUID | None) -> list[structs.Note]:
    """What the person may read of the notes beside an encounter that they may see."""
    notes = await _NOTES_BESIDE.all(encounter)
    return [note for note in notes if note.audience == "shared" or note.author_id == reader]


async def mark_read(notes: list[structs.Note], reader: UUID | None) -> None:
    """Somebody else reads them: from now on they can't be hidden."""
    new = [note.id for note in notes if note.author_id != reader and note.read_at is None and note.text]
    if new:
        await _MARK_READ.execute(new)


async def create_note(new: structs.NewNote, author: UUID, by: Actor) -> structs.Note:
    """To be called in a transaction."""
    columns = {name: getattr(new, name) for name in new.__struct_fields__}
    return await NOTE.insert(columns | {"author_id": author}, by=by)


async def write_note(id: UUID, version: int, new: structs.WrittenNote, by: Actor) -> structs.Note:
    """Raises StaleVersion, having kept the text; what is sent twice is written once."""
    note = await NOTE.get(id)
    attempt = SentText(
        collection="note",
        row_id=id,
        subject_id=note.member_id,
        author_id=by.account,
        writer=new.writer,
        base_version=version,
        text=new.text,
    )
    async with ATTEMPTS.kept_if_refused(attempt), DB.transaction():
        before = await NOTE.get(id, lock=True)
        if (before.text, before.writer) == (new.text, new.writer):
            return before
        NOTE.refuse_stale(before, version)
        await _keep_replaced("note", before, before.member_id, new.text, new.writer)
        return await NOTE.change(id, version, {"text": new.text, "writer": new.writer}, by=by)


async def change_note_audience(id: UUID, version: int, audience: Audience, by: Actor) -> structs.Note:
    async with DB.transaction():
        before = await NOTE.get(id, lock=True, version=version)
        if audience == "author_only" and before.audience == "shared" and before.read_at is not None:
            raise Conflict("Somebody has read this already, so it can't be hidden any more.")
        if audience == before.audience:
            return before
        return await NOTE.change(id, version, {"audience": audience}, by=by)


async def _keep_replaced(
    collection: str, before: structs.Answer | structs.Note, member: UUID, text: str, writer: UUID
) -> None:
    if before.changed_by is None or not loses_text(before.text, text, same_writer=before.writer == writer):
        return
    await ATTEMPTS.keep(
        SentText(
            collection=collection,
            row_id=before.id,
            subject_id=member,
            author_id=before.changed_by,
            writer=before.writer or UUID(int=0),
            base_version=before.version,
            text=before.text,
        ),
        "replaced",
    )


_ABOUT = DB.prepare(
    tables.Note.select(*columns_for(structs.Note, tables.Note))
    .where(
        tables.Note.member_id == arg(1), QueryString("text <> '' and (audience = 'shared' or author_id = {})", arg(2))
    )
    .order_by(tables.Note.created_at, ascending=False)
    .limit(10),
    structs.Note,
)


async def notes_about(member: UUID, reader: UUID | None) -> list[structs.Note]:
    """The newest that the person may read; from now on what others wrote can't be hidden."""
    notes = await _ABOUT.all(member, reader)
    await mark_read(notes, reader)
    return notes
