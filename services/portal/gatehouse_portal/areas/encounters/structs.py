"""What encounter, curriculum, topics and person answer, as far as these pages show it."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class Prompt(Struct, frozen=True, kw_only=True):
    key: str
    kind: str
    prompt: str
    help: str | None = None
    options: list[str] = []
    audience: str = "shared"
    required: bool = False


class UsedScript(Struct, frozen=True, kw_only=True):
    name: str
    number: int
    prompts: list[Prompt]


class ScriptChoice(Struct, frozen=True, kw_only=True):
    script_version_id: UUID
    name: str
    first_meeting: bool = False


class WrittenText(Struct, frozen=True, kw_only=True):
    """What is under a prompt."""

    prompt_key: str
    version: int
    audience: str
    text: str
    value: str | None = None


class MemberNote(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    author_id: UUID
    audience: str
    text: str
    encounter_id: UUID | None = None


class FollowUp(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    encounter_id: UUID
    member_id: UUID
    side: str
    mentor_id: UUID | None = None
    text: str
    due_on: date | None = None
    done_at: datetime | None = None


class Amendment(Struct, frozen=True, kw_only=True):
    before: str
    after: str
    reason: str
    amended_at: datetime
    prompt_key: str | None = None


class Disclosure(Struct, frozen=True, kw_only=True):
    id: UUID
    encounter_id: UUID
    reason: str
    disclosed_at: datetime
    author_id: UUID
    reader_id: UUID | None = None


class EncounterInList(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    member_id: UUID
    mentor_id: UUID
    state: str
    planned_from: datetime
    planned_to: datetime
    time_zone: str
    script_version_id: UUID
    script_name: str
    outcome: str | None = None
    held_from: datetime | None = None
    summary: str | None = None
    void_reason: str | None = None
    agreed_until: datetime | None = None

    @property
    def when(self) -> datetime:
        return self.held_from or self.planned_from


class PlannedEncounter(Struct, frozen=True, kw_only=True):
    """As commands answer."""

    id: UUID
    version: int
    member_id: UUID
    agreed_until: datetime | None = None


class Encounter(EncounterInList, frozen=True, kw_only=True):
    standing: str
    script: UsedScript
    answers: list[WrittenText] = []
    notes: list[MemberNote] = []
    follow_ups: list[FollowUp] = []
    amendments: list[Amendment] = []
    disclosures: list[Disclosure] = []


class Brief(Struct, frozen=True, kw_only=True):
    last: EncounterInList | None = None
    next: EncounterInList | None = None
    promised_by_member: list[FollowUp] = []
    promised_by_mentor: list[FollowUp] = []
    notes: list[MemberNote] = []
    held_count: int = 0


class SeriesInList(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    member_id: UUID
    mentor_id: UUID
    rhythm: str
    local_time: str
    minutes: int
    time_zone: str
    starts_on: date


class Occurrence(Struct, frozen=True, kw_only=True):
    begins_at: datetime
    ends_at: datetime


class KeptText(Struct, frozen=True, kw_only=True):
    """A text that was refused or replaced."""

    at: datetime
    reason: str
    text: str


class KeptTexts(Struct, frozen=True, kw_only=True):
    items: list[KeptText] = []


class Disclosed(Struct, frozen=True, kw_only=True):
    answers: list[WrittenText] = []
    notes: list[MemberNote] = []


class NamedPerson(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    preferred_name: str | None = None
    time_zone: str | None = None


class ResourceName(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str


class PlannedItem(Struct, frozen=True, kw_only=True):
    id: UUID
    resource_id: UUID
    state: str


class PlannedPeriod(Struct, frozen=True, kw_only=True):
    ends_at: datetime
    capacity_minutes: int = 0


class TimeForLearning(Struct, frozen=True, kw_only=True):
    minutes_per_week: int = 360
    usual_days: int = 7
    period: PlannedPeriod | None = None


class PlanOfMember(Struct, frozen=True, kw_only=True):
    now: list[PlannedItem] = []
    next: list[PlannedItem] = []
    planning: TimeForLearning = TimeForLearning()


class HandedOver(Struct, frozen=True, kw_only=True):
    """Who mentors whom, as person answers."""

    id: UUID
    version: int
    mentor_id: UUID
    member_id: UUID
    started_at: datetime


class MentorWithRoom(Struct, frozen=True, kw_only=True):
    """How many members somebody takes, as intake answers."""

    person_id: UUID
    members_max: int
    paused_at: datetime | None = None

    @property
    def takes(self) -> int:
        return 0 if self.paused_at else self.members_max


class MentoringPerson(Struct, frozen=True, kw_only=True):
    """Somebody who mentors, or is mentored; `mentor_id`: by whom, where the reader may know it."""

    id: UUID
    name: str
    mentor_id: UUID | None = None
    status: str | None = None
    specialty: str | None = None
