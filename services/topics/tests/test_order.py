"""Lists whose order counts."""

from uuid import uuid4

import pytest

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.order import check_order, once_each

ONE, TWO, THREE = uuid4(), uuid4(), uuid4()


def fields(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [one.field for one in error.value.errors]


def test_an_order_names_each_resource_once_and_only_those_there() -> None:
    check_order("resources", [ONE, TWO], [ONE, TWO, THREE], "resource")
    with pytest.raises(Invalid) as error:
        check_order("resources", [ONE, TWO, ONE, THREE], [ONE, TWO], "resource")
    assert fields(error) == ["resources.2", "resources.3"]


def test_repeats_go_and_the_order_stays() -> None:
    assert once_each(["ux", "api", "ux"]) == ["ux", "api"]
