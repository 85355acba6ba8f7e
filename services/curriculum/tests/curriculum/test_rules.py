"""Which command fits which state, what each changes, and what always holds."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_chassis.base.problems import ApiProblem, Conflict, Forbidden, NotFound
from gatehouse_curriculum.curriculum import rules
from gatehouse_curriculum.curriculum.rules import Assignments, Stamp
from gatehouse_curriculum.curriculum.structs import Assignment, Proposal
from gatehouse_curriculum.enumerators import AssignmentState

BEGIN = datetime(2026, 3, 1, 9, tzinfo=UTC)
MENTOR, MEMBER = UUID(int=1), UUID(int=2)


def id_of(number: int) -> UUID:
    return UUID(int=1_000 + number)


def curriculum(*states: AssignmentState) -> Assignments:
    """Assignments 1, 2, ... in these states."""
    places: Counter[str] = Counter()
    found = []
    for number, state in enumerate(states, 1):
        places[state] += 1
        started = BEGIN if state in ("now", "completed") else None
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
                assigned_by=MENTOR,
                started_at=started,
                completed_at=BEGIN if state == "completed" else None,
            )
        )
    return tuple(found)


def stamp(hours: int = 1) -> Stamp:
    return Stamp(BEGIN + timedelta(hours=hours), MEMBER)


def one(assignments: Assignments, number: int) -> Assignment:
    return next(item for item in assignments if item.id == id_of(number))


def line(assignments: Assignments, state: AssignmentState) -> list[int]:
    """The numbers of those in a state, in order."""
    return [item.id.int - 1_000 for item in sorted(assignments, key=lambda item: item.position) if item.state == state]


OUTCOMES = {
    "start": {"later": "now", "next": "now", "now": None, "completed": None},
    "complete": {"later": "completed", "next": "completed", "now": "completed", "completed": None},
    "reopen": {"later": None, "next": None, "now": None, "completed": "now"},
    "move to later": {"later": "later", "next": "later", "now": "later", "completed": None},
    "move to next": {"later": "next", "next": "next", "now": "next", "completed": None},
    "move to now": {"later": None, "next": None, "now": "now", "completed": None},
    "unassign": {"later": "gone", "next": "gone", "now": "gone", "completed": None},
}


def carry_out(command: str, assignments: Assignments, number: int, at: Stamp) -> Assignments:
    id = id_of(number)
    if command == "start":
        return rules.start(assignments, id, at)
    if command == "complete":
        return rules.complete(assignments, id, at)
    if command == "reopen":
        return rules.reopen(assignments, id, at)
    if command == "unassign":
        return rules.unassign(assignments, id)
    state = command.removeprefix("move to ")
    assert state in ("later", "next", "now")
    return rules.move(assignments, id, state=state, position=None)


@pytest.mark.parametrize(
    ("command", "state", "outcome"),
    [(command, state, outcome) for command, table in OUTCOMES.items() for state, outcome in table.items()],
)
def test_every_command_from_every_state(command: str, state: AssignmentState, outcome: str | None) -> None:
    before = curriculum(state, state)
    if outcome is None:
        with pytest.raises(Conflict):
            carry_out(command, before, 1, stamp())
        return
    after = carry_out(command, before, 1, stamp())
    if outcome == "gone":
        assert [item.id for item in after] == [id_of(2)]
    else:
        assert one(after, 1).state == outcome


@pytest.mark.parametrize("state", ["later", "next", "now"])
def test_a_member_only_puts_back_what_is_learned_now(state: AssignmentState) -> None:
    before = curriculum(state, state)
    if state == "now":
        assert line(rules.move(before, id_of(1), state="next", position=1, started_only=True), "next") == [1]
    else:
        with pytest.raises(Forbidden):
            rules.move(before, id_of(1), state="next", position=1, started_only=True)


def test_several_are_taken_out_or_none() -> None:
    before = curriculum("next", "next", "next", "completed")
    assert line(rules.unassign(before, id_of(1), id_of(3)), "next") == [2]
    with pytest.raises(Conflict):
        rules.unassign(before, id_of(1), id_of(4))


def test_what_was_taken_out_comes_back_to_its_place() -> None:
    before = curriculum("next", "next", "next")
    after = rules.restore(rules.unassign(before, id_of(2)), one(before, 2))
    assert line(after, "next") == [1, 2, 3]
    with pytest.raises(Conflict):
        rules.restore(before, one(before, 2))


@pytest.mark.parametrize("command", OUTCOMES)
def test_what_isnt_in_the_curriculum_isnt_found(command: str) -> None:
    with pytest.raises(NotFound):
        carry_out(command, curriculum("later"), 9, stamp())


def test_starting_records_when_and_who() -> None:
    started = one(rules.start(curriculum("next"), id_of(1), stamp(5)), 1)
    assert (started.started_at, started.started_by) == stamp(5)


def test_what_is_put_back_and_started_again_keeps_its_first_start() -> None:
    first = rules.start(curriculum("next"), id_of(1), stamp(1))
    again = rules.start(rules.move(first, id_of(1), state="later", position=None), id_of(1), stamp(9))
    assert one(again, 1).started_at == stamp(1).at


def test_completing_records_when_and_who_and_reopening_takes_it_back() -> None:
    done = rules.complete(curriculum("now"), id_of(1), stamp(3))
    again = rules.reopen(done, id_of(1), stamp(4))
    assert (one(done, 1).completed_at, one(done, 1).completed_by) == stamp(3)
    assert (one(again, 1).completed_at, one(again, 1).completed_by) == (None, None)
    assert one(again, 1).started_at == BEGIN


def test_moving_puts_it_before_what_stands_there() -> None:
    before = curriculum("next", "next", "next", "later")
    assert line(rules.move(before, id_of(3), state="next", position=1), "next") == [3, 1, 2]
    assert line(rules.move(before, id_of(4), state="next", position=2), "next") == [1, 4, 2, 3]
    assert line(rules.move(before, id_of(1), state="next", position=None), "next") == [2, 3, 1]
    assert line(rules.move(before, id_of(4), state="next", position=9_999), "next") == [1, 2, 3, 4]


def test_assigning_goes_to_the_end_and_skips_what_is_there() -> None:
    ids = map(id_of, count(10))
    proposals = [Proposal(UUID(int=n)) for n in (7, 1, 8, 7)]
    after, added, skipped = rules.assign(
        curriculum("completed", "later"), proposals, stamp(), state="later", note="Why", new_id=lambda: next(ids)
    )
    assert added == [id_of(10), id_of(11)]
    assert skipped == [UUID(int=1), UUID(int=7)]
    assert line(after, "later") == [2, 10, 11]
    assert (one(after, 10).assigned_at, one(after, 10).assigned_by) == stamp()
    assert one(after, 10).note == "Why"


def test_a_curriculum_has_an_end() -> None:
    proposals = [Proposal(UUID(int=n)) for n in range(rules.MOST + 1)]
    with pytest.raises(Conflict, match="1,000"):
        rules.assign((), proposals, stamp(), state="next", note=None, new_id=lambda: id_of(1))


def test_completed_is_shown_from_the_last() -> None:
    shown = rules.by_state(curriculum("completed", "completed", "later"))
    assert [item.id for item in shown["completed"]] == [id_of(2), id_of(1)]


states = st.lists(st.sampled_from(rules.STATES), max_size=8)
commands = st.lists(
    st.tuples(
        st.sampled_from([*OUTCOMES, "assign", "insert"]), st.integers(1, 12), st.one_of(st.none(), st.integers(1, 9))
    ),
    max_size=15,
)


@given(states, commands)
def test_whatever_is_done_positions_have_no_gaps_and_no_resource_is_there_twice(
    begin: list[AssignmentState], todo: list[tuple[str, int, int | None]]
) -> None:
    now = curriculum(*begin)
    fresh = map(id_of, count(20))
    for hour, (command, number, position) in enumerate(todo):
        before = now
        try:
            if command == "assign":
                now, _, _ = rules.assign(
                    now,
                    [Proposal(UUID(int=number))],
                    stamp(hour),
                    state="next",
                    note=None,
                    new_id=lambda: next(fresh),
                )
            elif command == "insert":
                now = rules.move(now, id_of(number), state="next", position=position)
            else:
                now = carry_out(command, now, number, stamp(hour))
        except ApiProblem:
            assert now == before
        for state in rules.STATES:
            positions = sorted(item.position for item in now if item.state == state)
            assert positions == list(range(1, len(positions) + 1))
        assert len({item.resource_id for item in now}) == len(now)
        assert all((item.completed_at is not None) == (item.state == "completed") for item in now)
        assert all(item.started_at is not None for item in now if item.state == "now")


@given(states, commands)
def test_what_is_written_is_exactly_what_differs(
    begin: list[AssignmentState], todo: list[tuple[str, int, int | None]]
) -> None:
    before = now = curriculum(*begin)
    for command, number, _ in todo:
        if command in OUTCOMES:
            try:
                now = carry_out(command, now, number, stamp())
            except ApiProblem:
                continue
    new, changed, gone = rules.differing(before, now)
    stored = {item.id: item for item in before if item.id not in gone}
    stored |= {item.id: item for item in [*new, *changed]}
    assert stored == {item.id: item for item in now}
    assert all(item in now and item not in before for item in changed)
