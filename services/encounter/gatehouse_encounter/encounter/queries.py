"""All SQL about encounters. One is locked, checked by a rule and written in one transaction, with its event."""

from datetime import UTC
from typing import Any, get_args
from uuid import UUID

from msgspec import UNSET, structs
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.problems import Conflict, Invalid, NotFound
from gatehouse_chassis.data.repository import By, Repository
from gatehouse_chassis.data.statements import NOW, arg, columns_for
from gatehouse_chassis.data.text_attempts import SentText
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Listing
from gatehouse_encounter import tables
from gatehouse_encounter.access import Standing
from gatehouse_encounter.encounter import rules
from gatehouse_encounter.encounter.disclosures import add_amendment, amendments_of, disclosures_of
from gatehouse_encounter.encounter.structs import (
    Agreement,
    Encounter,
    EncounterChange,
    EncounterInList,
    EncounterRow,
    FinishedEncounter,
    NewEncounter,
    UsedScript,
)
from gatehouse_encounter.enumerators import EncounterOutcome, EncounterState
from gatehouse_encounter.events import OUTBOX, FinishedIds, PairIds
from gatehouse_encounter.follow_up.queries import add_follow_up, follow_ups_of
from gatehouse_encounter.script.queries import SCRIPT, version_of
from gatehouse_encounter.script.structs import Prompt
from gatehouse_encounter.tables import DB
from gatehouse_encounter.text.queries import (
    ANSWER,
    ATTEMPTS,
    AnswerPlace,
    amend_answer,
    answers_of,
    begin_answers,
    change_audience,
    find_answer,
    mark_read,
    notes_beside,
    write_answer,
)
from gatehouse_encounter.text.rules import SUMMARY, refuse_audience, refuse_writing, summary_of
from gatehouse_encounter.text.structs import Answer, NewAmendment, WrittenAnswer

ENCOUNTER = Repository(
    tables.Encounter,
    EncounterRow,
    unique={
        "one_planned": {"member_id": "an encounter of these two is planned already; change its time, or cancel it"},
        "one_open": {"member_id": "another encounter of these two is being held; finish that first"},
    },
)
COMPUTED = {
    "script_name": "(select s.name from encounter.script_version v join encounter.script s on s.id = v.script_id "
    'where v.id = "encounter"."script_version_id")',
    "script_number": '(select v.number from encounter.script_version v where v.id = "encounter"."script_version_id")',
}
ENCOUNTERS = Listing(
    tables.Encounter,
    EncounterInList,
    columns=COMPUTED,
    filters={
        "member": uuid(tables.Encounter.member_id),
        "mentor": uuid(tables.Encounter.mentor_id),
        "state": choices(tables.Encounter.state, get_args(EncounterState)),
        "outcome": choices(tables.Encounter.outcome, get_args(EncounterOutcome)),
    },
    sorts={"planned": tables.Encounter.planned_from, "created": tables.Encounter.created_at},
    default_sort="-planned",
)
_in_list = columns_for(EncounterInList, tables.Encounter, **COMPUTED)
_READ = DB.prepare(tables.Encounter.select(*_in_list).where(tables.Encounter.id == arg(1)), EncounterInList)
_PLANNED = DB.prepare(
    tables.Encounter.select(*columns_for(EncounterRow, tables.Encounter)).where(
        (tables.Encounter.member_id == arg(1))
        & (tables.Encounter.mentor_id == arg(2))
        & (tables.Encounter.state == "planned")
    ),
    EncounterRow,
)
_PLANNED_OF = DB.prepare(
    tables.Encounter.select(*columns_for(EncounterRow, tables.Encounter))
    .where(
        QueryString("(member_id = {} or mentor_id = {})", arg(1), arg(1)),
        tables.Encounter.state == "planned",
    )
    .order_by(tables.Encounter.planned_from),
    EncounterRow,
)
_LAST_HELD = DB.prepare(
    tables.Encounter.select(*_in_list)
    .where((tables.Encounter.member_id == arg(1)) & (tables.Encounter.outcome == "held"))
    .order_by(tables.Encounter.planned_from, tables.Encounter.id, ascending=False)
    .limit(1),
    EncounterInList,
)
_NEXT = DB.prepare(
    tables.Encounter.select(*_in_list)
    .where(tables.Encounter.member_id == arg(1), QueryString("state in ('planned', 'open')"))
    .order_by(tables.Encounter.planned_from, tables.Encounter.id)
    .limit(1),
    EncounterInList,
)
_HELD_COUNT = DB.prepare(
    tables.Encounter.select(QueryString("count(*)", alias="held")).where(
        (tables.Encounter.member_id == arg(1)) & (tables.Encounter.outcome == "held")
    )
)
# By hand: Piccolo knows no foreign keys between these tables. The newest version of the script that the two used last;
# else of the one for first meetings, else of any.
_USUAL_SCRIPT = DB.prepare_sql(
    """
    select newest.id from encounter.script s
    join encounter.script_version newest on newest.script_id = s.id and newest.number = s.latest_number
    left join lateral (
        select max(e.planned_from) as used_at from encounter.encounter e
        join encounter.script_version v on v.id = e.script_version_id
        where v.script_id = s.id and e.member_id = $1 and e.mentor_id = $2 and e.state <> 'void'
    ) used on true
    where s.state = 'published'
    order by used.used_at desc nulls last, s.first_meeting desc, s.sort_name limit 1
    """
)
# By hand: the series of the pair, ended; no rule reads them first.
_END_SERIES = DB.prepare(
    tables.Series.update(
        {
            tables.Series.ended_at: NOW,
            tables.Series.version: QueryString('"version" + 1'),
            tables.Series.changed_at: NOW,
            tables.Series.changed_by: arg(3),
        }
    ).where(
        (tables.Series.member_id == arg(1)) & (tables.Series.mentor_id == arg(2)) & tables.Series.ended_at.is_null()
    )
)


def encounters_of(actor: Actor, member: UUID | None) -> tuple[Any, ...]:
    """A condition: coordinators see all, people those that they are in. `member`: one whom the caller mentors now."""
    if actor.has("coordinator"):
        return ("true",)
    if actor.person is None:
        return ("false",)
    return ("(member_id = {} or mentor_id = {} or member_id = {})", actor.person, actor.person, member or actor.person)


async def prompts_of(encounter: EncounterRow) -> list[Prompt]:
    return (await version_of(encounter.script_version_id)).prompts


async def read(id: UUID, standing: Standing, reader: UUID | None) -> Encounter:
    """What a caller of this standing sees. That the member reads it for the first time is noted."""
    row = await _READ.one(id)
    if row is None:
        raise NotFound(f"There is no encounter {id}.")
    if rules.first_read(standing, row):
        await ENCOUNTER.change(id, row.version, {"member_read_at": await DB.now()}, by=None)
        row = await _READ.one(id)
        assert row is not None
    version = await version_of(row.script_version_id)
    answers = rules.shown_answers(standing, row, await answers_of(id))
    notes = await notes_beside(id, reader)
    await mark_read(notes, reader)
    amendments = rules.shown_amendments(standing, answers, await amendments_of(id))
    disclosures = await disclosures_of(id) if standing in ("author", "coordination") else []
    return Encounter(
        **structs.asdict(row),
        standing=standing,
        script=UsedScript(version.script_id, row.script_name, version.number, version.prompts),
        answers=answers,
        notes=notes,
        follow_ups=await follow_ups_of(id),
        amendments=amendments,
        disclosures=disclosures,
    )


async def last_held(member: UUID) -> EncounterInList | None:
    return await _LAST_HELD.one(member)


async def next_of(member: UUID) -> EncounterInList | None:
    """The one that is being held, or planned next, with whichever mentor."""
    return await _NEXT.one(member)


async def planned_of(person: UUID) -> list[EncounterRow]:
    return await _PLANNED_OF.all(person)


async def held_count(member: UUID) -> int:
    return await _HELD_COUNT.value(member)


async def plan(new: NewEncounter, zone: str, by: Actor) -> EncounterRow:
    """To be called in a transaction. Raises Conflict when one of the two is planned already."""
    rules.refuse_times(new.planned_from, new.planned_to)
    if new.member_id == new.mentor_id:
        raise Invalid({"mentor_id": "is the member; nobody meets themself"})
    version = new.script_version_id or await usual_script(new.member_id, new.mentor_id)
    await refuse_unpublished(version)
    row = await ENCOUNTER.insert(
        {
            "member_id": new.member_id,
            "mentor_id": new.mentor_id,
            "script_version_id": version,
            "series_id": new.series_id,
            "planned_from": new.planned_from,
            "planned_to": new.planned_to,
            "time_zone": zone,
        },
        by=by,
    )
    await _publish("encounter.planned", row, by)
    return row


async def usual_script(member: UUID, mentor: UUID) -> UUID:
    """The version that is preselected for the two. Raises Conflict while no script is published."""
    found = await _USUAL_SCRIPT.value(member, mentor)
    if found is None:
        raise Conflict("No script is published yet. A coordinator publishes one first.")
    return found


async def refuse_unpublished(version: UUID) -> None:
    found = await version_of(version)
    if (await SCRIPT.get(found.script_id)).state != "published":
        raise Conflict("This script is retired. Choose another one.")


async def change(id: UUID, version: int, new: EncounterChange, by: Actor) -> EncounterRow:
    async with DB.transaction():
        before = await ENCOUNTER.get(id, lock=True, version=version)
        rules.refuse_change(before)
        begins = before.planned_from if new.planned_from is UNSET else new.planned_from
        ends = before.planned_to if new.planned_to is UNSET else new.planned_to
        rules.refuse_times(begins, ends)
        if isinstance(new.script_version_id, UUID):
            await refuse_unpublished(new.script_version_id)
        row = await ENCOUNTER.change(id, version, new, by=by)
        if (row.planned_from, row.planned_to) != (before.planned_from, before.planned_to):
            await _publish("encounter.planned", row, by)
        return row


async def open_encounter(id: UUID, version: int, by: Actor) -> EncounterRow:
    """It begins: a row for each prompt, which from now on stay as they are."""
    async with DB.transaction():
        before = await ENCOUNTER.get(id, lock=True)
        if before.state == "open" and before.version == version + 1:
            return before
        ENCOUNTER.refuse_stale(before, version)
        rules.refuse_opening(before)
        row = await ENCOUNTER.change(id, version, {"state": "open", "held_from": await DB.now()}, by=by)
        await begin_answers(id, await prompts_of(row), by)
        await _publish("encounter.opened", row, by)
        return row


async def write(encounter: EncounterRow, key: str, version: int, new: WrittenAnswer, by: Actor) -> Answer:
    """One answer. What is refused because another page wrote first, or because it is over, is kept."""
    current = await find_answer(encounter.id, key)
    prompt = next((one for one in await prompts_of(encounter) if one.key == key), None)
    attempt = SentText(
        collection="answer",
        row_id=current.id,
        subject_id=encounter.member_id,
        author_id=by.account,
        writer=new.writer,
        base_version=version,
        text=new.text,
    )
    async with ATTEMPTS.kept_if_refused(attempt), DB.transaction():
        locked = await ENCOUNTER.get(encounter.id, lock=True)
        refuse_writing(locked.state)
        place = AnswerPlace(encounter.id, encounter.member_id, key, prompt)
        return await write_answer(place, version, new, by)


async def set_audience(id: UUID, key: str, version: int, audience: Any, by: Actor) -> Answer:
    """Who reads an answer of an encounter that is over, as long as the member hasn't read it."""
    async with DB.transaction():
        encounter = await ENCOUNTER.get(id, lock=True)
        before = await find_answer(id, key)
        ANSWER.refuse_stale(before, version)
        refuse_audience(key, before.audience, audience, encounter.member_read_at)
        if audience == before.audience:
            return before
        return await change_audience(before, version, audience, by)


async def finish(id: UUID, version: int, new: FinishedEncounter, by: Actor) -> EncounterRow:
    """All that the two agreed on, at once. The same request again, after an answer was lost, changes nothing."""
    async with DB.transaction():
        before = await ENCOUNTER.get(id, lock=True)
        if before.outcome == "held" and (before.finished_by, before.agreed_ids) == (by.account, new.now_list):
            return before
        ENCOUNTER.refuse_stale(before, version)
        answers = await answers_of(id)
        rules.refuse_finishing(before, await prompts_of(before), answers, new)
        for one in new.follow_ups:
            await add_follow_up(id, before, one, by)
        if new.next is not None:
            await _plan_next(before, new, by)
        now = await DB.now()
        summary = summary_of(next((one.text for one in answers if one.prompt_key == SUMMARY), ""))
        columns = {
            "state": "finished",
            "outcome": "held",
            "summary": summary,
            "agreed_ids": new.now_list,
            "agreed_until": new.next.planned_from if new.next else None,
            "held_from": new.held_from or before.held_from or now,
            "held_to": new.held_to or max(now, new.held_from or before.held_from or now),
            "finished_at": now,
            "finished_by": by.account,
        }
        row = await ENCOUNTER.change(id, version, columns, by=by)
        ids = FinishedIds(row.member_id, row.mentor_id, row.agreed_ids)
        await OUTBOX.publish("encounter.finished", row, by=by, ids=ids)
        return row


async def _plan_next(finished: EncounterRow, new: FinishedEncounter, by: Actor) -> None:
    """One of the two that is planned already is moved to the time that they agreed on."""
    assert new.next is not None
    times = {"planned_from": new.next.planned_from, "planned_to": new.next.planned_to}
    planned = await _PLANNED.one(finished.member_id, finished.mentor_id)
    if planned is not None:
        row = await ENCOUNTER.change(planned.id, planned.version, times, by=by)
    else:
        pair = {"member_id": finished.member_id, "mentor_id": finished.mentor_id}
        version = await usual_script(finished.member_id, finished.mentor_id)
        zone = {"time_zone": finished.time_zone, "series_id": finished.series_id}
        row = await ENCOUNTER.insert({**pair, **zone, **times, "script_version_id": version}, by=by)
    await _publish("encounter.planned", row, by)


async def no_show(id: UUID, version: int, by: Actor) -> EncounterRow:
    async with DB.transaction():
        before = await ENCOUNTER.get(id, lock=True, version=version)
        now = await DB.now()
        rules.refuse_no_show(before, now)
        over = {"state": "finished", "outcome": "no_show", "finished_at": now, "finished_by": by.account}
        row = await ENCOUNTER.change(id, version, over, by=by)
        await _publish("encounter.no_show", row, by)
        return row


async def cancel(id: UUID, version: int, reason: str, by: Actor) -> EncounterRow:
    async with DB.transaction():
        rules.refuse_cancelling(await ENCOUNTER.get(id, lock=True, version=version))
        return await _void(id, version, reason, by)


async def end_pair(member: UUID, mentor: UUID, by: By | None) -> None:
    """In a transaction: the two don't meet any more. What is being held may be finished."""
    await _END_SERIES.execute(member, mentor, None if by is None else by.account)
    planned = await _PLANNED.one(member, mentor)
    if planned is not None:
        await _void(planned.id, planned.version, "The mentorship ended.", by)


async def _void(id: UUID, version: int, reason: str, by: By | None) -> EncounterRow:
    row = await ENCOUNTER.change(id, version, {"state": "void", "outcome": "cancelled", "void_reason": reason}, by=by)
    await _publish("encounter.void", row, by)
    return row


async def amend(id: UUID, version: int, new: NewAmendment, by: Actor) -> EncounterRow:
    """A finished encounter's text becomes another; what it was stays beside it."""
    async with DB.transaction():
        before = await ENCOUNTER.get(id, lock=True, version=version)
        rules.refuse_amending(before)
        answer = await find_answer(id, new.prompt_key)
        if answer.text == new.text:
            raise Conflict("The text is this already.")
        await amend_answer(answer, new.text, by)
        await add_amendment(id, answer, new, by)
        summary = summary_of(new.text) if new.prompt_key == SUMMARY else before.summary
        return await ENCOUNTER.change(id, version, {"summary": summary}, by=by)


async def agreement_of(id: UUID) -> Agreement:
    """Raises NotFound unless it is finished and was held."""
    row = await ENCOUNTER.get(id)
    if row.outcome != "held":
        raise NotFound(f"The encounter {id} has no agreement.")
    until = row.agreed_until.astimezone(UTC) if row.agreed_until else None
    return Agreement(row.id, row.member_id, row.mentor_id, row.agreed_ids, until, row.time_zone)


async def _publish(what: str, row: EncounterRow, by: By | None) -> None:
    await OUTBOX.publish(what, row, by=by, ids=PairIds(row.member_id, row.mentor_id))
