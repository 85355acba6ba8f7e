"""Whether the modules of a path are valid, and folding its rows into a tree."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.path.rules import check_modules, tree
from gatehouse_topics.path.structs import Branch, ModulePlan

ONE, TWO = uuid4(), uuid4()


def fields(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [one.field for one in error.value.errors]


def test_a_module_of_another_path_is_refused() -> None:
    with pytest.raises(Invalid) as error:
        check_modules([ModulePlan(name="One", id=ONE)], there=[], own=[TWO])
    assert fields(error) == ["modules.0.id"]


def test_a_module_named_twice_is_refused() -> None:
    with pytest.raises(Invalid) as error:
        check_modules([ModulePlan(name="One", id=ONE), ModulePlan(name="Two", id=ONE)], there=[], own=[ONE])
    assert fields(error) == ["modules.0.id"]


def test_a_topic_may_stand_in_two_modules_but_not_twice_in_one() -> None:
    check_modules([ModulePlan(name="A", topics=[ONE]), ModulePlan(name="B", topics=[ONE])], there=[ONE], own=[])
    with pytest.raises(Invalid) as error:
        check_modules([ModulePlan(name="A", topics=[ONE, ONE])], there=[ONE], own=[])
    assert fields(error) == ["modules.0.topics.1"]


Outline = list[tuple[UUID, list[tuple[UUID, list[UUID]]]]]
ids = st.uuids(version=4)
outlines = st.lists(
    st.tuples(
        ids,
        st.lists(st.tuples(ids, st.lists(ids, max_size=4, unique=True)), max_size=4, unique_by=lambda topic: topic[0]),
    ),
    max_size=4,
    unique_by=lambda module: module[0],
)


def lines(outline: Outline) -> list[Branch]:
    """As the left joins of the query give them."""
    found = []
    for module, topics in outline:
        for topic, resources in topics or [(None, [])]:
            found += [line(module, topic, resource) for resource in resources or [None]]
    return found


def line(module: UUID, topic: UUID | None, resource: UUID | None) -> Branch:
    there = resource is not None
    return Branch(
        module_id=module,
        module_name="module",
        topic_id=topic,
        topic_name="topic" if topic else None,
        id=resource,
        number=1 if there else None,
        name="name" if there else None,
        url="https://example.org" if there else None,
        kind="article" if there else None,
        cost="free" if there else None,
        level="master" if there else None,
        link_status="active" if there else None,
        technologies=[] if there else None,
    )


@given(outlines)
def test_a_tree_is_what_its_lines_say(outline: Outline) -> None:
    folded = [
        (module.id, [(topic.id, [resource.id for resource in topic.resources]) for topic in module.topics])
        for module in tree(lines(outline))
    ]
    assert folded == outline
