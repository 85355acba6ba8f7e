"""What a caller is to a person, and what that allows."""

import pytest

from gatehouse_curriculum.access import MAY, standing_of


@pytest.mark.parametrize(
    ("coordinates", "is_self", "relationship", "expected"),
    [
        (True, False, None, "coordinator"),
        (True, True, None, "coordinator"),
        (False, True, None, "self"),
        (False, False, "mentor", "mentor"),
        (False, False, "staff", None),
        (False, False, "member", None),
        (False, False, "peer", None),
        (False, False, None, None),
    ],
)
def test_who_the_caller_is(coordinates: bool, is_self: bool, relationship: str | None, expected: str | None) -> None:
    assert standing_of(coordinates=coordinates, is_self=is_self, relationship=relationship) == expected


def test_members_start_and_complete_and_undo_both() -> None:
    assert MAY["self"] == {"read", "start", "complete", "reopen", "move"}
    assert MAY["mentor"] == MAY["coordinator"] > MAY["self"]
