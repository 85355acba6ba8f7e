"""The whole program for every committed stack, as Pulumi runs it, recorded."""

import json
import platform
import re
import resource
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML

from gatehouse_catalog import load_catalog
from gatehouse_platform.config.settings import ENVIRONMENTS, STACKS
from gatehouse_platform.config.stack_config import read_config
from gatehouse_platform.offline.awsx_components import UnknownComponent, expand
from gatehouse_platform.offline.check import graph_of, with_examples
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.offline.recording import RecordingError, config_texts, record
from gatehouse_platform.policies import violations
from gatehouse_platform.policies.ecs_schemas import problems
from gatehouse_platform.policies.iam_reference import unknown_grants

Graphs = Callable[[str], Graph]
TASK_DEFINITION, SERVICE = "aws:ecs/taskDefinition:TaskDefinition", "aws:ecs/service:Service"


@pytest.mark.parametrize("name", STACKS)
def test_every_committed_stack_keeps_every_rule(graph: Graphs, name: str):
    found = graph(name)
    assert len(found.resources) > 50
    assert [*map(str, violations(found)), *problems(found), *unknown_grants(found)] == []


@pytest.mark.deep
def test_a_stack_is_checked_in_far_less_than_20_seconds(root: Path):
    def used() -> float:
        """Seconds of processor: other work on the machine doesn't count."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    before = used()
    command = [sys.executable, "-m", "gatehouse_local.gate", "stack", "check", "production", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert used() - before < 20
    (found,) = json.loads(done.stdout)
    assert (found["stack"], found["problems"]) == ("production", [])


def test_it_is_what_pulumi_runs(root: Path, graph: Graphs):
    """The language host puts the folder of Pulumi.yaml first on the path and runs its __main__.py.

    Never a subfolder (`main`): Python's dynamic providers would look for the virtual environment there (pulumi #7061).
    """
    project = YAML(typ="safe", pure=True).load((root / "Pulumi.yaml").read_text())
    assert (project["name"], project["stackConfigDir"], project["runtime"]["name"]) == ("gatehouse", "stacks", "python")
    assert ("main" in project, project["runtime"]["options"]["virtualenv"]) == (False, ".venv")
    # `pulumi install` runs a plain `uv sync` there: that must install what the program needs (#20185).
    workspace = tomllib.loads((root / "pyproject.toml").read_text())
    assert "platform" in workspace["tool"]["uv"]["default-groups"]
    assert "gatehouse-platform[aws]" in workspace["dependency-groups"]["platform"]
    for name in STACKS:
        assert (root / project["stackConfigDir"] / f"Pulumi.{name}.yaml").is_file()
    config, _ = with_examples(read_config(root, "dev"), load_catalog(root))
    found = record(
        lambda: runpy.run_path(str(root / "__main__.py"), run_name="__main__"),
        stack="dev",
        region="eu-central-1",
        account="111122223333",
        config=config_texts(config),
    )
    assert found.resources == graph("dev").resources


def test_python_is_still_python_in_the_platform_folder(root: Path):
    assert platform.system()
    code = "import platform, secrets, types, logging; print(platform.system(), platform.__file__)"
    for place in (root, root / "platform"):
        done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=True)
        assert str(root) not in done.stdout


def test_no_module_beside_main_shadows_another(root: Path):
    ours = {
        path.stem
        for path in root.iterdir()
        if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists())
    }
    known = sys.stdlib_module_names | {"pulumi", "pulumi_aws", "boto3"}
    assert ours & known - {"__main__"} == set()
    assert not (root / "platform" / "__init__.py").exists()
    assert len((root / "__main__.py").read_text().splitlines()) < 10


def test_no_service_is_named_in_the_platform(root: Path):
    """Nothing but the loop over the catalog knows services."""
    names = re.compile(rf"\b(?:{'|'.join(load_catalog(root).names)})\b")
    # Words that are services' names, too, and the example of a document: none is allowed in code.
    found = [
        f"{file.relative_to(root)}:{number}: {line.strip()}"
        for file in [*(root / "platform").glob("*.py"), *(root / "platform" / "gatehouse_platform").rglob("*.py")]
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        # The word of SES's ARNs.
        if names.search(line.replace("identity/", ""))
    ]
    assert found == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_service_without_a_release_has_its_place_and_runs_nothing(root: Path, name: str):
    found = graph_of(root, name, examples=False)
    released = read_config(root, name)["gatehouse:releases"]
    assert {one.name for one in found.of_type(SERVICE)} == set(released)
    assert {one.name for one in found.of_type("gatehouse:platform:Service")} == set(load_catalog(root).names)
    assert violations(found) == []


def test_a_group_of_which_one_service_is_released_keeps_every_rule(root: Path):
    """As an environment comes up: service by service."""
    release = {"tag": "v1", "digest": f"sha256:{1:064x}", "database_digest": f"sha256:{2:064x}"}
    config = read_config(root, "dev") | {"gatehouse:releases": {"person": release}}
    found = graph_of(root, "dev", examples=False, config=config)
    assert [one.name for one in found.of_type(SERVICE)] == ["members"]
    assert violations(found) == []


def test_examples_are_named_as_such(graph: Graphs, root: Path):
    assert set(graph("dev").examples) - {"collector", "grafana"} <= set(load_catalog(root).names)
    assert "example.invalid" in graph("dev").named(TASK_DEFINITION, "collector").properties["containerDefinitions"]


def test_a_parked_environment_keeps_its_data_and_runs_nothing(root: Path, graph: Graphs):
    found = graph_of(root, "staging", config=read_config(root, "staging") | {"gatehouse:parked": True})
    assert violations(found) == []
    kinds = {one.kind for one in found.resources}
    assert not kinds & {"LoadBalancer", "Listener", "TaskDefinition", "Schema", "RuleGroupNamespace"}
    assert not found.of_type(SERVICE)
    (call,) = found.of_type("aws:scheduler/schedule:Schedule")
    assert call.properties["target"]["arn"].endswith("stopDBInstance")
    assert call.properties["scheduleExpression"] == "rate(1 hour)"
    kept = ("aws:rds/instance:Instance", "aws:kms/key:Key", "aws:secretsmanager/secret:Secret", "aws:s3/bucket:Bucket")
    assert [one.urn for one in found.of_type(*kept)] == [one.urn for one in graph("staging").of_type(*kept)]


def test_production_tells_of_a_database_that_is_too_small(root: Path, graph: Graphs):
    """70 of 100 connections of its class; a class whose memory isn't known has the processor's alarm only."""
    alarm = "aws:cloudwatch/metricAlarm:MetricAlarm"
    thresholds = {
        one.properties["metricName"]: one.properties["threshold"]
        for one in graph("production").of_type(alarm)
        if one.name.startswith("database-")
    }
    assert thresholds.keys() == {"CPUUtilization", "DatabaseConnections", "FreeableMemory", "FreeStorageSpace"}
    assert thresholds["DatabaseConnections"] == 157
    config = read_config(root, "production") | {"gatehouse:database": {"instance": "db.r8g.large"}}
    other = {one.name for one in graph_of(root, "production", config=config).of_type(alarm)}
    assert {"database-cpu"} == {name for name in other if name.startswith("database-")} - {"database-storage"}


def test_lean_production_runs_once_and_keeps_every_other_rule(root: Path):
    found = graph_of(root, "production", config=read_config(root, "production") | {"gatehouse:lean": True})
    assert {one.properties["desiredCount"] for one in found.of_type(SERVICE)} == {1}
    assert [*map(str, violations(found)), *problems(found), *unknown_grants(found)] == []


def test_the_same_files_give_the_same_graph(root: Path, graph: Graphs):
    assert graph_of(root, "test").resources == graph("test").resources


def test_two_resources_of_one_name_are_refused_as_pulumi_would():
    import pulumi_random

    def program() -> None:
        for _ in range(2):
            pulumi_random.RandomPassword("twice", length=8)

    with pytest.raises(RecordingError, match=r"two resources have the URN .*twice"):
        record(program, stack="dev", region="r", account="a", config={})


def test_no_secret_is_recorded(graph: Graphs):
    (version, *_) = graph("dev").of_type("aws:secretsmanager/secretVersion:SecretVersion")
    assert version.properties["secretString"] == "(secret)"
    assert "random-of-" not in json.dumps([one.properties for one in graph("dev").resources])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_group_waits_for_the_schemas_and_the_rules_of_its_services(
    graph: Graphs, groups: Callable[[str], dict[str, str]], name: str
):
    found = graph(name)
    schemas = {one.name: one.urn for one in found.resources if one.kind == "Schema"}
    for member, group in groups(name).items():
        service = found.named(SERVICE, group)
        assert schemas[f"{member}-database"] in service.depends_on
        assert found.named("aws:lb/listenerRule:ListenerRule", member).urn in service.depends_on


@pytest.mark.parametrize(("name", "ignored"), [("dev", True), ("production", False)])
def test_the_count_is_left_to_scaling_only_where_there_is_scaling(graph: Graphs, name: str, ignored: bool):
    found = graph(name)
    scaled = {one.name for one in found.of_type("aws:appautoscaling/target:Target")}
    for service in found.of_type(SERVICE):
        assert ("desiredCount" in service.ignores) == (service.name in scaled)
    assert bool(scaled) == ignored


def test_at_night_everything_outside_production_sleeps(graph: Graphs):
    for name in ("dev", "test", "staging"):
        found = graph(name)
        stops = [
            one for one in found.of_type("aws:appautoscaling/scheduledAction:ScheduledAction") if "-stop" in one.name
        ]
        assert {one.properties["scalableTargetAction"]["maxCapacity"] for one in stops} == {0}
        asleep = {one.name.removesuffix("-stop") for one in stops}
        assert asleep == {one.name for one in found.of_type(SERVICE)}
        calls = {one.properties["target"]["arn"] for one in found.of_type("aws:scheduler/schedule:Schedule")}
        assert calls == {f"arn:aws:scheduler:::aws-sdk:rds:{call}DBInstance" for call in ("stop", "start")}
    (only,) = graph("production").of_type("aws:scheduler/schedule:Schedule")
    assert only.name == "restore-rehearsal"


def test_longer_paths_come_first_and_what_is_for_the_platform_stays_inside(graph: Graphs, root: Path):
    rules = sorted(
        graph("dev").of_type("aws:lb/listenerRule:ListenerRule"), key=lambda rule: rule.properties["priority"]
    )

    def routed(path: str) -> str:
        for rule in rules:
            for pattern in rule.properties["conditions"][0]["pathPattern"]["values"]:
                if re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), path):
                    return rule.name
        return "nobody"

    for service in load_catalog(root):
        assert routed(f"{service.path}/x".replace("//", "/")) == service.name
    for path in ("/metrics", "/config", "/version", "/health/ready", "/openapi.json", "/docs"):
        assert routed(path).startswith("edge-withheld")


def test_each_service_has_its_rules_in_prometheus(graph: Graphs, root: Path):
    found = graph("production").of_type("aws:amp/ruleGroupNamespace:RuleGroupNamespace")
    assert {one.name for one in found} >= {f"rules-{service.name}" for service in load_catalog(root)}
    for namespace in found:
        alerts = [rule for rule in json.loads(namespace.properties["data"])["groups"][0]["rules"] if "alert" in rule]
        assert alerts
        for alert in alerts:
            url = alert["annotations"]["runbook_url"]
            folder, file = url.removeprefix("https://github.com/").split("/blob/main/")
            assert folder == "agile-learning-institute/gatehouse", "a link opens from a mail"
            assert (root / file).is_file()
    assert all(len(one.properties["data"]) < 1_000_000 for one in found)


def test_nobody_is_woken_by_the_schedule_that_switches_off(graph: Graphs):
    """dev stops at night by its tier, production never."""
    for stack, muted in (("dev", ["off-hours"]), ("production", [])):
        (one,) = graph(stack).of_type("aws:amp/alertManagerDefinition:AlertManagerDefinition")
        config = json.loads(json.loads(one.properties["definition"])["alertmanager_config"])
        assert [interval["name"] for interval in config.get("time_intervals", [])] == muted
        routes = {route["receiver"]: route.get("mute_time_intervals", []) for route in config["route"]["routes"]}
        assert routes == {"page": muted, "ticket": muted, "heartbeat": []}


def test_a_priority_is_legal_and_two_alike_are_refused(root: Path):
    from gatehouse_platform.components.edge import PriorityTaken, check_priorities, priority

    one, other, *_ = load_catalog(root).apis
    for path in ("/", "/api/x", "/" + "/".join("abcdefghijk")):
        for port in (1024, 4999, 65535):
            assert 0 < priority(msgspec.structs.replace(one, path=path, port=port)) <= 50_000
    with pytest.raises(PriorityTaken, match=f"same listener priority as {one.name}"):
        check_priorities([one, msgspec.structs.replace(other, port=one.port + 5000)])


def test_blue_green_is_one_word_in_a_stack_file(root: Path):
    config = read_config(root, "production") | {"gatehouse:services": {"ledger": {"deployment": "blue_green"}}}
    found = graph_of(root, "production", config=config)
    service = found.named(SERVICE, "ledger").properties
    assert service["deploymentConfiguration"] == {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "10"}
    # One more for the green tasks, and the one that awsx always makes.
    assert len(found.of_type("aws:lb/targetGroup:TargetGroup")) == len(load_catalog(root)) + 2
    assert [*map(str, violations(found)), *problems(found), *unknown_grants(found)] == []


def test_traces_are_one_word_in_a_stack_file_and_off_without_it(
    root: Path, graph: Graphs, groups: Callable[[str], dict[str, str]]
):
    found = graph_of(root, "dev", config=read_config(root, "dev") | {"gatehouse:traces": True})
    endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

    def told(graph: Graph) -> set[str]:
        tasks = graph.of_type(TASK_DEFINITION)
        return {one.name for one in tasks if endpoint in one.properties["containerDefinitions"]}

    assert told(found) == {one.name for one in found.of_type(SERVICE)} - {"collector"}
    assert told(graph("dev")) == set()
    config = found.named(TASK_DEFINITION, "collector").properties["containerDefinitions"]
    assert all(word in config for word in ("awsxray", "0.0.0.0:4318"))
    assert "awsxray" not in graph("dev").named(TASK_DEFINITION, "collector").properties["containerDefinitions"]
    (address,) = found.named(SERVICE, "collector").properties["serviceConnectConfiguration"]["services"]
    assert address["clientAlias"] == [{"dnsName": "collector", "port": 4318}]
    ways = {one.name for one in found.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")}
    assert {f"{name}-to-collector" for name in set(groups("dev").values())} <= ways
    assert [*map(str, violations(found)), *problems(found), *unknown_grants(found)] == []


def test_the_probe_is_beside_the_collector_and_signs_in_where_it_has_a_client(root: Path, graph: Graphs):
    def container(graph: Graph) -> dict[str, Any]:
        definitions = json.loads(graph.named(TASK_DEFINITION, "collector").properties["containerDefinitions"])
        return next(one for one in definitions if one["name"] == "probe")

    stranger = container(graph("dev"))
    assert stranger["entryPoint"] == ["python3", "-c"]
    assert stranger["command"][1:] == ["https://dev.gatehouse.example", "--listen=9101"]
    assert (stranger["environment"], stranger["secrets"]) == ([], [])
    found = graph_of(root, "dev", config=read_config(root, "dev") | {"gatehouse:probe_client": "probe"})
    assert container(found)["environment"] == [{"name": "GATEHOUSE_PROBE_CLIENT_ID", "value": "probe"}]
    (secret,) = container(found)["secrets"]
    assert (secret["name"], "gatehouse-dev/probe" in secret["valueFrom"]) == ("GATEHOUSE_PROBE_CLIENT_SECRET", True)
    assert [*map(str, violations(found)), *problems(found), *unknown_grants(found)] == []
    config = read_config(root, "dev")
    config["gatehouse:network"] = {**config["gatehouse:network"], "egress": "endpoints"}
    alone = graph_of(root, "dev", config=config).named(TASK_DEFINITION, "collector")
    assert [one["name"] for one in json.loads(alone.properties["containerDefinitions"])] == ["collector"]


def full(gib: float, minutes: int) -> list[float | None]:
    """What is free, every five minutes, of storage that fills within an hour and stays full."""
    return [max(0.0, 1 - number / 12) * gib * 1024**3 for number in range(minutes // 5)]


def rings(alarm: dict[str, Any], values: list[float | None]) -> int | None:
    """After how many points CloudWatch rings, as its documentation reads: M of the last N are beyond the threshold."""
    wanted, window = alarm["datapointsToAlarm"], alarm["evaluationPeriods"]
    assert (alarm["comparisonOperator"], alarm["treatMissingData"]) == ("LessThanThreshold", "notBreaching")
    for number in range(window, len(values) + 1):
        beyond = [value for value in values[number - window : number] if value is not None]
        if sum(value < alarm["threshold"] for value in beyond) >= wanted:
            return number
    return None


def test_a_disk_that_fills_is_told_before_it_is_full_and_a_stopped_one_is_not(graph: Graphs):
    """CloudWatch's evaluation is played."""
    for name in ENVIRONMENTS:
        alarm = graph(name).named("aws:cloudwatch/metricAlarm:MetricAlarm", "database-storage").properties
        gib = graph(name).named("aws:rds/instance:Instance", "database").properties["allocatedStorage"]
        told = rings(alarm, full(gib, 120))
        assert told is not None
        assert told * 5 <= 75
        assert rings(alarm, [gib * 0.5 * 1024**3] * 12 + [None] * 132 + [gib * 0.5 * 1024**3] * 12) is None


@pytest.mark.parametrize("egress", ["instance", "nat", "endpoints", "public"])
def test_every_way_out_keeps_every_rule(root: Path, egress: str):
    config = read_config(root, "staging")
    config["gatehouse:network"] = {**config["gatehouse:network"], "egress": egress}
    found = graph_of(root, "staging", config=config)
    assert violations(found) == []
    assert bool(found.of_type("aws:ec2/natGateway:NatGateway")) == (egress == "nat")
    tasks = {subnet for one in found.of_type(SERVICE) for subnet in one.properties["networkConfiguration"]["subnets"]}
    assert all(("public-" in subnet) == (egress == "public") for subnet in tasks)


def test_what_a_component_of_awsx_makes_is_recorded(graph: Graphs):
    for name in ENVIRONMENTS:
        (component,) = graph(name).of_type("awsx:lb:ApplicationLoadBalancer")
        made = {each.name: each.kind for each in graph(name).children(component.urn) if each.kind != "TargetGroup"}
        assert made == {"edge": "LoadBalancer", "edge-0": "Listener", "edge-1": "Listener"}
        (balancer,) = graph(name).of_type("aws:lb/loadBalancer:LoadBalancer")
        assert balancer.properties["dropInvalidHeaderFields"] is True
        rules = graph(name).of_type("aws:lb/listenerRule:ListenerRule")
        (https,) = {rule.properties["listenerArn"] for rule in rules}
        assert https == graph(name).named("aws:lb/listener:Listener", "edge-1").outputs["arn"]
        assert all(
            component.urn in rule.depends_on or any("edge-1" in urn for urn in rule.depends_on) for rule in rules
        )


def test_a_component_that_nobody_described_is_refused(root: Path):
    with pytest.raises(UnknownComponent, match="awsx:ec2:Vpc network: its children are unknown"):
        expand("awsx:ec2:Vpc", "network", {}, lambda *_: {}, lambda *_: {})
    given = {"subnetIds": [], "securityGroups": [], "listeners": []}
    with pytest.raises(UnknownComponent, match="edge: defaultTargetGroup isn't given"):
        expand("awsx:lb:ApplicationLoadBalancer", "edge", given, lambda *_: {}, lambda *_: {})


def test_budgets_filter_by_a_tag_that_is_active(graph: Graphs):
    """AWS counts nothing for a filter by a tag that the account hasn't activated."""
    (tag,) = graph("foundation").of_type("aws:costexplorer/costAllocationTag:CostAllocationTag")
    assert tag.properties["status"] == "Active"
    for name in ENVIRONMENTS:
        (budget,) = graph(name).of_type("aws:budgets/budget:Budget")
        (filtered,) = budget.properties["costFilters"]
        assert filtered["values"] == [f"user:{tag.properties['tagKey']}${name}"]


def test_what_is_torn_down_can_come_back(graph: Graphs):
    """A second deletion needs another name for the snapshot; a bucket that others still fill goes with its content."""
    instance = graph("production").named("aws:rds/instance:Instance", "database")
    suffix = graph("production").named("random:index/randomId:RandomId", "database-final-snapshot")
    assert suffix.urn in instance.property_sources["finalSnapshotIdentifier"]
    assert graph("dev").named("aws:s3/bucket:Bucket", "logs").properties["forceDestroy"] is True
    assert graph("production").named("aws:s3/bucket:Bucket", "logs").properties["forceDestroy"] is False
