"""What a caller is to a person, and what that allows."""

import pytest

from gatehouse_curriculum.access import MAY, standing_of


@pytest.mark.parametrize(
    ("coordinates", "is_self", "relationship", "expected"),
    [
        (True, False, None, "coordination"),
        (True, True, None, "coordination"),
        (False, True, None, "self"),
        (False, False, "mentor", "mentorship"),
        (False, False, "staff", None),
        (False, False, "member", None),
        (False, False, "peer", None),
        (False, False, None, None),
    ],
)
def test_who_the_caller_is(coordinates: bool, is_self: bool, relationship: str | None, expected: str | None) -> None:
    assert standing_of(coordinates=coordinates, is_self=is_self, relationship=relationship) == expected


def test_members_plan_too_and_leave_it_to_their_mentor_to_decide() -> None:
    assert MAY["mentorship"] == MAY["coordination"] > MAY["self"]
    assert MAY["mentorship"] - MAY["self"] == {"create", "accept", "commit"}
