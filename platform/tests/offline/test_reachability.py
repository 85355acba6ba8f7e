"""Who can open a connection to whom is what the catalog says: internet -> edge -> service -> database, and no more."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gatehouse_catalog import load_catalog
from gatehouse_platform.config.settings import ENVIRONMENTS
from gatehouse_platform.config.stack_config import read_config
from gatehouse_platform.config.subnets import zones
from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.offline.reachability import (
    INTERNET,
    Connection,
    connections,
    from_internet,
    public_groups,
    public_subnets,
)

Graphs = Callable[[str], Graph]
Groups = Callable[[str], dict[str, str]]


def meant(root: Path, groups: Mapping[str, str], *, production: bool = False) -> set[Connection]:
    """What the catalog says; written out here on its own, not taken from the program. Services of a group are one.

    Production leaves by NAT instances, and rehearses its restore: that task reaches AWS and the copy, and nothing else.
    """
    catalog = load_catalog(root)
    found = {
        Connection(INTERNET, "edge", 443),
        Connection(INTERNET, "edge", 80),
        Connection("collector", INTERNET, 443),
    }
    if production:
        found |= {
            Connection("nat", INTERNET, 443),
            Connection("restore-rehearsal", INTERNET, 443),
            Connection("restore-rehearsal", "restore-rehearsal-copy", 5432),
        }
    for service in catalog:
        own = groups[service.name]
        found.add(Connection(own, INTERNET, 443))
        found |= {
            Connection("edge", own, service.port),
            Connection("collector", own, service.port),
        }
        if service.database is not None:
            found.add(Connection(own, "database", 5432))
        found |= {Connection(own, groups[used.name], used.port) for used in catalog.callees(service) if used.port}
    return found


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.sampled(2)
def test_the_ways_are_exactly_those_of_the_catalog(root: Path, graph: Graphs, groups: Groups, name: str):
    assert connections(graph(name)) == meant(root, groups(name), production=name == "production")


def test_without_groups_every_service_has_ways_of_its_own(root: Path):
    config = read_config(root, "dev") | {"gatehouse:groups": {}}
    assert connections(graph_of(root, "dev", config=config)) == meant(
        root, {name: name for name in load_catalog(root).names}
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_internet_reaches_the_edge_only_and_the_database_last(graph: Graphs, groups: Groups, name: str):
    steps = from_internet(graph(name))
    assert {target for target, count in steps.items() if count == 1} == {"edge"}
    assert steps["database"] == 3
    assert "collector" not in steps
    assert {way.source for way in connections(graph(name)) if way.target == "database"} == set(groups(name).values())


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_that_the_database_stands_in_has_a_way_out(graph: Graphs, name: str):
    found = graph(name)
    (group,) = found.of_type("aws:rds/subnetGroup:SubnetGroup")
    assert not set(group.properties["subnetIds"]) & public_subnets(found)
    assert "database" not in public_groups(found)


def test_tasks_with_public_addresses_still_let_nobody_in(graph: Graphs):
    assert "members" in public_groups(graph("dev"))
    assert Connection(INTERNET, "members", 8402) not in connections(graph("dev"))


@pytest.mark.parametrize(
    ("kind", "name", "properties", "way"),
    [
        (
            "SecurityGroupIngressRule",
            "edge-to-person",
            {"referencedSecurityGroupId": None, "cidrIpv4": "0.0.0.0/0"},
            Connection(INTERNET, "members", 8402),
        ),
        (
            "SecurityGroupIngressRule",
            "members-to-database",
            {"referencedSecurityGroupId": None, "cidrIpv4": "10.0.0.0/8"},
            Connection("members", "database", 5432),
        ),
        (
            "SecurityGroupIngressRule",
            "edge-from-internet-80",
            {"fromPort": 20, "toPort": 25},
            Connection(INTERNET, "edge", 22),
        ),
    ],
)
def test_a_hole_is_seen(graph: Graphs, changed, kind: str, name: str, properties: dict, way: Connection):
    assert way in connections(changed(graph("dev"), kind, name, properties))


def test_one_side_alone_opens_nothing(graph: Graphs, changed):
    """Without the rule at the target, the one at the source is no way."""
    elsewhere = {"referencedSecurityGroupId": "edge-id"}
    closed = changed(graph("dev"), "SecurityGroupIngressRule", "intake-to-person", elsewhere)
    assert Connection("intake", "members", 8402) not in connections(closed)


def test_subnets_never_overlap_and_a_third_zone_renumbers_nothing():
    two, three = zones("10.40.0.0/16", 2), zones("10.40.0.0/16", 3)
    assert three[:2] == two
    every = [block for zone in three for block in (zone.public, zone.private, zone.isolated)]
    assert len(set(every)) == 9
    assert all(block.endswith("/20") for block in every)
