"""A guard says whom it lets through; one that would let nobody through can't be made."""

import pytest

from gatehouse_chassis.http.guards import allow, label_of, public, signed_in


def test_a_guard_says_whom_it_lets_through():
    assert [label_of(one) for one in (public, signed_in, allow("staff", "board"))] == [
        "anyone",
        "anyone signed in",
        "board or staff",
    ]
    assert label_of(print) is None


def test_a_guard_without_roles_is_refused():
    with pytest.raises(ValueError, match="at least one role; use signed_in"):
        allow()
