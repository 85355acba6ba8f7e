"""What intake answers, as far as pages show it. Fields that aren't named here are skipped."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct


class FormOpened(Struct, frozen=True):
    """What a form for strangers carries along, and the puzzle that a browser solves meanwhile."""

    form: str
    puzzle: dict[str, Any] | None = None


class Received(Struct, frozen=True):
    received: bool


class SignUpForm(Struct, frozen=True, kw_only=True):
    """What the form for strangers says, as intake takes it."""

    form: str
    name: str
    email: str
    time_zone: str | None
    goal: str | None
    website: str
    proof: str = ""


class SignUp(Struct, frozen=True, kw_only=True):
    """Somebody who wants to learn here, and how far they are."""

    id: UUID
    version: int
    source: str
    external_id: str
    name: str
    email: str | None = None
    time_zone: str | None = None
    goal: str | None = None
    state: str
    state_changed_at: datetime
    person_id: UUID | None = None
    problem: str | None = None
    tries: int = 0
    twins: int = 0
    created_at: datetime


class DecidedSignUp(Struct, frozen=True, kw_only=True):
    """About whom a coordinator decided."""

    name: str


class Door(Struct, frozen=True, kw_only=True):
    """A way by which people come."""

    source: str
    is_open: bool
    is_ready: bool
    token_issued_at: datetime | None = None


class DoorChange(Struct, frozen=True):
    state: str


class ScriptToken(Struct, frozen=True):
    token: str


class ImportedFile(Struct, frozen=True):
    content: bytes


class ImportedRows(Struct, frozen=True):
    new: int
    known: int


class IntroductionTime(Struct, frozen=True):
    at: datetime


class ApplicationForm(Struct, frozen=True, kw_only=True):
    """What the form for mentors says, as intake takes it."""

    form: str
    name: str
    email: str
    knows: str
    hours_month: int
    time_zone: str | None
    why: str | None
    website: str
    consents: list[dict[str, str]] = []
    proof: str = ""


class Application(Struct, frozen=True, kw_only=True):
    """Somebody who wants to be a mentor."""

    id: UUID
    version: int
    name: str
    email: str
    knows: str
    hours_month: int
    time_zone: str | None = None
    why: str | None = None
    state: str
    state_changed_at: datetime
    person_id: UUID | None = None
    problem: str | None = None


class ShownText(Struct, frozen=True, kw_only=True):
    """A text that one agrees to, as person answers it."""

    kind: str
    version: str
    title: str
    text: str
