import pytest

from gatehouse_local.runner import graph

INSTITUTE = {
    "postgres": (),
    "database": ("postgres",),
    "identity": ("database",),
    "person": ("database", "identity"),
    "portal": ("identity", "person"),
    "edge": (),
}


def test_each_starts_after_what_it_needs():
    assert graph.levels(INSTITUTE) == [["edge", "postgres"], ["database"], ["identity"], ["person"], ["portal"]]


def test_who_is_needed_stops_last():
    order = graph.stop_levels(INSTITUTE, ["postgres", "person", "portal"])
    assert order == [["portal"], ["person"], ["postgres"]]


def test_a_cycle_is_named():
    with pytest.raises(graph.GraphError, match=r"cycle: .*(person -> identity|identity -> person)"):
        graph.levels({"person": ["identity"], "identity": ["person"]})


def test_a_stranger_is_named():
    with pytest.raises(graph.GraphError, match="person needs identity, which doesn't exist"):
        graph.levels({"person": ["identity"]})
