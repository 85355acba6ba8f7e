"""The monthly cost of an environment, component by component, from its recorded graph and the dated price table.

Counts resources at their least size, with a modest use where the graph says nothing (`assumed` in prices.toml). An
estimate to choose by, not a bill: no tax, free tier, discounts, traffic to the internet or growth.
"""

import json
from collections.abc import Callable, Iterator

import msgspec

from gatehouse_catalog.rehearsal import REHEARSAL_VARIABLE, RehearsalPlace
from gatehouse_observability.collector import PORT_LABEL
from gatehouse_platform.offline.graph import Graph, RecordedResource
from gatehouse_platform.offline.hours import hours_a_week
from gatehouse_platform.offline.prices import CERTAINTIES, Price, PriceError, Prices

HOURS_A_WEEK = 168
SEATS_TAG = "gatehouse:grafana-seats"
# A week, of a database that is only ever stopped: AWS starts it after seven days, the next hour's schedule stops it.
RESTARTED_HOURS = 1
COLLECTOR_CONFIG = "AOT_CONFIG_CONTENT"
UNPRICED_PROVIDERS = ("awsx:", "gatehouse:", "pulumi:", "pulumi-python:", "random:")


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One item that is charged: `quantity` x `price.usd` a month."""

    part: str
    what: str
    quantity: float
    price: Price
    # Whether the quantity is an assumption rather than part of the graph.
    assumed: bool = False

    @property
    def usd(self) -> float:
        return self.quantity * self.price.usd


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    stack: str
    lines: tuple[CostLine, ...]
    # Types that neither have a price nor are known to be free.
    unknown: tuple[str, ...] = ()

    @property
    def usd(self) -> float:
        return sum(line.usd for line in self.lines)

    def by_certainty(self) -> dict[str, float]:
        """USD by how sure the prices are (`seen` in prices.toml)."""
        return {seen: sum(line.usd for line in self.lines if line.price.seen == seen) for seen in CERTAINTIES}

    def parts(self) -> dict[str, float]:
        """USD by component, most expensive first."""
        totals: dict[str, float] = {}
        for line in self.lines:
            totals[line.part] = totals.get(line.part, 0.0) + line.usd
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def estimate(graph: Graph, prices: Prices) -> Estimate:
    """The monthly cost of the graph. Raises PriceError when the table lacks its region or an instance class."""
    if graph.region != prices.region:
        raise PriceError(
            f"platform/gatehouse_platform/offline/prices.toml: region = {prices.region}: the stack {graph.stack} is in "
            f"{graph.region}, where prices differ. Make a table for it."
        )
    counter = _Counter(graph, prices)
    lines, unknown = [], set()
    for resource in graph.resources:
        count = COUNTED.get(resource.type)
        if count is not None:
            lines += [line for line in count(counter, resource) if line.quantity]
        elif resource.type not in FREE and not resource.type.startswith((*UNPRICED_PROVIDERS, *FREE_GROUPS)):
            unknown.add(resource.type)
    return Estimate(stack=graph.stack, lines=tuple(lines), unknown=tuple(sorted(unknown)))


class _Counter:
    """The graph, the prices, and values that several items need."""

    def __init__(self, graph: Graph, prices: Prices) -> None:
        self.graph, self.prices = graph, prices
        self.month = prices.hours_a_month
        self.definitions = {
            str(definition.outputs.get("arn")): definition
            for definition in graph.of_type("aws:ecs/taskDefinition:TaskDefinition")
        }
        self._actions: dict[str, list[tuple[str, bool]]] = {}
        for action in graph.of_type("aws:appautoscaling/scheduledAction:ScheduledAction"):
            starts = int(action.properties["scalableTargetAction"]["maxCapacity"]) > 0
            name = str(action.properties["resourceId"]).rpartition("/")[2]
            self._actions.setdefault(name, []).append((str(action.properties["schedule"]), starts))
        # (service, hours x tasks a month)
        self.running = [
            (service, self.service_hours(service) * int(service.properties.get("desiredCount", 0)))
            for service in graph.of_type("aws:ecs/service:Service")
        ]

    def line(
        self, resource: RecordedResource, what: str, quantity: float, price: str, *, assumed: bool = False
    ) -> CostLine:
        return self.priced(resource, what, quantity, self.prices.of(price), assumed=assumed)

    def priced(
        self, resource: RecordedResource, what: str, quantity: float, price: Price, *, assumed: bool = False
    ) -> CostLine:
        part = self.graph.component_of(resource)
        name = part.name if part is not None else self.graph.stack
        return CostLine(part=name, what=what, quantity=quantity, price=price, assumed=assumed)

    @property
    def awake(self) -> float:
        """The share of the month in which anything runs that is used: its service that sleeps least. Nothing does where
        a cluster is empty."""
        services = self.graph.of_type("aws:ecs/service:Service")
        if not services and self.graph.of_type("aws:ecs/cluster:Cluster"):
            return 0.0
        return max((self.service_hours(each) for each in services), default=self.month) / self.month

    def use(self, name: str) -> float:
        return self.prices.assumed[name]

    def service_hours(self, service: RecordedResource) -> float:
        """Hours a month in which its tasks run: fewer where schedules stop it."""
        actions = self._actions.get(str(service.properties["name"]), [])
        return self.month * hours_a_week(actions) / HOURS_A_WEEK

    def read_containers(self, service: RecordedResource) -> int:
        """How many containers of each of its tasks the collector reads."""
        definition = self.definitions.get(str(service.properties.get("taskDefinition")))
        containers = json.loads(definition.properties["containerDefinitions"]) if definition else []
        return sum(PORT_LABEL in (each.get("dockerLabels") or {}) for each in containers)

    def samples_a_minute(self) -> float:
        """What the collector takes of a container, as its configuration says; nothing where there is none."""
        for definition in self.definitions.values():
            for container in json.loads(definition.properties["containerDefinitions"]):
                for variable in container.get("environment", []):
                    if variable["name"] == COLLECTOR_CONFIG:
                        jobs = json.loads(variable["value"])["receivers"]["prometheus"]["config"]["scrape_configs"]
                        dropped = sum(
                            rule["regex"].count("|") + 1 for rule in jobs[0].get("metric_relabel_configs", [])
                        )
                        each = self.use("series_per_route") - dropped
                        series = self.use("series_per_container") + self.use("routes_used") * each
                        return series * 60 / int(jobs[0]["scrape_interval"].removesuffix("s"))
        return 0.0

    def database_hours(self) -> float:
        actions = [
            (str(schedule.properties["scheduleExpression"]), "startDBInstance" in schedule.properties["target"]["arn"])
            for schedule in self.graph.of_type("aws:scheduler/schedule:Schedule")
            if "DBInstance" in schedule.properties["target"]["arn"]
        ]
        if actions and not any(starts for _, starts in actions):
            return self.month * RESTARTED_HOURS / HOURS_A_WEEK
        return self.month * hours_a_week(actions) / HOURS_A_WEEK


def on_demand_share(service: RecordedResource) -> float:
    """The share of its least tasks that runs on demand: the base, and by weight of the rest."""
    strategies = service.properties.get("capacityProviderStrategies", [])
    count = int(service.properties.get("desiredCount", 0))
    if not strategies or not count:
        return 1.0
    base = min(count, sum(int(each.get("base", 0)) for each in strategies if each["capacityProvider"] == "FARGATE"))
    weights = {str(each["capacityProvider"]): int(each.get("weight", 0)) for each in strategies}
    total = sum(weights.values())
    rest = (count - base) * (weights.get("FARGATE", 0) / total if total else 1)
    return (base + rest) / count


def _service(counter: _Counter, service: RecordedResource) -> Iterator[CostLine]:
    definition = counter.definitions.get(str(service.properties.get("taskDefinition")))
    if definition is None:
        return
    count, hours = int(service.properties.get("desiredCount", 0)), counter.service_hours(service)
    cpu, gb = int(definition.properties["cpu"]) / 1024, int(definition.properties["memory"]) / 1024
    steady = on_demand_share(service)
    for kind, way, share in (("on demand", "fargate_arm", steady), ("on Spot", "fargate_spot_arm", 1 - steady)):
        task_hours = count * hours * share
        yield counter.line(service, f"tasks {kind}: vCPU", task_hours * cpu, f"{way}_vcpu_hour")
        yield counter.line(service, f"tasks {kind}: memory", task_hours * gb, f"{way}_gb_hour")
    if service.properties.get("networkConfiguration", {}).get("assignPublicIp"):
        yield counter.line(service, "tasks: public addresses", count * hours, "public_address_hour")


def _cluster(counter: _Counter, cluster: RecordedResource) -> Iterator[CostLine]:
    settings = {item["name"]: item["value"] for item in cluster.properties.get("settings", [])}
    if settings.get("containerInsights") in {"enabled", "enhanced"}:
        services = counter.graph.of_type("aws:ecs/service:Service")
        each = counter.use("insights_per_service") + counter.use("insights_per_family")
        metrics = sum(each * counter.service_hours(service) / counter.month for service in services)
        metrics += counter.use("insights_per_cluster")
        yield counter.line(cluster, "Container Insights", metrics, "metric_month", assumed=True)


def _database(counter: _Counter, database: RecordedResource) -> Iterator[CostLine]:
    asked = database.properties
    copies = 2 if asked.get("multiAz") else 1
    price = counter.prices.database(str(asked["instanceClass"]))
    what = f"{asked['instanceClass']}{', two zones' if copies == 2 else ''}"
    yield counter.priced(database, what, counter.database_hours() * copies, price)
    yield counter.line(database, "storage", float(asked["allocatedStorage"]) * copies, "database_storage_gb")
    if asked.get("manageMasterUserPassword"):
        yield counter.line(database, "master password", 1, "secret_month")


def _balancer(counter: _Counter, balancer: RecordedResource) -> Iterator[CostLine]:
    addresses = 0 if balancer.properties.get("internal") else len(balancer.properties.get("subnets", []))
    yield counter.line(balancer, "load balancer", counter.month, "balancer_hour")
    yield counter.line(balancer, "load balancer: addresses", addresses * counter.month, "public_address_hour")
    units = counter.use("balancer_units") * counter.awake * counter.month
    yield counter.line(balancer, "load balancer: use", units, "balancer_unit_hour", assumed=True)


def _nat(counter: _Counter, gateway: RecordedResource) -> Iterator[CostLine]:
    yield counter.line(gateway, "NAT gateways", counter.month, "nat_hour")
    gateways = len(counter.graph.of_type(gateway.type))
    gigabytes = _gigabytes_out(counter) / gateways
    yield counter.line(gateway, "NAT gateways: traffic", gigabytes, "nat_gb", assumed=True)


def _instance(counter: _Counter, machine: RecordedResource) -> Iterator[CostLine]:
    given = machine.properties
    price = counter.prices.instance(str(given["instanceType"]))
    yield counter.priced(machine, f"NAT instances: {given['instanceType']}", counter.month, price)
    if given.get("associatePublicIpAddress") is not False:
        yield counter.line(machine, "NAT instances: addresses", counter.month, "public_address_hour")
    size = float((given.get("rootBlockDevice") or {}).get("volumeSize", 8))
    yield counter.line(machine, "NAT instances: volumes", size, "volume_gb")


def _gigabytes_out(counter: _Counter) -> float:
    tasks = sum(hours for _, hours in counter.running) / counter.month
    return tasks * counter.use("gb_out_per_task")


def _endpoint(counter: _Counter, endpoint: RecordedResource) -> Iterator[CostLine]:
    if endpoint.properties.get("vpcEndpointType") != "Interface":
        return
    zones = len(endpoint.properties.get("subnetIds", []))
    yield counter.line(endpoint, "interface endpoints", zones * counter.month, "endpoint_hour")
    interfaces = [
        each for each in counter.graph.of_type(endpoint.type) if each.properties.get("vpcEndpointType") == "Interface"
    ]
    gigabytes = _gigabytes_out(counter) / len(interfaces)
    yield counter.line(endpoint, "interface endpoints: traffic", gigabytes, "endpoint_gb", assumed=True)


def _firewall(counter: _Counter, acl: RecordedResource) -> Iterator[CostLine]:
    yield counter.line(acl, "firewall", 1, "firewall_month")
    yield counter.line(acl, "firewall: rules", len(acl.properties.get("rules", [])), "firewall_rule_month")
    millions = counter.use("million_requests")
    yield counter.line(acl, "firewall: requests", millions, "firewall_million_requests", assumed=True)


def _metrics(counter: _Counter, workspace: RecordedResource) -> Iterator[CostLine]:
    minutes = sum(hours * counter.read_containers(service) for service, hours in counter.running) * 60
    samples = minutes * counter.samples_a_minute()
    yield counter.line(workspace, "metric samples", samples / 1_000_000, "sample_million", assumed=True)


def _grafana(counter: _Counter, workspace: RecordedResource) -> Iterator[CostLine]:
    seats = int((workspace.properties.get("tags") or {}).get(SEATS_TAG, 0))
    yield counter.line(workspace, "Grafana seats of people", seats, "grafana_editor_month")
    yield counter.line(workspace, "Grafana seat of deployments", 1, "grafana_editor_month")


def _each(what: str, price: str, use: str = "", *, sleeps: bool = False) -> "Count":
    """One of a thing a month; or, with `use`, so much assumed use of it; where it `sleeps`, only while the environment
    is awake."""

    def count(counter: _Counter, resource: RecordedResource) -> Iterator[CostLine]:
        quantity = counter.use(use) if use else 1
        yield counter.line(resource, what, quantity * (counter.awake if sleeps else 1), price, assumed=bool(use))

    return count


def _address(counter: _Counter, address: RecordedResource) -> Iterator[CostLine]:
    yield counter.line(address, "NAT gateways: addresses", counter.month, "public_address_hour")


def _schedule(counter: _Counter, schedule: RecordedResource) -> Iterator[CostLine]:
    """A call costs nothing that counts; a task that restores a database costs its hours, and the copy's."""
    started = counter.definitions.get(
        str((schedule.properties["target"].get("ecsParameters") or {}).get("taskDefinitionArn"))
    )
    if started is None:
        return
    hours = counter.use("rehearsal_hours")
    told = next(
        each["value"]
        for each in json.loads(started.properties["containerDefinitions"])[0]["environment"]
        if each["name"] == REHEARSAL_VARIABLE
    )
    wanted = msgspec.json.decode(told, type=RehearsalPlace)
    price = counter.prices.database(wanted.instance_class)
    yield counter.priced(schedule, f"copy: {wanted.instance_class}", hours, price, assumed=True)
    for source in counter.graph.of_type("aws:rds/instance:Instance"):
        months = float(source.properties["allocatedStorage"]) * hours / counter.month
        yield counter.line(schedule, "copy: storage", months, "database_storage_gb", assumed=True)
    task_hours = hours + counter.use("rehearsal_looks") / 60
    for part, price_of, unit in (("cpu", "fargate_arm_vcpu_hour", "vCPU"), ("memory", "fargate_arm_gb_hour", "memory")):
        quantity = task_hours * int(started.properties[part]) / 1024
        yield counter.line(schedule, f"rehearsal: {unit}", quantity, price_of, assumed=True)
    # CloudWatch charges a metric for the hours in which it is sent: one a day.
    yield counter.line(schedule, "rehearsal: metrics", 4 / 24, "metric_month", assumed=True)


Count = Callable[[_Counter, RecordedResource], Iterator[CostLine]]
COUNTED: dict[str, Count] = {
    "aws:amp/workspace:Workspace": _metrics,
    "aws:cloudwatch/logGroup:LogGroup": _each("logs", "log_gb", "gb_logged_per_group", sleeps=True),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _each("alarm", "alarm_month"),
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/flowLog:FlowLog": _each("flow log", "flow_log_gb", "gb_flow_log", sleeps=True),
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/natGateway:NatGateway": _nat,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": _each("image cache", "image_gb", "gb_of_images"),
    "aws:ecs/cluster:Cluster": _cluster,
    "aws:ecs/service:Service": _service,
    "aws:grafana/workspace:Workspace": _grafana,
    "aws:kms/key:Key": _each("key", "key_month"),
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:rds/instance:Instance": _database,
    "aws:scheduler/schedule:Schedule": _schedule,
    "aws:s3/bucket:Bucket": _each("bucket", "object_gb", "gb_stored_per_bucket"),
    "aws:secretsmanager/secret:Secret": _each("secrets", "secret_month"),
    "aws:sesv2/configurationSet:ConfigurationSet": _each("mails", "mail_thousand", "thousand_mails", sleeps=True),
    "aws:wafv2/webAcl:WebAcl": _firewall,
}
# Charged with something else, by an amount that doesn't matter here, or not at all. Groups are whole parts of AWS.
FREE_GROUPS = ("aws:iam/", "aws:appautoscaling/", "aws:vpc/", "aws:budgets/", "aws:costexplorer/", "aws:route53/")
_FREE = {
    "acm": "certificate:Certificate certificateValidation:CertificateValidation",
    "amp": "alertManagerDefinition:AlertManagerDefinition ruleGroupNamespace:RuleGroupNamespace",
    "cloudtrail": "trail:Trail",  # the first trail of an account
    "ec2": "defaultSecurityGroup:DefaultSecurityGroup internetGateway:InternetGateway route:Route "
    "routeTable:RouteTable routeTableAssociation:RouteTableAssociation securityGroup:SecurityGroup subnet:Subnet "
    "vpc:Vpc",
    "ecr": "repositoryCreationTemplate:RepositoryCreationTemplate",
    "ecs": "clusterCapacityProviders:ClusterCapacityProviders taskDefinition:TaskDefinition",
    "kms": "alias:Alias",
    "lb": "listener:Listener listenerRule:ListenerRule targetGroup:TargetGroup",
    "rds": "parameterGroup:ParameterGroup subnetGroup:SubnetGroup",
    "s3": "bucketLifecycleConfiguration:BucketLifecycleConfiguration bucketPolicy:BucketPolicy "
    "bucketPublicAccessBlock:BucketPublicAccessBlock bucketVersioning:BucketVersioning "
    "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "secretsmanager": "secretVersion:SecretVersion",
    "servicediscovery": "httpNamespace:HttpNamespace",
    "sesv2": "configurationSetEventDestination:ConfigurationSetEventDestination emailIdentity:EmailIdentity",
    "sns": "topic:Topic topicPolicy:TopicPolicy topicSubscription:TopicSubscription",
    "wafv2": "webAclAssociation:WebAclAssociation",
}
FREE = frozenset(f"aws:{group}/{kind}" for group, kinds in _FREE.items() for kind in kinds.split())
