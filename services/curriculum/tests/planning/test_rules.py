"""What committing a now-list makes of a curriculum, and that undoing it leaves no trace."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_chassis.base.problems import ApiProblem, Conflict, Invalid, NotFound
from gatehouse_curriculum.curriculum.rules import STATES, Stamp
from gatehouse_curriculum.enumerators import AssignmentState, ProposedChange
from gatehouse_curriculum.planning import rules
from gatehouse_curriculum.planning.structs import Before

from ..curriculum.test_rules import MEMBER, MENTOR, curriculum, id_of, line, one

AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
STAMP = Stamp(AT, MENTOR)


def test_the_list_is_what_is_learned_now_and_the_rest_goes_back_to_the_head_of_next() -> None:
    before = curriculum("now", "now", "next", "next", "later", "completed")
    after = rules.commit(before, [id_of(5), id_of(2)], STAMP)
    assert line(after, "now") == [5, 2]
    assert line(after, "next") == [1, 3, 4]
    assert line(after, "later") == []
    assert line(after, "completed") == [6]
    assert all((one(after, number).planned_at, one(after, number).planned_by) == STAMP[:2] for number in (2, 5))
    back = one(after, 1)
    assert (back.planned_at, back.planned_by) == (None, None)
    assert back.started_at == one(before, 1).started_at


@pytest.mark.parametrize(
    ("ids", "problem"), [([1, 1], Invalid), ([1, 9], NotFound), ([1, 3], Conflict)], ids=["twice", "not there", "done"]
)
def test_a_list_that_can_not_be_learned_is_refused(ids: list[int], problem: type[ApiProblem]) -> None:
    with pytest.raises(problem):
        rules.commit(curriculum("now", "next", "completed"), [id_of(number) for number in ids], STAMP)


@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=9), st.data())
def test_committing_keeps_everything_and_undoing_brings_it_back(
    begin: list[AssignmentState], data: st.DataObject
) -> None:
    wishes: list[ProposedChange | None] = [None, "later", "remove"]
    proposed = data.draw(st.sampled_from(wishes))
    before = curriculum(*begin, started_by=data.draw(st.sampled_from([None, MEMBER])), proposed=proposed)
    open_ones = [item.id for item in before if item.state != "completed"]
    chosen: list[UUID] = data.draw(
        st.permutations(open_ones).flatmap(lambda ids: st.integers(0, len(ids)).map(lambda n: ids[:n]))
    )
    after = rules.commit(before, chosen, STAMP)
    assert {item.id for item in after} == {item.id for item in before}
    assert [item.id for item in sorted(after, key=lambda item: item.position) if item.state == "now"] == chosen
    for state in STATES:
        assert sorted(item.position for item in after if item.state == state) == [
            *range(1, 1 + sum(item.state == state for item in after))
        ]
    assert all(
        (item.started_at, item.assigned_by) == (old.started_at, old.assigned_by)
        for old in before
        for item in after
        if item.id == old.id
    )
    assert all(item.planned_at == (AT if item.id in chosen else None) for item in after if item.state != "completed")
    assert all(item.proposed_change is None for item in after if item.id in chosen)  # the list is the answer
    # As it is stored, and back.
    former = msgspec.convert(msgspec.to_builtins(rules.before(before, after)), list[Before])
    assert set(rules.undone(after, former)) == set(before)


def test_committing_the_same_again_only_says_so_anew() -> None:
    first = rules.commit(curriculum("now", "next"), [id_of(2), id_of(1)], STAMP)
    again = rules.commit(first, [id_of(2), id_of(1)], Stamp(AT + timedelta(days=7), MENTOR))
    assert [(item.id, item.state, item.position) for item in again] == [
        (item.id, item.state, item.position) for item in first
    ]
