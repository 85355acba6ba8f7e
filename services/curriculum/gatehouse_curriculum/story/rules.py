"""A member's growth story: what they learned, month by month, and what they reached. Functions; no SQL, no HTTP."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from msgspec import Struct

from gatehouse_curriculum.curriculum.structs import Assignment
from gatehouse_curriculum.goal.structs import GoalRow

MOST_SKILLS = 12
_MARKS = re.compile(r"([\\`*_{}\[\]<>#|])")


class Chapter(Struct, frozen=True):
    """A month, and in it what was completed: its name, the day, and about how long it took where somebody said."""

    title: str
    lines: list[str]


class GrowthStory(Struct, frozen=True, kw_only=True):
    """`skills`: the most practised first. `chapters`: the newest month first."""

    name: str
    made: str
    sums: list[str]
    reached: list[str]
    wanted: list[str]
    skills: list[str]
    chapters: list[Chapter]


def story_of(name: str, completed: Iterable[Assignment], goals: Sequence[GoalRow], at: datetime) -> GrowthStory:
    done = sorted((one for one in completed if one.completed_at), key=_moment, reverse=True)
    skills = Counter(skill for one in done for skill in one.skills)
    minutes = [one.minutes for one in done if one.minutes]
    sums = [_counted(len(done), "resource") + " completed"]
    if minutes:
        sums.append(f"about {_hours(sum(minutes))} of learning in the {len(minutes)} whose time is known")
    if done:
        sums.append(f"since {_day(_moment(done[-1]).date())}")
    return GrowthStory(
        name=name,
        made=_day(at.astimezone(UTC).date()),
        sums=sums,
        reached=[
            f"{one.text} ({_day(one.settled_at.date())})" for one in goals if one.settled_at and one.state == "reached"
        ],
        wanted=[one.text for one in goals if one.state == "open"],
        skills=[f"{skill} ({count})" for skill, count in skills.most_common(MOST_SKILLS)],
        chapters=[
            Chapter(f"{_moment(first):%B %Y}", [_line(one) for one in (first, *rest)])
            for _, (first, *rest) in itertools.groupby(done, key=lambda one: f"{_moment(one):%Y-%m}")
        ],
    )


def markdown_of(story: GrowthStory) -> str:
    """What people wrote is text in it, whatever it looks like."""
    parts = [f"# The growth story of {_plain(story.name)}", f"{', '.join(story.sums)}. Made on {story.made}."]
    for title, lines in (
        ("Reached", story.reached),
        ("What I want to reach", story.wanted),
        ("Skills", story.skills),
        *((one.title, one.lines) for one in story.chapters),
    ):
        if lines:
            parts += [f"## {title}", "\n".join(f"- {_plain(line)}" for line in lines)]
    return "\n\n".join(parts) + "\n"


def _line(one: Assignment) -> str:
    took = f", about {_hours(one.minutes)}" if one.minutes else ""
    within = f" ({one.topic_name})" if one.topic_name else ""
    return f"{one.resource_name or 'A resource'}{within}, {_day(_moment(one).date())}{took}"


def _moment(one: Assignment) -> datetime:
    assert one.completed_at is not None
    return one.completed_at.astimezone(UTC)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _hours(minutes: int) -> str:
    return f"{minutes} min" if minutes < 90 else f"{round(minutes / 60):,} h"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
