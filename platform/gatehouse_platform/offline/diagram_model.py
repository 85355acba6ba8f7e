"""What the diagram shows, read from a recorded graph: services in rows by who calls whom, and what stands around them.

Pure, without a thought about lines and colours: those are in `diagram_svg.py`. Calls are the security groups' rules,
so the picture shows what can be reached, not what somebody meant.
"""

import msgspec

from gatehouse_platform.offline.graph import Graph, RecordedResource


class DiagramBox(msgspec.Struct, frozen=True, kw_only=True):
    """One thing: its name, what it is, and some facts about it."""

    name: str
    kind: str
    facts: tuple[str, ...] = ()


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    stack: str
    region: str
    edge: DiagramBox
    # Services, callers above those they call.
    rows: tuple[tuple[DiagramBox, ...], ...]
    # Each a caller and whom it calls.
    calls: tuple[tuple[str, str], ...]
    # Services that reach the database.
    keepers: tuple[str, ...]
    database: DiagramBox
    # Who reads every service's metrics; None where there is no collector.
    collector: DiagramBox | None
    around: tuple[DiagramBox, ...]
    # Where tasks and database stand, in words.
    task_place: str
    database_place: str
    examples: bool = False


class NoEnvironment(Exception):
    """The graph has no load balancer or no database: there is nothing to draw."""


def picture(graph: Graph) -> Picture:
    """Raises NoEnvironment for the foundation, which has no services."""
    (balancer,) = graph.of_type("aws:lb/loadBalancer:LoadBalancer") or (None,)
    (database,) = graph.of_type("aws:rds/instance:Instance") or (None,)
    if balancer is None or database is None:
        raise NoEnvironment(f"The stack {graph.stack} has no services to draw. Name an environment, as in dev.")
    owners = {group.id: _owner(graph, group) for group in graph.of_type("aws:ec2/securityGroup:SecurityGroup")}
    reached = {
        (owners[source], owners[target])
        for rule in graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if (source := rule.properties.get("referencedSecurityGroupId")) in owners
        and (target := rule.properties.get("securityGroupId")) in owners
    }
    places = {part.name for part in graph.resources if part.type == "gatehouse:platform:Service"}
    calls = tuple(sorted((a, b) for a, b in reached if a in places and b in places))
    keeper = _owner(graph, database)
    running = _GraphIndex(graph)
    boxes = {name: running.place(name) for name in places}
    others = [each for owner, each in sorted(running.services.items()) if owner not in places]
    collector = DiagramBox(name=others[0].name, kind="service", facts=running.facts(others[0])) if others else None
    return Picture(
        stack=graph.stack,
        region=graph.region,
        edge=_edge(graph, balancer),
        rows=tuple(tuple(boxes[name] for name in row) for row in ranks(sorted(places), calls)),
        calls=calls,
        keepers=tuple(sorted(a for a, b in reached if b == keeper and a in places)),
        database=_database(database),
        collector=collector,
        around=tuple(_around(graph)),
        task_place=_place(graph),
        database_place="isolated subnets, for tasks only",
        examples=bool(graph.examples),
    )


def ranks(names: list[str], calls: tuple[tuple[str, str], ...]) -> list[list[str]]:
    """Names in rows: each below everybody who calls it. Raises ValueError when they call in a circle."""
    callers: dict[str, list[str]] = {name: [] for name in names}
    called: dict[str, list[str]] = {name: [] for name in names}
    for source, target in calls:
        callers[target].append(source)
        called[source].append(target)
    waiting = {name: len(callers[name]) for name in names}
    rows, row = [], [name for name in names if not waiting[name]]
    while row:
        rows.append(row)
        below = []
        for name in row:
            for target in called[name]:
                waiting[target] -= 1
                if not waiting[target]:
                    below.append(target)
        row = sorted(below)
    if sum(map(len, rows)) < len(names):
        raise ValueError(f"they call in a circle: {', '.join(name for name in names if waiting[name] > 0)}")
    return rows


def _owner(graph: Graph, resource: RecordedResource) -> str:
    part = graph.component_of(resource)
    return part.name if part is not None else resource.name


class _GraphIndex:
    """ECS services, listener rules and task definitions by what they are looked up by: once, not once a service."""

    def __init__(self, graph: Graph) -> None:
        self.services: dict[str, RecordedResource] = {}
        for each in graph.of_type("aws:ecs/service:Service"):
            self.services.setdefault(_owner(graph, each), each)
        self.patterns: dict[str, list[str]] = {}
        for rule in graph.of_type("aws:lb/listenerRule:ListenerRule"):
            values = rule.properties["conditions"][0]["pathPattern"]["values"]
            self.patterns.setdefault(_owner(graph, rule), []).extend(values)
        self.definitions = {
            str(each.outputs.get("arn")): each for each in graph.of_type("aws:ecs/taskDefinition:TaskDefinition")
        }

    def place(self, name: str) -> DiagramBox:
        """A service's box, released or not."""
        patterns = self.patterns.get(name, [])
        path = (min(patterns, key=len),) if patterns else ()
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


def _place(graph: Graph) -> str:
    subnets = [each.name for each in graph.of_type("aws:ec2/subnet:Subnet")]
    zones = len({each.properties.get("availabilityZone") for each in graph.of_type("aws:ec2/subnet:Subnet")})
    if graph.of_type("aws:ec2/natGateway:NatGateway"):
        way = "private subnets, out through NAT gateways"
    elif any(name.startswith("private") for name in subnets):
        way = "private subnets, out to AWS by interface endpoints"
    else:
        way = "public subnets, nobody let in"
    return f"{way}; {zones} zones"


def _around(graph: Graph) -> list[DiagramBox]:
    """What stands beside: metrics, keys, money, nights."""
    boxes = []
    for workspace in graph.of_type("aws:amp/workspace:Workspace"):
        boxes.append(
            DiagramBox(name="Prometheus (AMP)", kind="around", facts=(str(workspace.properties.get("alias", "")),))
        )
    alarms = len(graph.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"))
    owners = len(graph.of_type("aws:sns/topicSubscription:TopicSubscription"))
    if owners:
        mail = f"mail to {owners} {'owner' if owners == 1 else 'owners'}"
        boxes.append(DiagramBox(name="Alerts (SNS)", kind="around", facts=(f"{alarms} rollback alarms", mail)))
    for group in graph.of_type("aws:cloudwatch/logGroup:LogGroup")[:1]:
        groups = len(graph.of_type(group.type))
        days = group.properties.get("retentionInDays")
        boxes.append(DiagramBox(name="Logs", kind="around", facts=(f"{groups} groups, {days} days",)))
    secrets = len(graph.of_type("aws:secretsmanager/secret:Secret"))
    boxes.append(DiagramBox(name="Key and secrets", kind="around", facts=(f"one KMS key, {secrets} secrets",)))
    for budget in graph.of_type("aws:budgets/budget:Budget"):
        boxes.append(
            DiagramBox(name="Budget", kind="around", facts=(f"{budget.properties['limitAmount']} USD a month",))
        )
    nights = bool(graph.of_type("aws:scheduler/schedule:Schedule"))
    boxes.append(
        DiagramBox(name="Nights", kind="around", facts=("asleep at night, at weekends" if nights else "always on",))
    )
    return boxes
