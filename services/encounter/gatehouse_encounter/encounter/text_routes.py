"""Texts over HTTP: answers under the prompts of an encounter, and notes about a member.

Each has its own version. A text that is refused because another one is there already is kept for 30 days.
"""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post, put

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Forbidden, NotFound
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_encounter.access import EncounterAccess
from gatehouse_encounter.encounter.queries import ENCOUNTER, set_audience, write
from gatehouse_encounter.members import member_in
from gatehouse_encounter.reads import note_reads
from gatehouse_encounter.text import queries
from gatehouse_encounter.text.structs import (
    Answer,
    Attempts,
    AudienceChange,
    NewNote,
    Note,
    WrittenAnswer,
    WrittenNote,
)


class AnswerController(Controller):
    path = "/encounters/{encounter_id:uuid}"
    tags = ("texts",)

    @get(
        "/answers/{key:str}",
        operation_id="GetAnswer",
        guards=[signed_in],
        summary="What is under a prompt now, as the encounter's mentor writes it",
    )
    async def get_answer(self, encounter_id: UUID, key: str, actor: Actor, access: EncounterAccess) -> Response[Answer]:
        await access.reads_as_author(actor, await ENCOUNTER.get(encounter_id))
        return versioned(await queries.find_answer(encounter_id, key))

    @put(
        "/answers/{key:str}",
        operation_id="WriteAnswer",
        guards=[signed_in],
        summary="Write what is under a prompt, as the encounter's mentor; sent twice, it is written once",
    )
    async def write_answer(
        self,
        encounter_id: UUID,
        key: str,
        data: WrittenAnswer,
        actor: Actor,
        access: EncounterAccess,
        if_match: IfMatch = None,
    ) -> Response[Answer]:
        encounter = await ENCOUNTER.get(encounter_id)
        await access.author(actor, encounter)
        return versioned(await write(encounter, key, required_version(if_match), data, actor))

    @post(
        "/answers/{key:str}/audience",
        operation_id="ChangeAnswerAudience",
        guards=[signed_in],
        status_code=200,
        summary="Say who reads an answer; what the member has read can't be hidden any more",
    )
    async def change_audience(
        self,
        encounter_id: UUID,
        key: str,
        data: AudienceChange,
        actor: Actor,
        access: EncounterAccess,
        if_match: IfMatch = None,
    ) -> Response[Answer]:
        await access.author(actor, await ENCOUNTER.get(encounter_id))
        version = required_version(if_match)
        return versioned(await set_audience(encounter_id, key, version, data.audience, actor))

    @get(
        "/attempts",
        operation_id="ListTextAttempts",
        guards=[signed_in],
        summary="What the caller wrote for this encounter and isn't in it: refused or replaced, for 30 days",
    )
    async def list_attempts(self, encounter_id: UUID, actor: Actor, access: EncounterAccess) -> Attempts:
        await access.standing(actor, await ENCOUNTER.get(encounter_id))
        rows = [one.id for one in await queries.answers_of(encounter_id)]
        rows += [one.id for one in await queries.notes_beside(encounter_id, actor.person)]
        return Attempts(await queries.ATTEMPTS.of(rows, actor.account))


class NoteController(Controller):
    path = "/notes"
    tags = ("texts",)

    @get(
        operation_id="ListNotes",
        operation_class=queries.NOTES.operation,
        guards=[signed_in],
        summary="The notes that the caller may read; a mentor asks for those about a member with `member`",
    )
    async def list_notes(self, request: Request[Any, Any, Any], actor: Actor, access: EncounterAccess) -> Page[Note]:
        member = await member_in(request, actor, access)
        page = await queries.NOTES.page(request.query_params, where=[queries.visible_notes(actor, member)])
        await note_reads(actor, page.items, "ListNotes")
        await queries.mark_read(page.items, actor.person)
        return page

    @post(operation_id="CreateNote", guards=[signed_in], summary="Write a note about a member, or as the member")
    async def create_note(self, data: NewNote, actor: Actor, access: EncounterAccess, once: Once) -> Response[Note]:
        standing = await access.about(actor, data.member_id)
        if actor.person is None or standing == "coordination":
            raise Forbidden("Notes are written by the member and by whoever mentors them.")
        if data.encounter_id is not None:
            encounter = await ENCOUNTER.find(data.encounter_id)
            if encounter is None or encounter.member_id != data.member_id:
                raise NotFound("There is no such encounter of this member.")
            if encounter.state == "void":
                raise Conflict("This encounter isn't held.")
        return await once(queries.create_note, data, actor.person, actor)

    @get("/{note_id:uuid}", operation_id="GetNote", guards=[signed_in], summary="One note")
    async def get_note(self, note_id: UUID, actor: Actor, access: EncounterAccess) -> Response[Note]:
        note = await queries.NOTE.get(note_id)
        if not actor.is_person(note.author_id):
            if note.audience == "author_only":
                raise NotFound(f"There is no note {note_id}.")
            await access.about(actor, note.member_id)
            await note_reads(actor, [note], "GetNote")
            await queries.mark_read([note], actor.person)
        return versioned(note)

    @put(
        "/{note_id:uuid}",
        operation_id="WriteNote",
        guards=[signed_in],
        summary="Write a note's text, as its author; sent twice, it is written once",
    )
    async def write_note(
        self, note_id: UUID, data: WrittenNote, actor: Actor, if_match: IfMatch = None
    ) -> Response[Note]:
        await self._own(note_id, actor)
        return versioned(await queries.write_note(note_id, required_version(if_match), data, actor))

    @post(
        "/{note_id:uuid}/audience",
        operation_id="ChangeNoteAudience",
        guards=[signed_in],
        status_code=200,
        summary="Say who reads a note; what somebody else has read can't be hidden any more",
    )
    async def change_note_audience(
        self, note_id: UUID, data: AudienceChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[Note]:
        await self._own(note_id, actor)
        version = required_version(if_match)
        return versioned(await queries.change_note_audience(note_id, version, data.audience, actor))

    async def _own(self, id: UUID, actor: Actor) -> None:
        note = await queries.NOTE.get(id)
        if not actor.is_person(note.author_id):
            raise NotFound(f"There is no note {id}.")
