"""What the page of an encounter shows: its texts, who meets, the member's plan, and what was promised before."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from gatehouse_chassis.base.actor import Actor
from gatehouse_chassis.base.problems import NotFound
from gatehouse_portal.areas.encounters.structs import (
    Brief,
    Encounter,
    KeptText,
    KeptTexts,
    MemberNote,
    NamedPerson,
    Occurrence,
    PlannedItem,
    PlanOfMember,
    Prompt,
    ResourceName,
    ScriptChoice,
    SeriesInList,
    WrittenText,
)
from gatehouse_portal.shell.peers import Away, Peers, by_id, or_away, or_none
from gatehouse_portal.shell.structs import Page

# How many of what comes next may be agreed on for the coming period.
MOST_CHOICES = 12
USUAL = timedelta(days=14)
FREE = ("summary", "notes", "private_notes")


class Block(msgspec.Struct, frozen=True):
    """A prompt, and what is under it; none before the encounter begins, and for a heading."""

    prompt: Prompt
    written: WrittenText | None


class PlanChoice(msgspec.Struct, frozen=True):
    """Something of the member's plan that the two may agree on."""

    item: PlannedItem
    name: str


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """`names`: of the two who meet, as the reader may know them."""

    encounter: Encounter
    names: dict[UUID, str]
    reader: UUID | None
    brief: Brief | None = None
    choices: list[PlanChoice] = []
    scripts: list[ScriptChoice] = []
    plan: PlanOfMember | None = None
    next_begins: datetime | None = None
    next_minutes: int = 60
    kept: list[KeptText] = []

    @property
    def member(self) -> str:
        return self.names.get(self.encounter.member_id, "The member")

    @property
    def knows_member(self) -> bool:
        """Whether the reader has to do with the member now: a former mentor hasn't, and has no page of them."""
        return self.encounter.member_id in self.names

    @property
    def call(self) -> str:
        """What to call the member in a sentence."""
        return self.member.split(" ", 1)[0] if self.encounter.member_id in self.names else "the member"

    @property
    def mentor(self) -> str:
        return self.names.get(self.encounter.mentor_id, "a former mentor")

    @property
    def has_begun(self) -> bool:
        """By the plan: before that nobody can have stayed away."""
        return self.encounter.planned_from <= datetime.now(UTC)

    @property
    def writes(self) -> bool:
        return self.encounter.standing == "author" and self.encounter.state == "open"

    @property
    def amends(self) -> bool:
        """Whether the reader may put a text right."""
        return self.encounter.standing == "author" and self.encounter.outcome == "held" and self.knows_member

    @property
    def unwritten(self) -> list[WrittenText]:
        """Where nothing is written: nothing of it is on the page."""
        return [one for one in self.encounter.answers if not (one.text.strip() or one.value)]

    @property
    def blocks(self) -> list[Block]:
        written = {one.prompt_key: one for one in self.encounter.answers}
        return [Block(prompt, written.get(prompt.key)) for prompt in self.encounter.script.prompts]

    @property
    def read_blocks(self) -> list[Block]:
        """What has an answer that the reader may read; a heading where something follows it."""
        found: list[Block] = []
        heading: Block | None = None
        for block in self.blocks:
            if block.prompt.kind == "heading":
                heading = block
            elif block.written and (block.written.text.strip() or block.written.value):
                found += [heading] if heading else []
                heading = None
                found.append(block)
        return found

    def free(self, key: str) -> WrittenText | None:
        return next((one for one in self.encounter.answers if one.prompt_key == key), None)

    @property
    def own_note(self) -> MemberNote | None:
        """What the reader wrote beside it."""
        return next((note for note in self.encounter.notes if note.author_id == self.reader), None)

    @property
    def other_notes(self) -> list[MemberNote]:
        return [note for note in self.encounter.notes if note.author_id != self.reader and note.text.strip()]

    def prompt_text(self, key: str | None) -> str:
        known = {one.key: one.prompt for one in self.encounter.script.prompts}
        return known.get(
            key or "", {"summary": "Summary", "notes": "Notes", "private_notes": "Private notes"}.get(key or "", "")
        )


async def meeting_of(peers: Peers, actor: Actor, id: UUID) -> Meeting:
    """Raises NotFound for whoever may not see it."""
    encounter = await peers.get("encounter", f"/api/encounter/encounters/{id}", Encounter)
    names = await names_of(peers, [encounter.member_id, encounter.mentor_id])
    meeting = Meeting(encounter=encounter, names=names, reader=actor.person)
    if encounter.standing != "author":
        return meeting
    kept = await or_away(peers.get("encounter", f"/api/encounter/encounters/{id}/attempts", KeptTexts))
    meeting = msgspec.structs.replace(meeting, kept=[] if isinstance(kept, Away) else kept.items)
    if encounter.state not in ("planned", "open"):
        return meeting
    return await _with_plan(peers, meeting)


async def _with_plan(peers: Peers, meeting: Meeting) -> Meeting:
    """What a mentor has before them while the two meet."""
    encounter = meeting.encounter
    member = encounter.member_id
    brief, plan, scripts, upcoming = await asyncio.gather(
        or_away(or_none(peers.get("encounter", f"/api/encounter/members/{member}/brief", Brief))),
        or_away(or_none(peers.get("curriculum", f"/api/curriculum/curricula/{member}", PlanOfMember))),
        or_away(peers.get("encounter", "/api/encounter/script-choices", list[ScriptChoice])),
        or_away(_next_time(peers, encounter)),
    )
    known = None if isinstance(plan, Away) else plan
    begins, minutes = _usual_time(encounter) if isinstance(upcoming, Away) else upcoming
    told = None if isinstance(brief, Away) else brief
    return msgspec.structs.replace(
        meeting,
        brief=told,
        names=meeting.names | await names_of(peers, mentors_in(told) - meeting.names.keys()),
        plan=known,
        choices=await choices_of(peers, known),
        scripts=[] if isinstance(scripts, Away) else scripts,
        next_begins=begins,
        next_minutes=minutes,
    )


async def choices_of(peers: Peers, plan: PlanOfMember | None) -> list[PlanChoice]:
    """What is now, and the first of what comes next, by name."""
    if plan is None:
        return []
    items = [*plan.now, *plan.next[:MOST_CHOICES]]
    found = await or_away(by_id(peers, "resources", {one.resource_id for one in items}, ResourceName))
    names = {} if isinstance(found, Away) else {id: one.name for id, one in found.items()}
    return [PlanChoice(one, names.get(one.resource_id, "A resource whose name can’t be shown")) for one in items]


async def _next_time(peers: Peers, encounter: Encounter) -> tuple[datetime, int]:
    """When the two meet next, by their series, else the usual time later at the same time of day."""
    series = await peers.get(
        "encounter", "/api/encounter/series", Page[SeriesInList], member=str(encounter.member_id), ended="false"
    )
    mine = next((one for one in series.items if one.mentor_id == encounter.mentor_id), None)
    if mine is None:
        return _usual_time(encounter)
    path = f"/api/encounter/series/{mine.id}/occurrences"
    found = await peers.get("encounter", path, list[Occurrence], count=3)
    later = [one for one in found if one.begins_at > max(encounter.planned_from, datetime.now(UTC))]
    return (later[0].begins_at, mine.minutes) if later else _usual_time(encounter)


def _usual_time(encounter: Encounter) -> tuple[datetime, int]:
    zone = ZoneInfo(encounter.time_zone)
    begins = encounter.planned_from.astimezone(zone)
    while begins <= datetime.now(UTC) or begins <= encounter.planned_from:
        begins += USUAL
    return begins, round((encounter.planned_to - encounter.planned_from).total_seconds() / 60)


async def names_of(peers: Peers, people: Iterable[UUID]) -> dict[UUID, str]:
    """Of those whom the reader may know."""
    wanted = list(dict.fromkeys(people))
    answers = await asyncio.gather(
        *(or_away(or_none(peers.get("person", f"/api/person/people/{id}", NamedPerson))) for id in wanted)
    )
    return {person.id: person.name for person in answers if isinstance(person, NamedPerson)}


def mentors_in(brief: Brief | None) -> set[UUID]:
    """Whom a brief mentions: who met the member last, promised them something, or wrote to them."""
    if brief is None:
        return set()
    found = {one.mentor_id for one in brief.promised_by_mentor if one.mentor_id}
    found |= {one.author_id for one in brief.notes}
    return found | ({brief.last.mentor_id} if brief.last else set())


async def brief_of(peers: Peers, member: UUID) -> Brief | None:
    """None for whoever may not see it."""
    try:
        return await peers.get("encounter", f"/api/encounter/members/{member}/brief", Brief)
    except NotFound:
        return None
