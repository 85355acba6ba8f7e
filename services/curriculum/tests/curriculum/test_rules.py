"""Which command fits which state, what each changes, and what always holds."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_chassis.base.problems import ApiProblem, Conflict, Forbidden, NotFound
from gatehouse_curriculum.curriculum import rules
from gatehouse_curriculum.curriculum.rules import Assignments, Stamp
from gatehouse_curriculum.curriculum.structs import Assignment, ResourceToAssign
from gatehouse_curriculum.enumerators import AssignmentState, ProposedChange

BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC)
MENTOR, MEMBER = UUID(int=1), UUID(int=2)


def id_of(number: int) -> UUID:
    return UUID(int=1_000 + number)


def curriculum(
    *states: AssignmentState,
    added_by: UUID = MENTOR,
    planned_by: UUID = MENTOR,
    started_by: UUID | None = MEMBER,
    proposed: ProposedChange | None = None,
) -> Assignments:
    """Assignments 1, 2, ... in these states, all alike."""
    places: Counter[str] = Counter()
    found = []
    for number, state in enumerate(states, 1):
        places[state] += 1
        found.append(
            Assignment(
                id=id_of(number),
                resource_id=UUID(int=number),
                topic_id=None,
                path_id=None,
                state=state,
                position=places[state],
                note=None,
                assigned_at=BEGIN,
                assigned_by=added_by,
                planned_at=BEGIN if state == "now" else None,
                planned_by=planned_by if state == "now" else None,
                started_at=BEGIN if started_by else None,
                started_by=started_by,
                completed_at=BEGIN if state == "completed" else None,
                proposed_change=proposed if state != "completed" else None,
                proposed_at=BEGIN if proposed and state != "completed" else None,
                proposed_by=MEMBER if proposed and state != "completed" else None,
            )
        )
    return tuple(found)


def stamp(hours: int = 1, *, member: bool = False) -> Stamp:
    """A mentor's unless it is the member's."""
    at = BEGIN + timedelta(hours=hours)
    return Stamp(at, MEMBER, frozenset({MEMBER})) if member else Stamp(at, MENTOR)


def one(assignments: Assignments, number: int) -> Assignment:
    return next(item for item in assignments if item.id == id_of(number))


def line(assignments: Assignments, state: AssignmentState) -> list[int]:
    """The numbers of those in a state, in order."""
    return [item.id.int - 1_000 for item in sorted(assignments, key=lambda item: item.position) if item.state == state]


# What each command makes of something that is planned and started; None: it contradicts.
OUTCOMES = {
    "start": {"later": "now", "next": "now", "now": None, "completed": None},
    "unstart": {"later": "later", "next": "next", "now": "now", "completed": None},
    "complete": {"later": "completed", "next": "completed", "now": "completed", "completed": None},
    "reopen": {"later": None, "next": None, "now": None, "completed": "now"},
    "move to later": {"later": "later", "next": "later", "now": "later", "completed": None},
    "move to next": {"later": "next", "next": "next", "now": "next", "completed": None},
    "move to now": {"later": "now", "next": "now", "now": "now", "completed": None},
    "unassign": {"later": "gone", "next": "gone", "now": "gone", "completed": None},
}
PROPOSALS = ("propose now", "propose next", "propose later", "propose remove", "accept", "decline")


def carry_out(command: str, assignments: Assignments, number: int, at: Stamp) -> Assignments:
    id = id_of(number)
    verb, _, change = command.rpartition(" ")
    if verb == "propose":
        return rules.propose(assignments, id, at, change=msgspec.convert(change, ProposedChange))
    if verb == "move to":
        assert change in ("later", "next", "now")
        return rules.move(assignments, id, at, state=change, position=None)
    if command == "unassign":
        return rules.unassign(assignments, at, id)
    if command == "decline":
        return rules.decline(assignments, id)
    commands = {
        "start": rules.start,
        "unstart": rules.unstart,
        "complete": rules.complete,
        "reopen": rules.reopen,
        "accept": rules.accept,
    }
    return commands[command](assignments, id, at)


@pytest.mark.parametrize("added_by", [MENTOR, MEMBER], ids=["by the mentor", "by the member"])
@pytest.mark.parametrize("member", [False, True], ids=["a mentor", "the member"])
@pytest.mark.parametrize(
    ("command", "state", "outcome"),
    [(command, state, outcome) for command, table in OUTCOMES.items() for state, outcome in table.items()],
)
def test_every_command_from_every_state_by_everybody(
    command: str, state: AssignmentState, outcome: str | None, member: bool, added_by: UUID
) -> None:
    before = curriculum(state, state, added_by=added_by)
    if member and added_by == MENTOR and command.startswith(("move", "unassign")):
        with pytest.raises(Forbidden):
            carry_out(command, before, 1, stamp(member=member))
        return
    if outcome is None:
        with pytest.raises(Conflict):
            carry_out(command, before, 1, stamp(member=member))
        return
    after = carry_out(command, before, 1, stamp(member=member))
    if outcome == "gone":
        assert [item.id for item in after] == [id_of(2)]
    else:
        assert one(after, 1).state == outcome


@pytest.mark.parametrize("state", ["later", "next", "now"])
@pytest.mark.parametrize("change", ["now", "next", "later", "remove"])
@pytest.mark.parametrize("added_by", [MENTOR, MEMBER], ids=["by the mentor", "by the member"])
def test_a_member_proposes_what_they_may_not_do_and_a_mentor_decides(
    state: AssignmentState, change: ProposedChange, added_by: UUID
) -> None:
    before = curriculum(state, state, added_by=added_by)
    with pytest.raises(Conflict, match="yourself"):
        rules.propose(before, id_of(1), stamp(), change=change)
    if added_by == MEMBER or state == change:
        with pytest.raises(Conflict):
            rules.propose(before, id_of(1), stamp(member=True), change=change)
        return
    proposed = rules.propose(before, id_of(1), stamp(2, member=True), change=change)
    item = one(proposed, 1)
    assert (item.proposed_change, item.proposed_at, item.proposed_by) == (change, stamp(2).at, MEMBER)
    assert rules.decline(proposed, id_of(1)) == before
    accepted = rules.accept(proposed, id_of(1), stamp(3))
    if change == "remove":
        assert [item.id for item in accepted] == [id_of(2)]
        return
    item = one(accepted, 1)
    assert (item.state, item.proposed_change, item.proposed_at, item.proposed_by) == (change, None, None, None)
    assert (item.planned_at, item.planned_by) == ((stamp(3).at, MENTOR) if change == "now" else (None, None))
    with pytest.raises(Conflict, match="any more"):
        rules.accept(accepted, id_of(1), stamp(4))


@pytest.mark.parametrize("command", PROPOSALS)
def test_nothing_is_proposed_for_what_is_completed(command: str) -> None:
    for member in (False, True):
        with pytest.raises(Conflict):
            carry_out(command, curriculum("completed"), 1, stamp(member=member))


def test_a_member_puts_back_what_they_planned_themselves_and_not_what_the_mentor_did() -> None:
    by_mentor = curriculum("next", "next", "next", started_by=None)
    theirs = rules.start(by_mentor, id_of(2), stamp(member=True))
    unstarted = rules.unstart(theirs, id_of(2), stamp(2, member=True))
    back = rules.move(unstarted, id_of(2), stamp(2, member=True), state="next", position=2)
    assert back == by_mentor
    agreed = rules.move(by_mentor, id_of(2), stamp(), state="now", position=None)
    with pytest.raises(Forbidden):
        rules.move(agreed, id_of(2), stamp(member=True), state="next", position=2)


def test_a_member_takes_back_their_own_start_only() -> None:
    with pytest.raises(Forbidden):
        rules.unstart(curriculum("now", started_by=MENTOR), id_of(1), stamp(member=True))
    assert one(rules.unstart(curriculum("now", started_by=MEMBER), id_of(1), stamp()), 1).started_at is None


def test_planning_something_does_not_start_it_and_starting_does_not_plan_it_anew() -> None:
    planned = rules.move(curriculum("next", started_by=None), id_of(1), stamp(1), state="now", position=None)
    item = one(planned, 1)
    assert (item.planned_at, item.planned_by, item.started_at) == (stamp(1).at, MENTOR, None)
    item = one(rules.start(planned, id_of(1), stamp(5, member=True)), 1)
    assert (item.planned_at, item.started_at, item.started_by) == (stamp(1).at, stamp(5).at, MEMBER)


def test_what_the_release_before_wrote_is_read_as_todays_rules_would_have_left_it() -> None:
    (started,) = curriculum("now")
    old = msgspec.structs.replace(started, planned_at=None, planned_by=None)
    assert rules.settled(old) == msgspec.structs.replace(started, planned_at=BEGIN, planned_by=MEMBER)
    (back,) = curriculum("next")
    assert rules.settled(msgspec.structs.replace(back, planned_at=BEGIN, planned_by=MENTOR)) == back
    wish = {"proposed_change": "next", "proposed_at": BEGIN, "proposed_by": MEMBER}
    (done,) = curriculum("completed")
    for one in (back, done):
        assert rules.settled(msgspec.structs.replace(one, **wish)) == one


def test_several_are_taken_out_or_none() -> None:
    before = curriculum("next", "next", "next", "completed")
    assert line(rules.unassign(before, stamp(), id_of(1), id_of(3)), "next") == [2]
    with pytest.raises(Conflict):
        rules.unassign(before, stamp(), id_of(1), id_of(4))


def test_what_was_taken_out_comes_back_to_its_place() -> None:
    before = curriculum("next", "next", "next")
    after = rules.restore(rules.unassign(before, stamp(), id_of(2)), one(before, 2), stamp())
    assert line(after, "next") == [1, 2, 3]
    with pytest.raises(Conflict):
        rules.restore(before, one(before, 2), stamp())
    with pytest.raises(Forbidden):
        rules.restore((), one(before, 2), stamp(member=True))


@pytest.mark.parametrize("command", OUTCOMES)
def test_what_isnt_in_the_curriculum_isnt_found(command: str) -> None:
    with pytest.raises(NotFound):
        carry_out(command, curriculum("later"), 9, stamp())


def test_starting_records_when_and_who() -> None:
    started = one(rules.start(curriculum("next", started_by=None), id_of(1), stamp(5)), 1)
    assert (started.started_at, started.started_by) == stamp(5)[:2]


def test_what_is_put_back_and_started_again_keeps_its_first_start() -> None:
    first = rules.start(curriculum("next", started_by=None), id_of(1), stamp(1))
    again = rules.start(rules.move(first, id_of(1), stamp(2), state="later", position=None), id_of(1), stamp(9))
    assert one(again, 1).started_at == stamp(1).at


def test_completing_records_when_and_who_and_reopening_takes_it_back() -> None:
    done = rules.complete(curriculum("now"), id_of(1), stamp(3))
    again = rules.reopen(done, id_of(1), stamp(4))
    assert (one(done, 1).completed_at, one(done, 1).completed_by) == stamp(3)[:2]
    assert (one(again, 1).completed_at, one(again, 1).completed_by) == (None, None)
    assert one(again, 1).started_at == BEGIN


def test_moving_puts_it_before_what_stands_there() -> None:
    before = curriculum("next", "next", "next", "later")
    assert line(rules.move(before, id_of(3), stamp(), state="next", position=1), "next") == [3, 1, 2]
    assert line(rules.move(before, id_of(4), stamp(), state="next", position=2), "next") == [1, 4, 2, 3]
    assert line(rules.move(before, id_of(1), stamp(), state="next", position=None), "next") == [2, 3, 1]
    assert line(rules.move(before, id_of(4), stamp(), state="next", position=9_999), "next") == [1, 2, 3, 4]


def test_two_moves_to_places_among_neighbours_do_not_hinder_each_other() -> None:
    before = curriculum("next", "next", "next", "later", "now")
    moved = rules.move(before, id_of(4), stamp(), state="next", after=id_of(1))
    assert line(moved, "next") == [1, 4, 2, 3]
    assert line(rules.move(moved, id_of(3), stamp(), state="next", after=None), "next") == [3, 1, 4, 2]
    assert line(rules.move(moved, id_of(1), stamp(), state="next", after=id_of(3)), "next") == [4, 2, 3, 1]
    # The neighbour has left meanwhile, or is what moves.
    for gone in (5, 2, 9):
        assert line(rules.move(before, id_of(2), stamp(), state="next", after=id_of(gone)), "next") == [1, 3, 2]


def test_assigning_goes_to_the_end_and_skips_what_is_there() -> None:
    ids = map(id_of, count(10))
    resources = [ResourceToAssign(UUID(int=n)) for n in (7, 1, 8, 7)]
    after, added, skipped = rules.assign(
        curriculum("completed", "later"), resources, stamp(), state="later", note="Why", new_id=lambda: next(ids)
    )
    assert added == [id_of(10), id_of(11)]
    assert skipped == [UUID(int=1), UUID(int=7)]
    assert line(after, "later") == [2, 10, 11]
    assert (one(after, 10).assigned_at, one(after, 10).assigned_by) == stamp()[:2]
    assert one(after, 10).note == "Why"


def test_a_curriculum_has_an_end() -> None:
    resources = [ResourceToAssign(UUID(int=n)) for n in range(rules.MOST + 1)]
    with pytest.raises(Conflict, match="1,000"):
        rules.assign((), resources, stamp(), state="next", note=None, new_id=lambda: id_of(1))


def test_completed_is_shown_from_the_last() -> None:
    shown = rules.by_state(curriculum("completed", "completed", "later"))
    assert [item.id for item in shown["completed"]] == [id_of(2), id_of(1)]


states = st.lists(st.sampled_from(rules.STATES), max_size=8)
commands = st.lists(
    st.tuples(
        st.sampled_from([*OUTCOMES, *PROPOSALS, "assign", "insert"]),
        st.integers(1, 12),
        st.one_of(st.none(), st.integers(1, 9)),
        st.booleans(),
    ),
    max_size=15,
)


@given(states, commands)
def test_whatever_is_done_positions_have_no_gaps_and_no_resource_is_there_twice(
    begin: list[AssignmentState], todo: list[tuple[str, int, int | None, bool]]
) -> None:
    now = curriculum(*begin)
    fresh = map(id_of, count(20))
    for hour, (command, number, position, member) in enumerate(todo):
        before, at = now, stamp(hour, member=member)
        try:
            if command == "assign":
                now, _, _ = rules.assign(
                    now,
                    [ResourceToAssign(UUID(int=number))],
                    at,
                    state="next",
                    note=None,
                    new_id=lambda: next(fresh),
                )
            elif command == "insert":
                now = rules.move(now, id_of(number), at, state="now", position=position)
            else:
                now = carry_out(command, now, number, at)
        except ApiProblem:
            assert now == before
        assert tuple(map(rules.settled, now)) == now  # today's rules leave nothing to settle
        for state in rules.STATES:
            positions = sorted(item.position for item in now if item.state == state)
            assert positions == list(range(1, len(positions) + 1))
        assert len({item.resource_id for item in now}) == len(now)
        assert all((item.completed_at is not None) == (item.state == "completed") for item in now)
        assert all((item.planned_at is not None) == (item.planned_by is not None) for item in now)
        assert all(item.planned_at is not None for item in now if item.state == "now")
        assert all(item.planned_at is None for item in now if item.state in ("later", "next"))
        assert all((item.proposed_change is None) == (item.proposed_at is None) for item in now)
        assert all(item.proposed_change is None for item in now if item.state == "completed")
        if member:
            may_not_change_for_others(before, now)


def may_not_change_for_others(before: Assignments, after: Assignments) -> None:
    """Of what others added, a member's command took nothing out, and moved only what they themselves planned, started,
    completed or reopened."""
    kept = {item.id: item for item in after}
    for item in before:
        if item.assigned_by == MEMBER:
            continue
        now = kept[item.id]
        if now.state != item.state:
            learned = now.state == "completed" or item.state == "completed" or now.started_at is not None
            assert learned or item.planned_by == MEMBER
        if now.started_at is None and item.started_at is not None:
            assert item.started_by == MEMBER


@given(states, commands)
def test_what_is_written_is_exactly_what_differs(
    begin: list[AssignmentState], todo: list[tuple[str, int, int | None, bool]]
) -> None:
    before = now = curriculum(*begin)
    for command, number, _, member in todo:
        if command in (*OUTCOMES, *PROPOSALS):
            try:
                now = carry_out(command, now, number, stamp(member=member))
            except ApiProblem:
                continue
    new, changed, gone = rules.differing(before, now)
    stored = {item.id: item for item in before if item.id not in gone}
    stored |= {item.id: item for item in [*new, *changed]}
    assert stored == {item.id: item for item in now}
    assert all(item in now and item not in before for item in changed)


def test_a_completion_is_never_before_its_start() -> None:
    """The database's clock may be set back between the two."""
    begun = rules.begin(curriculum("later", started_by=None), id_of(1), BEGIN + timedelta(hours=5), MEMBER)
    finished = one(rules.complete(begun, id_of(1), stamp(2)), 1)
    assert finished.started_at == finished.completed_at == BEGIN + timedelta(hours=5)
    early = rules.begin(curriculum("later", started_by=None), id_of(1), BEGIN - timedelta(hours=5), MEMBER)
    assert one(early, 1).started_at == BEGIN


def test_a_click_moves_nothing_and_starts_once() -> None:
    begun = rules.begin(curriculum("next", started_by=None), id_of(1), BEGIN, MEMBER)
    assert (one(begun, 1).state, one(begun, 1).started_by) == ("next", MEMBER)
    assert rules.begin(begun, id_of(1), BEGIN + timedelta(hours=1), MEMBER) == begun
    done = curriculum("completed", started_by=None)
    assert rules.begin(done, id_of(1), BEGIN, MEMBER) == done
