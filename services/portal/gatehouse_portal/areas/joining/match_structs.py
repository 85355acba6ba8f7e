"""What intake and person answer about matching and introductions, as far as pages show it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Reason(Struct, frozen=True):
    kind: str
    text: str


class Suggestion(Struct, frozen=True, kw_only=True):
    member_id: UUID
    name: str
    waiting_since: datetime | None = None
    reasons: list[Reason] = []
    times: list[datetime] = []


class Suggestions(Struct, frozen=True, kw_only=True):
    left: int
    refusal: str | None = None
    items: list[Suggestion] = []


class MentorCapacity(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    person_id: UUID
    members_max: int
    hours_month: int
    paused_at: datetime | None = None
    pause: str | None = None
    seen_at: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None

    @property
    def is_asked(self) -> bool:
        """Whether we wait for their answer."""
        asked, answered = self.asked_at, self.answered_at
        return self.paused_at is None and asked is not None and (answered is None or answered < asked)


class NewCapacity(Struct, frozen=True, kw_only=True):
    """What a mentor says, as intake takes it."""

    members_max: int
    hours_month: int
    is_paused: bool


class Match(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    mentor_id: UUID
    member_id: UUID
    state: str
    state_changed_at: datetime
    times: list[datetime] = []
    silent_since: datetime | None = None


class WeeklyWindow(Struct, frozen=True, kw_only=True):
    weekday: int
    begins: int
    ends: int


class Availability(Struct, frozen=True, kw_only=True):
    time_zone: str
    languages: list[str] = []
    windows: list[WeeklyWindow] = []


class Slot(Struct, frozen=True, kw_only=True):
    id: UUID
    version: int
    host_id: UUID
    begins_at: datetime
    ends_at: datetime
    state: str
    person_id: UUID | None = None


class SlotHost(Struct, frozen=True):
    name: str


class OfferedSlots(Struct, frozen=True):
    added: int


class MentorshipOfMentor(Struct, frozen=True, kw_only=True):
    mentor_id: UUID


class NamedPerson(Struct, frozen=True, kw_only=True):
    """A person, as far as pages of joining name them."""

    id: UUID
    name: str
    status: str | None = None
    time_zone: str | None = None
    intro_scheduled_for: datetime | None = None


class CalendarFeed(Struct, frozen=True, kw_only=True):
    changed_at: datetime


class CalendarAddress(Struct, frozen=True):
    url: str
