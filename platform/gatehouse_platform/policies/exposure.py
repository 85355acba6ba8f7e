"""Exposure: only the load balancer is reachable from the internet, never the database."""

from collections.abc import Iterable

from gatehouse_platform.offline.graph import Graph, RecordedResource, is_known
from gatehouse_platform.policies.violation import Violation, violation

ANYWHERE = {"0.0.0.0/0", "::/0"}
EDGE_PORTS = {80, 443}
# TLS 1.2 or later; elasticloadbalancing/latest/application/describe-ssl-policies.html of AWS's documentation (2026-11)
TLS_POLICIES = {
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
}
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"


def _anywhere(rule: RecordedResource) -> bool:
    return bool({rule.properties.get("cidrIpv4"), rule.properties.get("cidrIpv6")} & ANYWHERE)


def _port(rule: RecordedResource) -> int | None:
    """The one TCP port that a rule opens; None for several, or for other protocols."""
    ports = {rule.properties.get("fromPort"), rule.properties.get("toPort")}
    return ports.pop() if rule.properties.get("ipProtocol") == "tcp" and len(ports) == 1 else None


def open_only_at_the_edge(graph: Graph) -> Iterable[Violation]:
    """From anywhere: the balancer's ports 443 and 80. To anywhere: 443. Else from group to group, one port each."""
    name = "open only at the edge"
    at_edge = {group for one in graph.of_type(BALANCER) for group in one.properties.get("securityGroups", [])}
    for rule in graph.of_type(INGRESS):
        group = rule.properties.get("securityGroupId")
        edge = _port(rule) in EDGE_PORTS and (group in at_edge or not is_known([group, *at_edge]))
        if _anywhere(rule) and not edge:
            yield violation(name, rule, "cidrIpv4", "lets the whole internet in.", "Name a security group instead.")
    for rule in graph.of_type(EGRESS):
        if _anywhere(rule) and _port(rule) != 443:
            yield violation(name, rule, "cidrIpv4", "lets more than TLS out.", "Name a security group, or port 443.")
    for rule in graph.of_type(INGRESS, EGRESS):
        if _port(rule) is None:
            yield violation(name, rule, "fromPort", "opens more than one TCP port.", "Give the same port twice.")
    for group in graph.of_type(GROUP, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"):
        for side in ("ingress", "egress"):
            if group.properties.get(side):
                fix = "Write rules as resources of their own, which this policy reads."
                yield violation(name, group, side, "has rules inside the group.", fix)
    for rule in graph.of_type(OLD_RULE):
        yield violation(name, rule, "type", "is of the old kind.", "Use SecurityGroupIngressRule or ...EgressRule.")


def balancers_speak_tls(graph: Graph) -> Iterable[Violation]:
    """A listener is HTTPS with TLS 1.2 or later, or only redirects."""
    name = "balancers speak TLS"
    for listener in graph.of_type("aws:lb/listener:Listener"):
        given = listener.properties
        if given.get("protocol") == "HTTPS":
            if given.get("sslPolicy") not in TLS_POLICIES:
                fix = f"Choose one of {', '.join(sorted(TLS_POLICIES))}."
                yield violation(name, listener, "sslPolicy", "allows old TLS.", fix)
        elif [action.get("type") for action in given.get("defaultActions", [])] != ["redirect"]:
            yield violation(name, listener, "defaultActions", "serves without TLS.", "Redirect to HTTPS.")


def databases_are_private(graph: Graph) -> Iterable[Violation]:
    """Databases have no public address, and subnets without a route to the internet."""
    name = "databases are private"
    open_tables = {route.properties["routeTableId"] for route in graph.of_type("aws:ec2/route:Route")}
    tables = {
        association.properties["subnetId"]: association.properties["routeTableId"]
        for association in graph.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
    }
    groups = {group.properties.get("name"): group for group in graph.of_type("aws:rds/subnetGroup:SubnetGroup")}
    for instance in graph.of_type("aws:rds/instance:Instance"):
        if instance.properties.get("publiclyAccessible") is not False:
            yield violation(name, instance, "publiclyAccessible", "isn't false.", "Set publicly_accessible=False.")
        group = groups.get(instance.properties.get("dbSubnetGroupName"))
        subnets = group.properties["subnetIds"] if group else []
        followed = [instance.properties.get("dbSubnetGroupName"), subnets, *open_tables, *tables, *tables.values()]
        if not is_known(followed):
            continue
        if not subnets or any(tables.get(subnet) is None or tables[subnet] in open_tables for subnet in subnets):
            fix = "Use the isolated subnets."
            yield violation(name, instance, "dbSubnetGroupName", "is in subnets with a route out.", fix)
