"""Scripts, as encounter answers them, as far as their pages show them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class ScriptPrompt(Struct, frozen=True, kw_only=True):
    key: str
    kind: str
    prompt: str
    help: str | None = None
    options: list[str] = []
    audience: str = "shared"
    required: bool = False


class WrittenScript(Struct, frozen=True, kw_only=True):
    """`prompts`: as they are being written; meetings use those of a version."""

    id: UUID
    version: int
    name: str
    purpose: str | None = None
    state: str
    first_meeting: bool = False
    prompts: list[ScriptPrompt] = []
    latest_number: int = 0
    changed_at: datetime | None = None


class PublishedVersion(Struct, frozen=True, kw_only=True):
    id: UUID
    number: int
    prompts: list[ScriptPrompt] = []
    published_at: datetime
