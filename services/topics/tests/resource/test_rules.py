"""Which technologies a resource may name, where its lengths come from, and what a check says about its link."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.enumerators import LinkResult, LinkStatus
from gatehouse_topics.resource import rules
from gatehouse_topics.resource.rules import check_skills


def test_an_unknown_skill_is_answered_with_the_nearest() -> None:
    with pytest.raises(Invalid, match="did you mean Python"):
        check_skills(["Pyhton"], ["HTML", "Python"])


lengths = st.fixed_dictionaries({name: st.one_of(st.none(), st.integers(1, 9)) for name in rules.LENGTHS})
sources = st.sampled_from([None, "stated", "measured", "fetched"])


@given(lengths, sources, lengths, st.sets(st.sampled_from(rules.LENGTHS)), st.one_of(st.just(UNSET), sources))
def test_lengths_have_a_source_and_a_source_has_lengths(
    before: Any, source: Any, change: Any, named: Any, new: Any
) -> None:
    stored = {**before, "length_source": source if any(before.values()) else None}
    if any(before.values()) and source is None:
        stored["length_source"] = "stated"
    sent = {name: change[name] for name in named} | ({} if new is UNSET else {"length_source": new})
    after = {**before, **{name: change[name] for name in named}}
    try:
        found = rules.length_source(sent, stored)
    except Invalid:
        assert new not in (UNSET, None)
        assert not any(after.values())
        return
    assert (found is None) == (not any(after.values()))
    if found is not None and new not in (UNSET, None):
        assert found == new
    elif found is not None and after == before and new is UNSET:
        assert found == stored["length_source"]
    elif found is not None and after != before:
        assert found == "stated" or not any(after[name] not in (None, before[name]) for name in named)


def test_every_result_of_a_check_says_how_the_link_is() -> None:
    found = {result: rules.link_status(result) for result in get_args(LinkResult)}
    assert set(found.values()) | {"unchecked"} == set(get_args(LinkStatus))
    assert rules.link_status(None) == "unchecked"
    # Who is turned away at the door hasn't found an empty house.
    assert (found["blocked"], found["timeout"], found["gone"]) == ("blocked", "unknown", "failed")
