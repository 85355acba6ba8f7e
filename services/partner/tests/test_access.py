"""How much of the partners callers see: as a table."""

from uuid import UUID

import pytest

from gatehouse_chassis import Actor
from gatehouse_partner.access import sight


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["staff"], "all"),
        (["marketing"], "all"),
        (["finance"], "all"),
        (["coordinator"], "all"),
        (["board"], "organisations"),
        (["board", "staff"], "all"),
        (["admin"], "all"),
        (["partner", "board"], "organisations"),
        (["partner"], "own"),
        (["partner", "member"], "own"),
        (["member"], "nothing"),
        (["mentor"], "nothing"),
        (["engineer", "sre", "tester", "release-manager"], "nothing"),
        ([], "nothing"),
    ],
)
def test_how_much_of_the_partners_one_sees(roles, expected):
    actor = Actor(account=UUID(int=1), person=UUID(int=2), roles=frozenset(roles))
    assert sight(actor) == expected


def test_a_service_with_the_role_of_a_partner_has_no_partner_of_its_own():
    assert sight(Actor(account=UUID(int=1), roles=frozenset({"partner"}))) == "nothing"
