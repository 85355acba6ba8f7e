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


class LinkPreview(Struct, frozen=True, kw_only=True):
    """What the page of a pasted link says of itself, else what its address does."""

    name: str
    kind: str
    problem: str | None = None
    length_minutes: int | None = None
    length_words: int | None = None


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


class PlanText(Struct, frozen=True):
    """`digest`: what a change of it names."""

    text: str
    digest: str


class PlanTexts(Struct, frozen=True):
    """`goals`, `notes`, and `reason:` with an assignment's id; only those with something in them."""

    texts: dict[str, PlanText] = {}


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


class ResourceForecast(Struct, frozen=True, kw_only=True):
    """How long one resource takes the member in all, four times in five."""

    resource_id: UUID
    low_minutes: int
    middle_minutes: int
    high_minutes: int
    typical_minutes: int
    times: int
    spent_minutes: int = 0


class PlanForecast(Struct, frozen=True, kw_only=True):
    """How much time a list takes, and how likely that is more than there is until `until`."""

    until: datetime
    budget_minutes: int
    minutes_per_week: int
    low_minutes: int
    middle_minutes: int
    high_minutes: int
    over: float
    pace: float
    pace_times: int
    little_known: bool
    items: list[ResourceForecast] = []

    def of(self, resource: UUID) -> ResourceForecast | None:
        return next((one for one in self.items if one.resource_id == resource), None)


class KnownTime(Struct, frozen=True, kw_only=True):
    """A time that says something of the member's pace, unless they said that it doesn't."""

    assignment_id: UUID
    resource_id: UUID
    minutes: int
    stated: bool
    unfinished: bool
    resource_name: str | None = None
    typical_minutes: int | None = None
    not_typical_at: datetime | None = None


class MemberPace(Struct, frozen=True, kw_only=True):
    pace: float
    low: float
    high: float
    times: list[KnownTime] = []


class Fifth(Struct, frozen=True, kw_only=True):
    above: float
    forecasts: int
    said: float | None = None
    came: float | None = None


class Calibration(Struct, frozen=True, kw_only=True):
    """How good forecasts of committed lists were."""

    made: int
    settled: int
    fifths: list[Fifth]
    covered: float | None = None
    brier: float | None = None
    fitted_at: datetime | None = None
    times: int | None = None


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
