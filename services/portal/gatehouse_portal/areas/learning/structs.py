"""What curriculum, topics and person answer, as far as a curriculum shows it. Fields that aren't named are skipped."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct


class Resource(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    url: str
    kind: str
    cost: str
    level: str
    link_status: str = "unchecked"
    length_words: int | None = None
    length_minutes: int | None = None
    length_pages: int | None = None
    length_source: str | None = None


class PathInList(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    resource_count: int = 0


class ResourceId(Struct, frozen=True):
    id: UUID


class TopicContent(Struct, frozen=True):
    resources: list[ResourceId] = []


class ModuleContent(Struct, frozen=True):
    topics: list[TopicContent] = []


class Path(Struct, frozen=True, kw_only=True):
    """A path, as far as it says which resources it brings."""

    id: UUID
    name: str
    modules: list[ModuleContent] = []


class Named(Struct, frozen=True):
    """A topic or a path, of which only the name is shown."""

    id: UUID
    name: str


class Person(Struct, frozen=True, kw_only=True):
    """Whoever sees only the public part of somebody gets no status, address or mentor."""

    id: UUID
    name: str
    mastery: str
    specialty: str
    status: str | None = None
    email: str | None = None
    mentor_id: UUID | None = None
    preferred_name: str | None = None
    joined_on: date | None = None


class Assignment(Struct, frozen=True, kw_only=True):
    id: UUID
    resource_id: UUID
    state: str
    assigned_at: datetime
    assigned_by: UUID | None = None
    position: int = 1
    topic_id: UUID | None = None
    path_id: UUID | None = None
    resource_name: str | None = None
    skills: list[str] = []
    note: str | None = None
    planned_at: datetime | None = None
    planned_by: UUID | None = None
    started_at: datetime | None = None
    started_by: UUID | None = None
    completed_at: datetime | None = None
    completed_by: UUID | None = None
    minutes: int | None = None
    use_count: int = 0
    last_used_at: datetime | None = None
    proposed_change: str | None = None
    proposed_at: datetime | None = None
    proposed_by: UUID | None = None


class Target(Struct, frozen=True, kw_only=True):
    """What a link of a plan leads to."""

    resource_id: UUID


class Participant(Struct, frozen=True, kw_only=True):
    """The person behind an account, and what they are to the member."""

    account_id: UUID
    standing: str
    person_id: UUID | None = None


class PresentPeriod(Struct, frozen=True, kw_only=True):
    id: UUID
    committed_at: datetime
    ends_at: datetime
    committed_by: UUID | None = None
    time_zone: str = "UTC"
    capacity_minutes: int = 0


class Planning(Struct, frozen=True, kw_only=True):
    """How much time the member has, and the period that was committed last. `stated_at` is null until somebody says."""

    minutes_per_week: int = 360
    meets_every_days: int | None = None
    stated_at: datetime | None = None
    stated_by: UUID | None = None
    usual_days: int = 7
    usual_capacity_minutes: int = 360
    period: PresentPeriod | None = None


class Curriculum(Struct, frozen=True, kw_only=True):
    """Completed: the last first; the others in the order in which they are to be learned."""

    person_id: UUID
    version: int
    changed_at: datetime
    archived_at: datetime | None = None
    completed: list[Assignment] = []
    now: list[Assignment] = []
    next: list[Assignment] = []
    later: list[Assignment] = []
    planning: Planning = Planning()
    people: list[Participant] = []

    def all(self) -> list[Assignment]:
        return [*self.now, *self.next, *self.later, *self.completed]


class Part(Struct, frozen=True, kw_only=True):
    """What of one topic, as a part of one path, is in the plan."""

    path_id: UUID | None = None
    path_name: str | None = None
    topic_id: UUID | None = None
    topic_name: str | None = None
    started_at: datetime | None = None
    completed: int = 0
    now: int = 0
    next: int = 0
    later: int = 0


class MonthCount(Struct, frozen=True):
    month: str
    count: int


class SkillCount(Struct, frozen=True):
    skill: str
    count: int


class Pace(Struct, frozen=True):
    completed: int
    weeks: int


class Expected(Struct, frozen=True, kw_only=True):
    """When all up to the end of that state is likely to be done; null where nothing can be said."""

    state: str
    earliest: date | None = None
    latest: date | None = None


class Goal(Struct, frozen=True, kw_only=True):
    """What the member wants to reach."""

    id: UUID
    text: str
    horizon: str
    state: str
    settled_at: datetime | None = None


class MemberWay(Struct, frozen=True, kw_only=True):
    """What a member's home shows of their plan, however long it is."""

    person_id: UUID
    version: int
    changed_at: datetime
    archived_at: datetime | None = None
    goes_on: Assignment | None = None
    now: list[Assignment] = []
    next: list[Assignment] = []
    completed: list[Assignment] = []
    more: bool = False
    counts: dict[str, int] = {}
    stopped: int = 0
    parts: list[Part] = []
    months: list[MonthCount] = []
    skills: list[SkillCount] = []
    pace: Pace = Pace(0, 8)
    expected: list[Expected] = []
    planning: Planning = Planning()
    people: list[Participant] = []
    goals: list[Goal] = []

    def shown(self) -> list[Assignment]:
        return [*([self.goes_on] if self.goes_on else []), *self.now, *self.next, *self.completed]


class CurriculumAfterAssigning(Curriculum, frozen=True, kw_only=True):
    """`assigned`: the new assignments; `skipped`: resources that the curriculum had already."""

    assigned: list[UUID] = []
    skipped: list[UUID] = []


class CurriculumAfterCommitting(Curriculum, frozen=True, kw_only=True):
    period_id: UUID
