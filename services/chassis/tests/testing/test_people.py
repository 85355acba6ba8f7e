"""People of the test data have the roles that identity gives them."""

import pytest

from gatehouse_chassis.testing.people import caller


@pytest.mark.parametrize(
    ("who", "number", "roles"),
    [("mentor", 1, ("mentor",)), ("finance", 8, ("staff", "finance")), (15, 15, ("mentor",)), (20, 20, ("member",))],
)
def test_a_person_is_found_by_persona_or_number_with_their_roles(who: str | int, number: int, roles: tuple[str, ...]):
    assert (caller(who).number, caller(who).roles) == (number, roles)


def test_whoever_is_not_there_is_answered_with_the_nearest():
    with pytest.raises(KeyError, match="coordinator"):
        caller("cordinator")
