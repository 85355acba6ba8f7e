"""Task definitions and services fit ECS's own model; what doesn't is found. And the type check reads every argument."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gatehouse_platform.config.settings import ENVIRONMENTS
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.policies.ecs_schemas import problems, service_request, task_definition_request, validated
from gatehouse_platform.policies.tasks import containers_of

Graphs = Callable[[str], Graph]
TY = Path(sys.executable).parent / "ty"


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_every_task_definition_and_service_fits(graph: Graphs, stack: str):
    assert list(problems(graph(stack))) == []


def test_nothing_is_left_out_on_the_way_to_the_model(graph: Graphs):
    service = service_request(graph("dev").named("aws:ecs/service:Service", "ledger"))
    assert service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service["deploymentConfiguration"]["alarms"]["alarmNames"] == ["gatehouse-dev-ledger-errors"]
    assert service["serviceConnectConfiguration"]["services"][0]["clientAliases"][0]["dnsName"] == "ledger"
    assert "launchType" not in service  # it conflicts with capacity providers
    task = task_definition_request(graph("dev").named("aws:ecs/taskDefinition:TaskDefinition", "ledger"))
    assert task["runtimePlatform"] == {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}


@pytest.mark.parametrize(
    ("kind", "properties", "said"),
    [
        ("TaskDefinition", {"cpu": "256", "memory": "4096"}, "is no Fargate size"),
        ("TaskDefinition", {"networkMode": "vpc"}, "networkMode = vpc: is not one of"),
        ("TaskDefinition", {"runtimePlatform": {"cpuArchitecture": "ARM"}}, "cpuArchitecture = ARM"),
        ("TaskDefinition", {"nonsense": 1}, "nonsense"),
        ("Service", {"desiredCount": "two"}, "desiredCount"),
        ("Service", {"deploymentConfiguration": {"strategy": "BLUEGREEN"}}, "strategy = BLUEGREEN"),
        ("Service", {"propagateTags": "TASKS"}, "propagateTags = TASKS"),
    ],
)
def test_what_doesnt_fit_is_found(graph: Graphs, kind: str, properties: dict, said: str):
    import msgspec

    of = graph("dev")
    old = next(one for one in of.resources if one.type == f"aws:ecs/{kind[:1].lower()}{kind[1:]}:{kind}")
    new = msgspec.structs.replace(old, properties={**old.properties, **properties})
    broken = msgspec.structs.replace(of, resources=(*(one for one in of.resources if one is not old), new))
    assert said in "\n".join(problems(broken))


def test_a_wrong_container_is_found(graph: Graphs):
    (container,) = containers_of(graph("dev").named("aws:ecs/taskDefinition:TaskDefinition", "ledger"))
    for wrong in ({"stopTimeout": "60"}, {"portMapings": []}, {"portMappings": [{"protocol": "http"}]}):
        request = {"family": "x", "containerDefinitions": [json.loads(json.dumps({**container, **wrong}))]}
        assert list(validated("RegisterTaskDefinition", request)) != []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ('ecs.Cluster("x", nam="x")', "No overload of `Cluster.__init__`"),
        ('ecs.Service("x", network_configuration=ecs.ServiceNetworkConfigurationArgs(subnet=[]))', "subnet"),
        ('ecs.Service("x", deployment_circuit_breaker={"enable": True, "rolback": True})', "rolback"),
        ("ExecutionArgs(entri=1)", "entri"),
    ],
)
def test_a_misspelt_argument_or_nested_key_is_caught_by_the_type_check(tmp_path: Path, statement: str, said: str):
    """Mocks take any name; only the type check sees it."""
    file = tmp_path / "wrong.py"
    file.write_text(
        "from pulumi_aws import ecs\n"
        f"from gatehouse_platform.components.task_group import ExecutionArgs\n\n{statement}\n"
    )
    command = [str(TY), "check", "--python", sys.prefix, "--output-format", "concise", str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert said in done.stdout
