"""What callers get about a member's way: what to do next, what comes when, and what is done, a page at a time."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from gatehouse_curriculum.curriculum.structs import Assignment
from gatehouse_curriculum.goal.structs import GoalRow
from gatehouse_curriculum.participant.structs import Participant
from gatehouse_curriculum.period.structs import Planning


class Part(Struct, kw_only=True, frozen=True):
    """What of one topic, as a part of one path, is in the plan. Null: assigned without a path, or without a topic.

    `started_at`: the first start of any of its resources; one that was taken out since counts too.
    """

    path_id: UUID | None
    path_name: str | None
    topic_id: UUID | None
    topic_name: str | None
    started_at: datetime | None
    completed: int
    now: int
    next: int
    later: int


class MonthCount(Struct, frozen=True):
    """How much was completed in a month (`2026-05`, of the calendar of UTC)."""

    month: str
    count: int


class SkillCount(Struct, frozen=True):
    skill: str
    count: int


class Pace(Struct, kw_only=True, frozen=True):
    """How many were completed in the last `weeks`."""

    completed: int
    weeks: int


class Expected(Struct, kw_only=True, frozen=True):
    """When all up to the end of now, next and later is likely to be done: four times in five between the two.

    Null: too little was completed lately to say, or nothing is left.
    """

    state: str
    earliest: date | None
    latest: date | None


class MemberWay(Struct, kw_only=True, frozen=True):
    """A member's way, whatever its length in a few lines.

    Attributes:
        goes_on: what to go on with: last opened or begun, else the first of now, else of next. Null: nothing is left.
        now, next: the first of them, in order. `completed`: the newest that match the month and the skill asked for.
        more: there is more of those, below the last one's `position`.
        counts: of everything in the plan, by state; `stopped`: what turned out not to be for the member.
        parts: of everything in the plan, by path and topic; their counts add up to `counts`.
    """

    person_id: UUID
    version: int
    archived_at: datetime | None
    changed_at: datetime
    goes_on: Assignment | None
    now: list[Assignment]
    next: list[Assignment]
    completed: list[Assignment]
    more: bool
    counts: dict[str, int]
    stopped: int
    parts: list[Part]
    months: list[MonthCount]
    skills: list[SkillCount]
    pace: Pace
    expected: list[Expected]
    planning: Planning
    people: list[Participant]
    goals: list[GoalRow]
