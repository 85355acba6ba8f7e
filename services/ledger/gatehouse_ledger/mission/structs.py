"""Counts of a quarter, from which the board's figures of the mission are made. Nobody is given them as they are."""

from datetime import date

import msgspec


class QuarterMission(msgspec.Struct, frozen=True):
    """Of a quarter: how often something happened, and to how many members.

    `days_to_mentor`: the median of those whose first mentor began in it; `mentored` and `mentors`: on its last day;
    `active`: who learned, completed or met in its last 30 days.
    """

    ends_on: date
    joined: int
    started: int
    started_members: int
    ended: int
    ended_members: int
    waited: int
    days_to_mentor: int | None
    held: int
    held_members: int
    missed: int
    missed_members: int
    active: int
    completions: int
    completed_members: int
    mentored: int
    mentors: int
