"""Lists whose order counts: each item once, and only items that exist. Pure functions."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from gatehouse_chassis.base.problems import Invalid


def check_order(field: str, ids: Sequence[UUID], there: Collection[UUID], noun: str) -> None:
    """Raises Invalid naming each place of a list where an id stands a second time or isn't one of those there."""
    problems = {}
    first: dict[UUID, int] = {}
    for place, id in enumerate(ids):
        if first.setdefault(id, place) != place:
            problems[f"{field}.{place}"] = f"is the same {noun} as {field}.{first[id]}; name it once"
        elif id not in there:
            problems[f"{field}.{place}"] = f"there is no {noun} {id}, or it is archived"
    if problems:
        raise Invalid(problems)


def once_each(words: Iterable[str]) -> list[str]:
    """Without repeats, in the order given."""
    return list(dict.fromkeys(words))
