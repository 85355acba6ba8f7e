"""What callers send and get about encounters."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Moment, Sentence, TimeZone
from gatehouse_encounter.access import Standing
from gatehouse_encounter.enumerators import EncounterOutcome, EncounterState
from gatehouse_encounter.follow_up.structs import FollowUp, NewFollowUp
from gatehouse_encounter.script.structs import Prompt
from gatehouse_encounter.text.structs import Amendment, Answer, Note


class EncounterRow(msgspec.Struct, frozen=True):
    """An encounter without what was written. `summary` is shared, from its end on."""

    id: UUID
    version: int
    member_id: UUID
    mentor_id: UUID
    script_version_id: UUID
    series_id: UUID | None
    state: EncounterState
    outcome: EncounterOutcome | None
    planned_from: datetime
    planned_to: datetime
    time_zone: str
    held_from: datetime | None
    held_to: datetime | None
    summary: str | None
    void_reason: str | None
    agreed_ids: list[UUID]
    agreed_until: datetime | None
    finished_at: datetime | None
    finished_by: UUID | None
    member_read_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class EncounterInList(EncounterRow, frozen=True):
    script_name: str
    script_number: int


class UsedScript(msgspec.Struct, frozen=True):
    """The prompts of an encounter: those of one published version, for good."""

    script_id: UUID
    name: str
    number: int
    prompts: list[Prompt]


class Disclosure(msgspec.Struct, frozen=True):
    """A coordinator opened private texts; `reader_id`: the person."""

    id: UUID
    encounter_id: UUID
    author_id: UUID
    reason: str
    reader_id: UUID | None
    disclosed_at: datetime
    disclosed_by: UUID | None


class Encounter(EncounterInList, frozen=True):
    """With what the caller may see of it. `standing`: what they are to it."""

    standing: Standing
    script: UsedScript
    answers: list[Answer]
    notes: list[Note]
    follow_ups: list[FollowUp]
    amendments: list[Amendment]
    disclosures: list[Disclosure]


class NewEncounter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without a script: for the first encounter of the two the one for that, else the last they used.

    Without `time_zone`: the mentor's, as person knows it.
    """

    member_id: UUID
    mentor_id: UUID
    planned_from: Moment
    planned_to: Moment
    script_version_id: UUID | None = None
    series_id: UUID | None = None
    time_zone: TimeZone | None = None


class EncounterChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes, and only before it begins."""

    planned_from: Moment | UnsetType = UNSET
    planned_to: Moment | UnsetType = UNSET
    script_version_id: UUID | UnsetType = UNSET


class NextEncounter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    planned_from: Moment
    planned_to: Moment


class FinishedEncounter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the two agreed on.

    `now_list`: ids of assignments in their order, which curriculum plans until the next encounter; empty: it stays as
    it is. `next`: without one, none is planned.
    """

    now_list: Annotated[list[UUID], Meta(max_length=200)] = []
    follow_ups: Annotated[list[NewFollowUp], Meta(max_length=50)] = []
    next: NextEncounter | None = None
    held_from: Moment | None = None
    held_to: Moment | None = None


class WithReason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Sentence


class Disclosed(Disclosure, frozen=True):
    """The private texts of an encounter, opened in an emergency."""

    answers: list[Answer]
    notes: list[Note]


class Agreement(msgspec.Struct, frozen=True):
    """What curriculum plans after an encounter: until when, and in whose days."""

    encounter_id: UUID
    member_id: UUID
    mentor_id: UUID
    assignment_ids: list[UUID]
    until: datetime | None
    time_zone: str


class PlannedAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """Who meets when, and nothing of what it is about."""

    id: UUID
    member_id: UUID
    mentor_id: UUID
    state: EncounterState
    planned_from: datetime


class Brief(msgspec.Struct, frozen=True):
    """What to know before the next encounter of a member: facts only, nothing that was guessed."""

    member_id: UUID
    last: EncounterInList | None
    next: EncounterInList | None
    promised_by_member: list[FollowUp]
    promised_by_mentor: list[FollowUp]
    notes: list[Note]
    held_count: int
