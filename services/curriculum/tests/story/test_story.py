"""A growth story says what was learned, and nothing in it is read as markup."""

from datetime import UTC, datetime
from uuid import UUID

from gatehouse_chassis.testing import InProcessClient, Peer
from gatehouse_curriculum.curriculum.structs import Assignment
from gatehouse_curriculum.goal.structs import GoalRow
from gatehouse_curriculum.story.rules import markdown_of, story_of

from ..conftest import BASE, NOAH, TOMAS, Headers

AT = datetime(2026, 6, 2, tzinfo=UTC)


def done(
    number: int,
    day: datetime,
    name: str = "",
    *,
    minutes: int | None = None,
    skills: tuple[str, ...] = (),
    topic: str = "",
) -> Assignment:
    return Assignment(
        id=UUID(int=number),
        resource_id=UUID(int=number),
        topic_id=None,
        path_id=None,
        state="completed",
        position=number,
        note=None,
        assigned_at=AT,
        assigned_by=None,
        resource_name=name or f"Resource {number}",
        topic_name=topic or None,
        skills=skills,
        completed_at=day,
        minutes=minutes,
    )


def test_it_tells_months_with_their_sums() -> None:
    completed = [
        done(1, datetime(2026, 5, 3, tzinfo=UTC), minutes=50, skills=("git", "shell")),
        done(2, datetime(2026, 5, 30, tzinfo=UTC), minutes=100, skills=("git",), topic="Basics"),
        done(3, datetime(2026, 4, 1, tzinfo=UTC), "Learn *this* <b>"),
    ]
    goal = GoalRow(
        id=UUID(int=9), text="Ship it", horizon="year", state="reached", settled_at=AT, stated_at=AT, stated_by=None
    )
    text = markdown_of(story_of("Noah", completed, [goal], AT))
    assert text == (
        "# The growth story of Noah\n\n"
        "3 resources completed, about 2 h of learning in the 2 whose time is known, since 1 April 2026. "
        "Made on 2 June 2026.\n\n"
        "## Reached\n\n- Ship it (2 June 2026)\n\n"
        "## Skills\n\n- git (2)\n- shell (1)\n\n"
        "## May 2026\n\n- Resource 2 (Basics), 30 May 2026, about 2 h\n- Resource 1, 3 May 2026, about 50 min\n\n"
        "## April 2026\n\n- Learn \\*this\\* \\<b\\>, 1 April 2026\n"
    )


async def test_it_is_a_pdf_or_markdown(curriculum: InProcessClient, person: Peer, noah: Headers) -> None:
    person.answers["GET", f"/api/person/people/{NOAH}"] = (200, {"name": "Noah 李", "time_zone": "Europe/Oslo"})
    answer = await curriculum.get(f"{BASE}/{NOAH}/growth-story?format=md", headers=noah)
    assert answer.status_code == 200
    assert answer.text.startswith("# The growth story of Noah 李\n")
    answer = await curriculum.get(f"{BASE}/{NOAH}/growth-story", headers=noah)
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    assert answer.headers["cache-control"] == "no-store"
    assert (await curriculum.get(f"{BASE}/{TOMAS}/growth-story", headers=noah)).status_code == 404
    assert (await curriculum.get(f"{BASE}/{NOAH}/growth-story?format=doc", headers=noah)).status_code == 400
