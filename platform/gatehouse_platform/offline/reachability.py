"""Which connections are possible, computed from the recorded graph: security groups, routes, public addresses.

A connection needs an egress rule at its source, an ingress rule at its target, and, from the internet, a public address
in a subnet with a route to the internet gateway. Network ACLs are AWS's default, which allows everything.
"""

from collections.abc import Iterator
from ipaddress import ip_network

import msgspec

from gatehouse_platform.offline.graph import Graph, RecordedResource

INTERNET = "internet"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ANYWHERE = "0.0.0.0/0"


class Connection(msgspec.Struct, frozen=True, order=True):
    """A possible connection. `source` and `target` are names of security groups, or `internet`."""

    source: str
    target: str
    port: int


def connections(graph: Graph) -> set[Connection]:
    """Every possible connection between security groups, and to and from the internet."""
    names = {group.id: group.name for group in graph.of_type(GROUP)}
    out = [(names[rule.properties["securityGroupId"]], rule) for rule in graph.of_type(EGRESS)]
    into: dict[str, list[RecordedResource]] = {}
    for rule in graph.of_type(INGRESS):
        into.setdefault(names[rule.properties["securityGroupId"]], []).append(rule)
    found = set(_from_internet(graph, into))
    for source, leaving in out:
        if leaving.properties.get("cidrIpv4") == ANYWHERE:
            found.update(Connection(source, INTERNET, port) for port in _ports(leaving))
        referenced = names.get(leaving.properties.get("referencedSecurityGroupId", ""))
        if referenced is None:
            continue
        for entering in into.get(referenced, []):
            if _admits(entering, source, names):
                found.update(Connection(source, referenced, port) for port in _ports(leaving) & _ports(entering))
    return found


def _ports(rule: RecordedResource) -> set[int]:
    """The ports of a rule; a rule for anything but TCP counts as all well-known ports, so that it is noticed."""
    if rule.properties.get("ipProtocol") != "tcp":
        return {0, 22, 80, 443, 5432}
    return set(range(int(rule.properties["fromPort"]), int(rule.properties["toPort"]) + 1))


def _admits(rule: RecordedResource, source: str, names: dict[str, str]) -> bool:
    referenced = rule.properties.get("referencedSecurityGroupId")
    if referenced is not None:
        return names.get(referenced) == source
    cidr = rule.properties.get("cidrIpv4")
    # Members of a group have an address of the VPC, which a private range covers.
    return cidr is not None and (cidr == ANYWHERE or ip_network(cidr).is_private)


def _from_internet(graph: Graph, into: dict[str, list[RecordedResource]]) -> Iterator[Connection]:
    reachable = public_groups(graph)
    for group, rules in into.items():
        for rule in rules:
            if group in reachable and rule.properties.get("cidrIpv4") == ANYWHERE:
                yield from (Connection(INTERNET, group, port) for port in _ports(rule))


def public_groups(graph: Graph) -> set[str]:
    """Security groups with a member that has a public address in a subnet with a route from the internet."""
    names = {group.id: group.name for group in graph.of_type(GROUP)}
    public = public_subnets(graph)
    found = set()
    for balancer in graph.of_type("aws:lb/loadBalancer:LoadBalancer"):
        if not balancer.properties.get("internal") and public & set(balancer.properties["subnets"]):
            found.update(names[group] for group in balancer.properties["securityGroups"])
    for service in graph.of_type("aws:ecs/service:Service"):
        network = service.properties["networkConfiguration"]
        if network.get("assignPublicIp") and public & set(network["subnets"]):
            found.update(names[group] for group in network["securityGroups"])
    for machine in graph.of_type("aws:ec2/instance:Instance"):
        given = machine.properties
        if given.get("associatePublicIpAddress") is not False and given.get("subnetId") in public:
            found.update(names[group] for group in given.get("vpcSecurityGroupIds", []))
    for instance in graph.of_type("aws:rds/instance:Instance"):
        if instance.properties.get("publiclyAccessible"):
            found.update(names[group] for group in instance.properties["vpcSecurityGroupIds"])
    return found


def public_subnets(graph: Graph) -> set[str]:
    """Subnets whose route table leads to an internet gateway."""
    tables = {
        route.properties["routeTableId"]
        for route in graph.of_type("aws:ec2/route:Route")
        if route.properties.get("gatewayId")
    }
    return {
        association.properties["subnetId"]
        for association in graph.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if association.properties["routeTableId"] in tables
    }


def from_internet(graph: Graph) -> dict[str, int]:
    """Everything that is reachable from the internet, directly or through others, with the number of hops."""
    targets: dict[str, set[str]] = {}
    for connection in connections(graph):
        if connection.target != INTERNET:
            targets.setdefault(connection.source, set()).add(connection.target)
    distance, border = {INTERNET: 0}, [INTERNET]
    while border:
        here = border.pop(0)
        for target in targets.get(here, ()):
            if target not in distance:
                distance[target] = distance[here] + 1
                border.append(target)
    del distance[INTERNET]
    return distance
