"""Which technologies a resource may name."""

import pytest

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.resource.rules import check_skills


def test_an_unknown_skill_is_answered_with_the_nearest() -> None:
    with pytest.raises(Invalid, match="did you mean Python"):
        check_skills(["Pyhton"], ["HTML", "Python"])
