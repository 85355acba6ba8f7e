"""When achievements change. Pure functions: no database, no HTTP."""

from typing import Any

import msgspec
from msgspec import UNSET

from gatehouse_chassis.base.problems import Conflict
from gatehouse_credential.achievement.structs import Achievement, AchievementChange

CONTENT = ("name", "description", "criteria", "level", "specialty", "skills", "valid_months")


def refuse_change(achievement: Achievement) -> None:
    """Raises Conflict for an archived one, and for one that has a later edition: they stay as they were."""
    if achievement.archived_at is not None:
        raise Conflict("This achievement is archived; it can't be changed.")
    if not achievement.is_current:
        raise Conflict("This achievement has a later edition: change that one.")


def refuse_proposing(achievement: Achievement) -> None:
    """Raises Conflict for what can't be proposed any more."""
    if achievement.archived_at is not None:
        raise Conflict("This achievement is archived; it can't be proposed.")
    if not achievement.is_current:
        raise Conflict("This achievement has a later edition: propose that one.")


def next_edition(achievement: Achievement, change: AchievementChange) -> dict[str, Any] | None:
    """What the next edition says; None where nothing would be another than now."""
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    content = {name: getattr(achievement, name) for name in CONTENT} | given
    if content == {name: getattr(achievement, name) for name in CONTENT}:
        return None
    return {**content, "series_id": achievement.series_id, "edition": achievement.edition + 1}
