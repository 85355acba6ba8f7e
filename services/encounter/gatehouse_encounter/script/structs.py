"""What callers send and get about scripts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatehouse_chassis.base.fields import Sentence, Word
from gatehouse_encounter.enumerators import Audience, ScriptState

PromptKind = Literal["text", "check", "radio", "scale", "heading"]
MOST_PROMPTS = 60
Key = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}(?![\s\S])", description="Unique within a script")]


class Prompt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to talk about. `options` are for `radio`; a `scale` goes from 1 to 5; a `heading` takes no answer."""

    key: Key
    kind: PromptKind
    prompt: Sentence
    help: Sentence | None = None
    options: Annotated[list[Word], Meta(max_length=20)] = []
    audience: Audience = "shared"
    required: bool = False


Prompts = Annotated[list[Prompt], Meta(max_length=MOST_PROMPTS)]


class Script(msgspec.Struct, frozen=True):
    """`prompts`: as they are being written; encounters use those of a version."""

    id: UUID
    version: int
    name: str
    purpose: str | None
    state: ScriptState
    first_meeting: bool
    prompts: list[Prompt]
    latest_number: int
    created_at: datetime
    created_by: UUID | None
    changed_at: datetime
    changed_by: UUID | None


class NewScript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Word
    purpose: Sentence | UnsetType | None = UNSET
    first_meeting: bool | UnsetType = UNSET
    prompts: Prompts = []


class ScriptChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is given changes."""

    name: Word | UnsetType = UNSET
    purpose: Sentence | UnsetType | None = UNSET
    first_meeting: bool | UnsetType = UNSET
    prompts: Prompts | UnsetType = UNSET


class ScriptVersion(msgspec.Struct, frozen=True):
    """The prompts as they were published; never changed."""

    id: UUID
    script_id: UUID
    number: int
    prompts: list[Prompt]
    published_at: datetime
    published_by: UUID | None


class ScriptChoice(msgspec.Struct, frozen=True):
    """A published script, by its newest version: what an encounter may be held by."""

    script_version_id: UUID
    script_id: UUID
    name: str
    purpose: str | None
    number: int
    first_meeting: bool
