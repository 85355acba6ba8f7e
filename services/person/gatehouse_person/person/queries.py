"""All SQL about people: reads as statements compiled once, and the changes that touch several rows."""

# ruff: noqa: S608 - names of columns come from the code; what callers send goes as parameters

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET
from piccolo.querystring import QueryString

from gatehouse_chassis import Actor
from gatehouse_chassis.base.context import request_id
from gatehouse_chassis.base.problems import NotFound
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.data.statements import NOW, any_of, arg, columns_for
from gatehouse_chassis.lists.filters import choices, uuid
from gatehouse_chassis.lists.listing import Condition, Listing
from gatehouse_person import tables
from gatehouse_person.enumerators import ConsentKind, Mastery, PersonStatus, Specialty
from gatehouse_person.events import OUTBOX, MentoringIds, StatusIds
from gatehouse_person.person import rules, structs
from gatehouse_person.profile.queries import PROFILE
from gatehouse_person.reads import READS
from gatehouse_person.relationships import MENTORING, MENTORS, facts_for
from gatehouse_person.roles import MENTOR, STAFF
from gatehouse_person.tables import DB

PERSON = Repository(
    tables.Person,
    structs.PersonRecord,
    unique={"by_email": {"email": "somebody with this address is known already; find them, or give another address"}},
)

COMPUTED = {"view": "'full'", "mentor_id": "mentoring.mentor_id"}
PEOPLE = Listing(
    tables.Person,
    structs.Person,
    columns=COMPUTED,
    joins=MENTORING,
    filters={
        "status": choices(tables.Person.status, get_args(PersonStatus)),
        "mastery": choices(tables.Person.mastery, get_args(Mastery)),
        "specialty": choices(tables.Person.specialty, get_args(Specialty)),
        "lacks_consent": choices(
            allowed=get_args(ConsentKind),
            condition="exists (select from unnest({}::text[]) wanted(kind) where not exists ("
            "select from person.consent c where c.person_id = person.id and c.kind = wanted.kind "
            "and c.withdrawn_at is null))",
            help="Only those who haven't consented to one of these, or withdrew it",
        ),
        "mentor": uuid(condition="mentoring.mentor_id = any({}::uuid[])", help="Only those whom this person mentors"),
    },
    sorts={"name": tables.Person.sort_name, "joined": tables.Person.joined_on, "created": tables.Person.created_at},
    search=[tables.Person.name, tables.Person.preferred_name],
    default_sort="name",
)
_selected = ", ".join(
    f'{COMPUTED.get(field, f"person.{field}")} as "{field}"' for field in structs.Person.__struct_fields__
)
# By hand: beside each person their mentor, by a join of tables between which Piccolo knows no foreign key.
_read = DB.prepare_sql(f"select {_selected} from person.person {MENTORING} where person.id = $1", structs.Person)

_touch = DB.prepare(
    tables.Person.update(
        {
            tables.Person.version: QueryString("version + 1"),
            tables.Person.changed_at: NOW,
            tables.Person.changed_by: arg(2),
            tables.Person.changed_request: arg(3),
        }
    ).where(any_of(tables.Person.id, arg(1)))
)


class OpenAssignment(msgspec.Struct, frozen=True):
    """A mentor assignment that lasts, or did until one of the two was archived."""

    id: UUID
    version: int
    member_id: UUID
    mentor_id: UUID


_ASSIGNMENT = Repository(tables.MentorAssignment, OpenAssignment)
_open_assignments = DB.prepare(
    tables.MentorAssignment.select(*columns_for(OpenAssignment, tables.MentorAssignment))
    .where(
        tables.MentorAssignment.ended_at.is_null()
        & ((tables.MentorAssignment.mentor_id == arg(1)) | (tables.MentorAssignment.member_id == arg(1)))
    )
    .order_by(tables.MentorAssignment.id)
    .lock_rows("UPDATE"),
    OpenAssignment,
)


class NamedPerson(msgspec.Struct, frozen=True):
    """A person by name."""

    id: UUID
    name: str


_NAMES = DB.prepare(
    tables.Person.select(*columns_for(NamedPerson, tables.Person)).where(any_of(tables.Person.id, arg(1))), NamedPerson
)

CONTACT = DB.prepare(
    tables.Person.select(*columns_for(structs.PersonContact, tables.Person)).where(tables.Person.id == arg(1)),
    structs.PersonContact,
)

_BY_EMAIL = DB.prepare(
    tables.Person.select(*columns_for(structs.KnownPerson, tables.Person)).where(
        QueryString("lower({}) = lower({})", tables.Person.email, arg(1))
    ),
    structs.KnownPerson,
)

_awaits_intro = tables.Person.status.is_in(rules.AWAITS_INTRO) & tables.Person.intro_scheduled_for.is_null()
NO_INTRO_SINCE = DB.prepare(
    tables.Person.select(tables.Person.id).where(_awaits_intro & (tables.Person.status_changed_at <= arg(1)))
)
"""Who has scheduled no introduction since then."""
UNMARKED_SINCE = DB.prepare(
    tables.Person.select(tables.Person.id).where(
        _awaits_intro & (tables.Person.status_changed_at <= arg(1)) & tables.Person.intro_reminder_at.is_null()
    )
)
"""Of those, whom nobody is to remind yet."""


def visible_to(actor: Actor, *, in_full: bool = False) -> list[Condition]:
    """`closest_relationship` as conditions of a list: whom the caller sees, with `in_full` only those seen in full."""
    if actor.has(*STAFF):
        return []
    me = actor.person
    if me is None:
        return ["false"]
    seen, values = ['"person"."id" = {}'], [me]
    if actor.has(MENTOR):
        seen.append("mentoring.mentor_id = {}")
        values.append(me)
    if not in_full:
        seen.append(f"exists ({MENTORS} and open.member_id = {{}})")
        values.append(me)
        if actor.has(MENTOR):
            seen.append(f"exists ({MENTORS})")
    return [(f"({' or '.join(seen)})", *values)]


def with_visible_consents(actor: Actor) -> list[Condition]:
    """`sees_consents` as conditions of a list."""
    if actor.has(*STAFF):
        return []
    return ["false"] if actor.person is None else [('"person"."id" = {}', actor.person)]


async def read_person(actor: Actor, person_id: UUID) -> structs.Person:
    """The person as the caller sees them."""
    person = await _read.one(person_id)
    if person is None:
        raise NotFound(f"There is no person {person_id}.")
    if rules.shown_to(actor, person) is person:
        return person
    await facts_for(actor, person_id)
    return rules.shown_to(actor, person)


async def create_person(new: structs.NewPerson, by: Actor) -> structs.Person:
    """To be called in a transaction."""
    record = await _add(new, by=by)
    return await read_person(by, record.id)


async def find_or_add(new: structs.SignedUpPerson) -> structs.KnownPerson:
    """In a transaction. However often and however many at once: one person, whose name stays as it was."""
    await DB.advisory_lock(f"person.email.{new.email.lower()}")
    known = await _BY_EMAIL.one(new.email)
    if known is not None:
        return known
    record = await _add(new, by=None)
    return structs.KnownPerson(id=record.id, status=record.status)


async def _add(new: structs.NewPerson | structs.SignedUpPerson, *, by: Actor | None) -> structs.PersonRecord:
    values = {name: value for name, value in msgspec.structs.asdict(new).items() if name != "consents"}
    record = await PERSON.insert(values, by=by)
    await OUTBOX.publish("person.joined", record, by=by, ids=StatusIds(record.status))
    await PROFILE.insert({"person_id": record.id}, by=by)
    return record


async def change_person(person_id: UUID, version: int, change: structs.PersonChange, by: Actor) -> structs.Person:
    """Who has scheduled an introduction needs no reminder any more."""
    reminded: dict[str, Any] = {"intro_reminder_at": None} if isinstance(change.intro_scheduled_for, datetime) else {}
    before = await _read.one(person_id)
    record = await PERSON.change(person_id, version, change, by=by, before=before, **reminded)
    assert before is not None  # or there was nothing to change
    values = {name: getattr(change, name) for name in given(change)} | msgspec.structs.asdict(record)
    return rules.shown_to(by, msgspec.structs.replace(before, **values))


async def plan_introduction(person_id: UUID, at: datetime | None) -> structs.PersonRecord:
    """The same again changes nothing. Raises Conflict for who awaits no introduction."""
    async with DB.transaction():
        record = await PERSON.get(person_id, lock=True)
        rules.refuse_planning(record)
        if record.intro_scheduled_for == at:
            return record
        reminded: dict[str, Any] = {} if at is None else {"intro_reminder_at": None}
        return await PERSON.change(person_id, record.version, {"intro_scheduled_for": at, **reminded}, by=None)


async def change_status(
    person_id: UUID, version: int, change: structs.StatusChange, intro_timeout: timedelta, by: Actor
) -> structs.Person:
    """Raises Conflict where the rules don't allow it. Archiving ends the person's mentor assignments."""
    now = datetime.now(UTC)
    async with DB.transaction():
        record = await PERSON.get(person_id, lock=True, version=version)
        rules.refuse_transition(record, change.status, now, intro_timeout)
        await move(record, change, now, by)
        if change.status == "archived":
            await _end_all_assignments(person_id, by)
        return await read_person(by, person_id)


async def move(record: structs.PersonRecord, change: structs.StatusChange, now: datetime, by: Actor | None) -> None:
    """To another status, which the rules allow. `by=None`: a job."""
    values = {
        "status": change.status,
        "status_changed_at": now,
        "status_reason": change.reason,
        "intro_reminder_at": None,
        "archived_at": now if change.status == "archived" else None,
    }
    changed = await PERSON.change(record.id, record.version, values, by=by)
    await OUTBOX.publish("person.status_changed", changed, by=by, ids=StatusIds(changed.status))
    if change.status == "archived":
        await OUTBOX.publish("person.archived", changed, by=by)


async def _end_all_assignments(person_id: UUID, by: Actor) -> None:
    change = {"ended_at": await DB.now(), "end_reason": "One of the two was archived"}
    ended = [
        await _ASSIGNMENT.change(one.id, one.version, change, by=by) for one in await _open_assignments.all(person_id)
    ]
    for assignment in ended:
        ids = MentoringIds(member_id=assignment.member_id, mentor_id=assignment.mentor_id)
        await OUTBOX.publish("person.mentoring.ended", assignment, by=by, ids=ids)
    await touch([assignment.member_id for assignment in ended if assignment.member_id != person_id], by)


async def touch(people: list[UUID], by: Actor) -> None:
    """Raises their versions: who mentors them is part of what they look like."""
    if people:
        await _touch.execute(people, by.account, request_id())


async def reads_of(person_id: UUID) -> list[structs.ReadOfPerson]:
    """Who read the person's private data, the newest first, by the names that they have now."""
    entries = await READS.of(person_id)
    names = {one.id: one.name for one in await _NAMES.all(list({one.reader_id for one in entries if one.reader_id}))}
    return [
        structs.ReadOfPerson(
            at=one.at,
            what=one.what,
            why=one.why,
            actor_id=one.actor_id,
            reader_id=one.reader_id,
            reader_name=names.get(one.reader_id) if one.reader_id else None,
        )
        for one in entries
    ]


def given(change: structs.PersonChange) -> list[str]:
    """The names of the fields that a change gives."""
    return [name for name in change.__struct_fields__ if getattr(change, name) is not UNSET]
