"""Which technologies a resource may name, where its lengths come from, and what a check says about its link."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import uuid4

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


NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)
looks = st.lists(st.tuples(st.sampled_from(["ok", "gone", "blocked", "timeout"]), st.integers(1, 90)), max_size=8)


@given(looks)
def test_a_link_is_gone_after_three_failures_in_a_row_over_three_days(before: list[tuple[Any, int]]) -> None:
    """Each look: what it said, and how many hours after it the next one came."""
    at, checks = NOW, [rules.SeenCheck("gone", NOW, None)]
    for result, hours in before:
        at -= timedelta(hours=hours)
        checks.append(rules.SeenCheck(result, at, None))
    failures = [index for index, one in enumerate(checks) if one.result != "gone"]
    in_a_row = failures[0] if failures else len(checks)
    lasted = NOW - checks[in_a_row - 1].checked_at
    expected = "gone" if in_a_row >= 3 and lasted >= timedelta(hours=72) else "timeout"
    assert rules.newest_result(checks) == expected


def test_a_person_who_looked_is_believed_at_once_and_turning_away_is_never_gone() -> None:
    assert rules.newest_result([rules.SeenCheck("gone", NOW, uuid4())]) == "gone"
    for day in range(30):
        blocked = [rules.SeenCheck("blocked", NOW - timedelta(days=one), None) for one in range(day + 1)]
        assert rules.newest_result(blocked) == "blocked"
    flapping = [rules.SeenCheck("ok" if day % 3 else "gone", NOW - timedelta(days=day), None) for day in range(30)]
    assert rules.newest_result(flapping) == "timeout"
