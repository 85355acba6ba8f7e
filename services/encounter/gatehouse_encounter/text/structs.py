"""What callers send and get about texts: answers under prompts, and notes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import MARKDOWN, Sentence, Word
from gatehouse_chassis.data.text_attempts import LONGEST_TEXT, TextAttempt
from gatehouse_encounter.enumerators import Audience

LongText = Annotated[str, Meta(max_length=LONGEST_TEXT, pattern=MARKDOWN)]


class Answer(msgspec.Struct, frozen=True):
    """`writer`: the open page that wrote it last, by an id that the page made up."""

    id: UUID
    version: int
    encounter_id: UUID
    prompt_key: str
    audience: Audience
    value: str | None
    text: str
    writer: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class WrittenAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is under a prompt from now on. `value`: what was chosen, where there is something to choose."""

    text: LongText
    writer: UUID
    value: Word | UnsetType | None = UNSET
    audience: Audience | UnsetType = UNSET


class AudienceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    audience: Audience


class Note(msgspec.Struct, frozen=True):
    """A text about a member. `encounter_id`: the one that it is beside; `author_id`: a person."""

    id: UUID
    version: int
    member_id: UUID
    encounter_id: UUID | None
    author_id: UUID
    audience: Audience
    text: str
    writer: UUID | None
    read_at: datetime | None
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    member_id: UUID
    encounter_id: UUID | None = None
    audience: Audience = "author_only"
    text: LongText = ""
    writer: UUID


class WrittenNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: LongText
    writer: UUID


class Amendment(msgspec.Struct, frozen=True):
    """A change to a finished encounter; `prompt_key`: of the answer."""

    id: UUID
    encounter_id: UUID
    prompt_key: str | None
    audience: Audience
    before: str
    after: str
    reason: str
    amended_at: datetime
    amended_by: UUID | None


class NewAmendment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole text as it is to be, and why."""

    prompt_key: Word
    text: LongText
    reason: Sentence


class Attempts(msgspec.Struct, frozen=True):
    """Texts of the caller's that were refused or replaced, the newest first."""

    items: list[TextAttempt]
