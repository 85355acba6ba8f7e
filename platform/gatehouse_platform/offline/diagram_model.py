"""The content of the diagram, from a recorded graph: groups of services in rows by who calls whom, and what
they share.

Pure; layout and colours are in `diagram_svg.py`. Calls are read from security group rules: the diagram shows what is
reachable, not what was intended. Who only reads another's feed of events isn't drawn: that makes no rows, and may be
a circle (docs/events.md has the map of it).
"""

import msgspec

from gatehouse_platform.components.security_group_rules import FOLLOWS
from gatehouse_platform.offline.graph import Graph, RecordedResource

GROUP = "gatehouse:platform:TaskGroup"
# Names of services in a line of their group's box.
IN_A_LINE = 2


class DiagramBox(msgspec.Struct, frozen=True, kw_only=True):
    """One box: its name, its kind, and some lines about it."""

    name: str
    kind: str
    facts: tuple[str, ...] = ()


class DiagramModel(msgspec.Struct, frozen=True, kw_only=True):
    stack: str
    region: str
    edge: DiagramBox
    # Groups of services, callers above those they call.
    rows: tuple[tuple[DiagramBox, ...], ...]
    # Each is a caller and its callee.
    calls: tuple[tuple[str, str], ...]
    # Groups that reach the database.
    database_users: tuple[str, ...]
    database: DiagramBox
    # None where there is no collector.
    collector: DiagramBox | None
    shared: tuple[DiagramBox, ...]
    # The subnets of tasks and database, in words.
    task_subnets: str
    database_subnets: str
    examples: bool = False


class NoEnvironment(Exception):
    """The graph has no load balancer or no database: there is nothing to draw."""


def diagram_model(graph: Graph) -> DiagramModel:
    """Raises NoEnvironment for the foundation, which has no services."""
    (balancer,) = graph.of_type("aws:lb/loadBalancer:LoadBalancer") or (None,)
    (database,) = graph.of_type("aws:rds/instance:Instance") or (None,)
    if balancer is None or database is None:
        raise NoEnvironment(f"The stack {graph.stack} has no services to draw. Name an environment, as in dev.")
    owners = {group.id: _owner(graph, group) for group in graph.of_type("aws:ec2/securityGroup:SecurityGroup")}
    reached = {
        (owners[source], owners[target])
        for rule in graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if FOLLOWS not in rule.name
        and (source := rule.properties.get("referencedSecurityGroupId")) in owners
        and (target := rule.properties.get("securityGroupId")) in owners
    }
    names = {part.name for part in graph.resources if part.type == GROUP}
    calls = tuple(sorted((a, b) for a, b in reached if a in names and b in names and a != b))
    database_owner = _owner(graph, database)
    index = _GraphIndex(graph)
    boxes = {name: index.box(name) for name in names}
    others = [each for owner, each in sorted(index.services.items()) if owner not in names]
    collector = DiagramBox(name=others[0].name, kind="service", facts=index.facts(others[0])) if others else None
    return DiagramModel(
        stack=graph.stack,
        region=graph.region,
        edge=_edge(graph, balancer),
        rows=tuple(tuple(boxes[name] for name in row) for row in ranks(sorted(names), calls)),
        calls=calls,
        database_users=tuple(sorted(a for a, b in reached if b == database_owner and a in names)),
        database=_database(database),
        collector=collector,
        shared=tuple(_shared(graph)),
        task_subnets=_task_subnets(graph),
        database_subnets="isolated subnets, for tasks only",
        examples=bool(graph.examples),
    )


def ranks(names: list[str], calls: tuple[tuple[str, str], ...]) -> list[list[str]]:
    """Names in rows: each below everybody who calls it. Where groups call in a circle, whom fewest of them call is
    put above the others."""
    callers: dict[str, list[str]] = {name: [] for name in names}
    called: dict[str, list[str]] = {name: [] for name in names}
    for source, target in calls:
        callers[target].append(source)
        called[source].append(target)
    waiting = {name: len(callers[name]) for name in names}
    rows: list[list[str]] = []
    while waiting:
        fewest = min(waiting.values())
        row = [name for name in names if waiting.get(name) == fewest]
        # Of a circle one is enough: the others may follow below it.
        row = row if fewest == 0 else row[:1]
        rows.append(sorted(row))
        for name in row:
            del waiting[name]
        for target in (target for name in row for target in called[name] if target in waiting):
            waiting[target] -= 1
    return rows


def _owner(graph: Graph, resource: RecordedResource) -> str:
    part = graph.component_of(resource)
    return part.name if part is not None else resource.name


class _GraphIndex:
    """ECS services and listener rules by owner, task definitions by ARN; built once for all services."""

    def __init__(self, graph: Graph) -> None:
        self.services: dict[str, RecordedResource] = {}
        for each in graph.of_type("aws:ecs/service:Service"):
            self.services.setdefault(_owner(graph, each), each)
        # Paths of each service.
        self.patterns: dict[str, list[str]] = {}
        for rule in graph.of_type("aws:lb/listenerRule:ListenerRule"):
            values = rule.properties["conditions"][0]["pathPattern"]["values"]
            self.patterns.setdefault(_owner(graph, rule), []).extend(values)
        self.members = {part.name: list(part.properties["services"]) for part in graph.of_type(GROUP)}
        self.definitions = {
            str(each.outputs.get("arn")): each for each in graph.of_type("aws:ecs/taskDefinition:TaskDefinition")
        }

    def box(self, name: str) -> DiagramBox:
        """The box of a group, released or not: its services, or the path of the only one."""
        members = self.members[name]
        patterns = self.patterns.get(name, [])
        path = (min(patterns, key=len),) if patterns else ()
        if len(members) > 1:
            path = tuple(", ".join(members[start : start + IN_A_LINE]) for start in range(0, len(members), IN_A_LINE))
        if name not in self.services:
            return DiagramBox(name=name, kind="service", facts=(*path, "not released yet"))
        return DiagramBox(name=name, kind="service", facts=(*path, *self.facts(self.services[name])))

    def facts(self, service: RecordedResource) -> tuple[str, ...]:
        asked = service.properties
        count = int(asked.get("desiredCount", 0))
        size = f"{count} {'task' if count == 1 else 'tasks'}"
        definition = self.definitions.get(str(asked.get("taskDefinition")))
        if definition is not None:
            size += f" of {int(definition.properties['cpu']) / 1024:g} vCPU, {definition.properties['memory']} MiB"
        providers = {str(each["capacityProvider"]) for each in asked.get("capacityProviderStrategies", [])}
        words = {"FARGATE": "on demand", "FARGATE_SPOT": "Spot"}
        return size, " and ".join(words[provider] for provider in sorted(providers)) or "Fargate"


def _edge(graph: Graph, balancer: RecordedResource) -> DiagramBox:
    rules = graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    ports = sorted(
        {int(rule.properties["fromPort"]) for rule in rules if rule.properties.get("cidrIpv4") == "0.0.0.0/0"}
    )
    firewall = "behind a firewall (WAF)" if graph.of_type("aws:wafv2/webAcl:WebAcl") else "no firewall (WAF)"
    names = [
        str(record.properties["name"])
        for record in graph.of_type("aws:route53/record:Record")
        if "aliases" in record.properties
    ]
    zones = len(balancer.properties.get("subnets", []))
    facts = (*names, f"HTTPS; ports {', '.join(map(str, ports))}", f"{zones} zones, {firewall}")
    return DiagramBox(name="load balancer", kind="edge", facts=facts)


def _database(database: RecordedResource) -> DiagramBox:
    asked = database.properties
    zones = "two zones" if asked.get("multiAz") else "one zone"
    facts = (
        f"{asked['instanceClass']}, {zones}, {asked['allocatedStorage']} GB",
        f"backups for {asked['backupRetentionPeriod']} days",
    )
    return DiagramBox(name=f"PostgreSQL {asked['engineVersion']}", kind="database", facts=facts)


def _task_subnets(graph: Graph) -> str:
    subnets = [each.name for each in graph.of_type("aws:ec2/subnet:Subnet")]
    zones = len({each.properties.get("availabilityZone") for each in graph.of_type("aws:ec2/subnet:Subnet")})
    if graph.of_type("aws:ec2/natGateway:NatGateway"):
        egress = "private subnets, out through NAT gateways"
    elif graph.of_type("aws:ec2/instance:Instance"):
        egress = "private subnets, out through NAT instances"
    elif any(name.startswith("private") for name in subnets):
        egress = "private subnets, out to AWS by interface endpoints"
    else:
        egress = "public subnets, nobody let in"
    return f"{egress}; {zones} zones"


def _shared(graph: Graph) -> list[DiagramBox]:
    """What the services share: metrics, alerts, logs, key, budget, schedules."""
    boxes = []
    for workspace in graph.of_type("aws:amp/workspace:Workspace"):
        boxes.append(
            DiagramBox(name="Prometheus (AMP)", kind="around", facts=(str(workspace.properties.get("alias", "")),))
        )
    alarms = len(graph.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"))
    subscriptions = graph.of_type("aws:sns/topicSubscription:TopicSubscription")
    owners = len([each for each in subscriptions if each.properties["protocol"] == "email"])
    if owners:
        mail = f"mail to {owners} {'owner' if owners == 1 else 'owners'}"
        boxes.append(DiagramBox(name="Alerts (SNS)", kind="around", facts=(f"{alarms} rollback alarms", mail)))
    for domain in graph.of_type("aws:sesv2/emailIdentity:EmailIdentity"):
        boxes.append(DiagramBox(name="Mail (SES)", kind="around", facts=(str(domain.properties["emailIdentity"]),)))
    for group in graph.of_type("aws:cloudwatch/logGroup:LogGroup")[:1]:
        groups = len(graph.of_type(group.type))
        days = group.properties.get("retentionInDays")
        boxes.append(DiagramBox(name="Logs", kind="around", facts=(f"{groups} groups, {days} days",)))
    keys = len(graph.of_type("aws:kms/key:Key"))
    secrets = len(graph.of_type("aws:secretsmanager/secret:Secret"))
    boxes.append(
        DiagramBox(
            name="Key and secrets",
            kind="around",
            facts=(f"{keys} KMS {'key' if keys == 1 else 'keys'}, {secrets} secrets",),
        )
    )
    for budget in graph.of_type("aws:budgets/budget:Budget"):
        boxes.append(
            DiagramBox(name="Budget", kind="around", facts=(f"{budget.properties['limitAmount']} USD a month",))
        )
    nights = bool(graph.of_type("aws:scheduler/schedule:Schedule"))
    boxes.append(
        DiagramBox(name="Nights", kind="around", facts=("asleep at night, at weekends" if nights else "always on",))
    )
    return boxes
