"""Who fits whom, and why. Pure functions: the same people on the same day give the same suggestions in the same order.

A suggestion never exceeds what the mentor takes on, and never rests on an hour outside 07:00-22:00 of either of them.
Whom we can't say that of, because their time zone isn't known, isn't suggested.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from gatehouse_chassis.base.problems import Conflict
from gatehouse_intake.availability.rules import WHENEVER, Hours, hours_from, in_both, zone_of
from gatehouse_intake.availability.structs import Availability
from gatehouse_intake.match.structs import Match, Reason, Suggestion
from gatehouse_intake.mentor.structs import MentorCapacity
from gatehouse_intake.peers import Candidate

MOST_SHOWN = 3
MOST_TIMES = 3
NOTICE = timedelta(hours=24)
"""Nobody is asked to meet within a day."""
SILENT_AFTER = timedelta(days=5)
LEVELS = {"candidate": 0, "apprentice": 1, "practitioner": 2, "craftsperson": 3, "master": 4, "distinguished": 5}
"""How far somebody is, as person calls it."""
SPECIALTIES = {"ui": "user interfaces", "api": "APIs", "data": "data", "sre": "reliability"}
ANYTHING = "generalist"
FULL_WEEK = 10
"""Shared hours a week beyond which more don't make a better match."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of two who may learn together. `windows` empty: they haven't said when they have time."""

    person: Candidate
    zone: ZoneInfo
    stated: Availability | None

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self.stated.languages if self.stated else ())

    @property
    def says_when(self) -> bool:
        return self.stated is not None and bool(self.stated.windows)


def side_of(person: Candidate, stated: Availability | None) -> Side | None:
    """None where nobody knows what their clock says."""
    zone = zone_of(stated.time_zone if stated else person.time_zone)
    return None if zone is None else Side(person=person, zone=zone, stated=stated)


def places_left(capacity: MentorCapacity, members: int) -> int:
    return 0 if capacity.paused_at is not None else max(0, capacity.members_max - members)


def refusal_of(mentor: Side | None, capacity: MentorCapacity | None, members: int) -> str | None:
    """Why a mentor is given nobody; None where they can be."""
    if capacity is None:
        return "They haven’t said how many members they take."
    if capacity.pause == "silent":
        return "They are paused: they didn’t answer twice when we asked whether they are still with us."
    if capacity.pause == "asked":
        return "They take a pause."
    if places_left(capacity, members) < 1:
        return f"They have {members} of the {capacity.members_max} members whom they take."
    if mentor is None:
        return "We don’t know their time zone."
    return None if mentor.person.status == "active" else "They don’t take part right now: nobody else is given to them."


def suggestions(
    mentor: Side,
    capacity: MentorCapacity,
    members: int,
    waiting: Iterable[Candidate],
    stated: dict[UUID, Availability],
    now: datetime,
) -> list[Suggestion]:
    """The best three, each with a reason a line."""
    found = [
        (score, suggestion)
        for person in waiting
        if person.id != mentor.person.id and (side := side_of(person, stated.get(person.id))) is not None
        if (scored := fit(mentor, side, capacity, members, now)) is not None
        for score, suggestion in [scored]
    ]
    return [suggestion for _, suggestion in sorted(found, key=_order)[:MOST_SHOWN]]


def fit(
    mentor: Side, member: Side, capacity: MentorCapacity, members: int, now: datetime
) -> tuple[float, Suggestion] | None:
    """How well the two fit, and why. None: they don't, as they share no language or no hour."""
    if places_left(capacity, members) < 1:
        return None
    spoken = mentor.languages & member.languages
    if mentor.languages and member.languages and not spoken:
        return None
    hours = shared_hours(mentor, member, now)
    if not hours:
        return None
    level = LEVELS.get(mentor.person.mastery, 0) - LEVELS.get(member.person.mastery, 0)
    same = mentor.person.specialty == member.person.specialty != ANYTHING
    open_to_all = ANYTHING in (mentor.person.specialty, member.person.specialty)
    weekly = sum((one.ends_at - one.begins_at for one in hours), timedelta()) / timedelta(hours=1)
    score = (4 if same else 1 if open_to_all else 0) + (2 if level > 0 else 0)
    score += min(weekly, FULL_WEEK) / FULL_WEEK + (1 if spoken else 0)
    reasons = [
        Reason("specialty", _specialty_words(mentor.person, member.person, same=same)),
        Reason("level", f"{_level_words(level)}: {mentor.person.mastery} and {member.person.mastery}"),
        Reason("hours", _hours_words(mentor, member, weekly)),
        Reason("languages", f"Both speak {', '.join(sorted(spoken))}" if spoken else "Languages: not said yet"),
        Reason("capacity", _capacity_words(places_left(capacity, members), capacity)),
    ]
    suggestion = Suggestion(
        member_id=member.person.id,
        name=member.person.name,
        waiting_since=member.person.status_changed_at,
        reasons=reasons,
        times=proposed_times(hours, now),
    )
    return score, suggestion


def shared_hours(mentor: Side, member: Side, now: datetime) -> list[Hours]:
    """Of the seven days from tomorrow on."""
    first = (now + NOTICE).astimezone(UTC).date()
    of_both = []
    for side in (mentor, member):
        windows = side.stated.windows if side.stated and side.says_when else WHENEVER
        of_both.append(hours_from(first, side.zone, windows))
    return in_both(of_both[0], of_both[1])


def proposed_times(hours: Sequence[Hours], now: datetime) -> list[datetime]:
    """The beginnings of the first stretches, one a day, at a full quarter of an hour."""
    found: dict[Any, datetime] = {}
    for one in hours:
        begins = _next_quarter(max(one.begins_at, now + NOTICE))
        if one.ends_at - begins >= timedelta(minutes=30):
            found.setdefault(begins.date(), begins)
    return sorted(found.values())[:MOST_TIMES]


def _next_quarter(moment: datetime) -> datetime:
    """The moment, or the full quarter of an hour that comes next."""
    quarter = moment.replace(minute=moment.minute - moment.minute % 15, second=0, microsecond=0)
    return quarter if quarter == moment else quarter + timedelta(minutes=15)


def refuse_beginning(match: Match) -> None:
    if match.state != "introduced":
        raise Conflict(f"This match is {match.state} already.")


def _order(scored: tuple[float, Suggestion]) -> tuple[Any, ...]:
    score, one = scored
    return (-score, one.waiting_since or datetime.max.replace(tzinfo=UTC), one.member_id)


def _specialty_words(mentor: Candidate, member: Candidate, *, same: bool) -> str:
    wanted = SPECIALTIES.get(member.specialty)
    if same:
        return f"Both: {wanted}"
    if wanted is None:
        return "They haven’t chosen a specialty yet"
    return f"They want {wanted}; the mentor does {SPECIALTIES.get(mentor.specialty, 'a bit of everything')}"


def _level_words(level: int) -> str:
    if level > 0:
        return f"{level} {'level' if level == 1 else 'levels'} ahead"
    return "The same level" if level == 0 else "The mentor is less far"


def _hours_words(mentor: Side, member: Side, weekly: float) -> str:
    silent = [name for name, side in (("the mentor", mentor), ("the member", member)) if not side.says_when]
    if weekly < 1:
        words = "Half an hour a week suits both"
    else:
        words = "1 hour a week suits both" if round(weekly) == 1 else f"{weekly:.0f} hours a week suit both"
    return f"{words}, as far as we know: {' and '.join(silent)} haven’t said when" if silent else words


def _capacity_words(left: int, capacity: MentorCapacity) -> str:
    return f"Room for {left} more, with {capacity.hours_month} hours a month"
