"""The mission's figures, from events, against counts that Python makes of the same ones."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from statistics import median_low
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_chassis.events.event import PublishedEvent
from gatehouse_ledger.board.rules import FEWEST, of_mission, quarter_begins
from gatehouse_ledger.mission.handlers import HANDLERS
from gatehouse_ledger.mission.queries import of_quarters
from gatehouse_ledger.mission.structs import QuarterMission
from gatehouse_ledger.tables import DB

from ..conftest import API

QUARTERS = [date(2051, 3, 31), date(2051, 6, 30), date(2051, 9, 30), date(2051, 12, 31)]
Happened = tuple[date, str, UUID, UUID | None]


async def hear(handler: str, day: date, subject: UUID, **ids: UUID) -> PublishedEvent:
    event = PublishedEvent(
        epoch=1,
        tx=1,
        id=uuid4(),
        type="person.joined",
        subject_id=subject,
        subject_version=1,
        at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        ids={name: str(id) for name, id in ids.items()},
    )
    for _ in range(2):  # a second time changes nothing
        async with DB.transaction():
            await HANDLERS[handler].apply(event, None)
    return event


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.deep), pytest.param(3, marks=pytest.mark.deep)])
async def test_each_figure_is_an_independent_count(ledger, sql, seed):
    await sql.execute("delete from ledger.mission_event where happened_on >= '2051-01-01'")
    chance = random.Random(seed)
    members, mentors = [uuid4() for _ in range(24)], [uuid4() for _ in range(7)]
    joined: dict[UUID, date] = {}
    first: dict[UUID, date] = {}
    pairs: Counter[tuple[UUID, UUID]] = Counter()
    happened: list[Happened] = []
    mentored: dict[date, tuple[int, int]] = {}
    day = date(2051, 1, 1)
    while day <= QUARTERS[-1]:
        member, mentor = chance.choice(members), chance.choice(mentors)
        what = chance.choice(["person_joined", "mentoring_started", "mentoring_ended", "encounter_held"] * 2 + OTHERS)
        if what == "person_joined" and member not in joined:
            joined[member] = day
            await hear(what, day, member)
            happened.append((day, what, member, None))
        elif what == "mentoring_started" and member in joined and not pairs[member, mentor]:
            pairs[member, mentor] = 1
            first.setdefault(member, day)
            await hear(what, day, uuid4(), member_id=member, mentor_id=mentor)
            happened.append((day, what, member, mentor))
        elif what == "mentoring_ended" and (open_pairs := [pair for pair, count in pairs.items() if count]):
            member, mentor = chance.choice(open_pairs)
            pairs[member, mentor] = 0
            await hear(what, day, uuid4(), member_id=member, mentor_id=mentor)
            happened.append((day, what, member, mentor))
        elif what in ("encounter_held", "encounter_missed"):
            await hear(what, day, uuid4(), member_id=member, mentor_id=mentor)
            happened.append((day, what, member, mentor))
        elif what.startswith("assignment"):
            await hear(what, day, uuid4(), person_id=member)
            happened.append((day, what, member, None))
        if day in QUARTERS:
            now = [pair for pair, count in pairs.items() if count]
            mentored[day] = len({one for one, _ in now}), len({one for _, one in now})
        day += timedelta(days=chance.choice([0, 0, 0, 1])) if day not in QUARTERS else timedelta(days=1)
    (before,) = (await of_quarters([(date(2050, 10, 1), date(2050, 12, 31))])).values()
    found = await of_quarters([(quarter_begins(ends), ends) for ends in QUARTERS])
    for ends in QUARTERS:
        within = [one for one in happened if quarter_begins(ends) <= one[0] <= ends]
        waits = [day - joined[who] for who, day in first.items() if quarter_begins(ends) <= day <= ends]

        def count(*names: str, of: list[Happened] = within) -> int:
            return sum(one[1] in names for one in of)

        def people(*names: str, of: list[Happened] = within) -> int:
            return len({one[2] for one in of if one[1] in names})

        late = [one for one in within if one[0] > ends - timedelta(days=30)]
        learned = ("assignment_started", "assignment_used", "assignment_completed", "encounter_held")
        assert found[ends] == QuarterMission(
            ends_on=ends,
            joined=count("person_joined"),
            started=count("mentoring_started"),
            started_members=people("mentoring_started"),
            ended=count("mentoring_ended"),
            ended_members=people("mentoring_ended"),
            waited=len(waits),
            days_to_mentor=median_low(waits).days if waits else None,
            held=count("encounter_held"),
            held_members=people("encounter_held"),
            missed=count("encounter_missed"),
            missed_members=people("encounter_missed"),
            active=people(*learned, of=late),
            completions=count("assignment_completed"),
            completed_members=people("assignment_completed"),
            mentored=before.mentored + mentored[ends][0],
            mentors=before.mentors + mentored[ends][1],
        )


OTHERS = ["assignment_started", "assignment_used", "assignment_completed", "encounter_missed"]


def mission(**of: int) -> QuarterMission:
    everything: dict[str, Any] = {**dict.fromkeys(QuarterMission.__struct_fields__, 10), "ends_on": QUARTERS[0], **of}
    return QuarterMission(**everything)


@pytest.mark.parametrize(
    ("of", "hidden"),
    [
        ({}, set()),
        ({"joined": 4}, {"joined"}),
        ({"mentored": 4}, {"mentored", "members_per_mentor", "mentorships_started", "mentorships_ended"}),
        ({"ended_members": 4}, {"mentorships_started", "mentorships_ended"}),
        ({"started_members": 4}, {"mentorships_started", "mentorships_ended"}),
        ({"waited": 4}, {"days_to_mentor"}),
        ({"missed_members": 4}, {"no_show_share"}),
        ({"held_members": 4}, {"encounters_held", "no_show_share"}),
        ({"active": 4}, {"active_members"}),
        ({"completed_members": 4}, {"completions"}),
    ],
)
def test_nothing_is_told_of_fewer_than_five(of, hidden):
    assert {name for name, value in of_mission(mission(**of), mission()).items() if value is None} == hidden


def test_what_began_and_ended_tells_nothing_of_few_members_before():
    told = of_mission(mission(started=22, ended=5, mentored=20), mission(mentored=3))
    assert (told["mentored"], told["mentorships_started"], told["mentorships_ended"]) == (20, None, None)


def worked_out(shown: list[dict], began: int | None) -> list[int | None]:
    """What subtracting and adding shown figures tells: of each quarter who began, who ended, and the members after."""
    known = [began]
    for one in shown:
        known += [one["mentorships_started"], one["mentorships_ended"], one["mentored"]]
    for place in 2 * [*range(0, len(known) - 1, 3), *range(len(known) - 4, -1, -3)]:  # there and back again, twice
        parts = known[place : place + 4]  # before + started - ended - after = 0
        if parts.count(None) == 1:
            signs = (1, 1, -1, -1)
            rest = sum(sign * part for sign, part in zip(signs, parts, strict=True) if part is not None)
            known[place + parts.index(None)] = -rest * signs[parts.index(None)]
    return known


FLOWS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=9)


@settings(max_examples=100, deadline=None)
@given(began=st.integers(0, 20), flows=FLOWS)
def test_no_sum_or_difference_of_shown_figures_is_of_fewer_than_five(began, flows):
    """Of any quarters, each member with one mentor: nothing can be worked out that isn't shown, nor is it small."""
    stocks, shown = [began], []
    before = mission(mentored=began)
    for started, most in flows:
        ended = min(most, stocks[-1] + started)
        stocks.append(stocks[-1] + started - ended)
        now = {"started": started, "started_members": started, "ended": ended, "ended_members": ended}
        found = mission(**now, mentored=stocks[-1])
        shown.append(of_mission(found, before))
        before = found
    told = worked_out(shown, began if began >= FEWEST else None)
    assert [one for one in told if one is not None and one < FEWEST] == []


async def test_nobody_reads_the_events_themselves(ledger, by):
    for path in ("mission-events", "mission"):
        assert (await ledger.get(f"{API}/{path}", headers=by("board"))).status_code == 404
