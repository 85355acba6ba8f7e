"""A task that asks the others, in moto's ECS. A thread plays the part of the task: it reads its command, asks (moto's
own tasks stand for those asked), writes the log and ends, as ECS and gatehouse_chassis.ask would."""

import json
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.session import Session

from gatehouse_chassis.ask import MARK
from gatehouse_release.adapters import version_probe_task
from gatehouse_release.adapters.ecs import EcsRuntime
from gatehouse_release.adapters.pulumi_up import Deployer
from gatehouse_release.adapters.version_probe_task import STARTED_BY, TaskVersionProbe
from gatehouse_release.model import RunningService
from gatehouse_release.ports import PortFailed
from gatehouse_release.testing.ecs import REGION, Ecs, backend, moto_ecs

from .test_ecs import CLUSTER, NEW, TREE, OneTree

LOG = "/gatehouse/test/person"


class Inside(threading.Thread):
    """The asking tasks of moto's ECS. `silent`: they end without a word; `stuck`: they never end."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.commands: list[list[str]] = []
        self.silent = self.stuck = False

    def run(self) -> None:
        logs = boto3.client("logs", region_name=REGION)
        while not self.stopping.wait(0.02):
            for task in self.tasks(STARTED_BY):
                if task.last_status == "RUNNING" and not self.stuck:
                    self.end(task, logs)

    @staticmethod
    def tasks(started_by: str) -> list[Any]:
        tasks = backend().tasks[CLUSTER].values()
        return [one for one in list(tasks) if one.started_by == started_by]

    def end(self, task: Any, logs: Any) -> None:
        (override,) = task.overrides["containerOverrides"]
        self.commands.append(override["command"])
        if not self.silent:
            stream = f"person/person/{task.id}"
            logs.create_log_stream(logGroupName=LOG, logStreamName=stream)
            lines = ["starting", MARK + json.dumps({url: self.answer(url) for url in override["command"][1:]})]
            now = int(time.time() * 1000)
            events = [{"timestamp": now, "message": line} for line in lines]
            logs.put_log_events(logGroupName=LOG, logStreamName=stream, logEvents=events)
        task.stopped_reason = "Essential container in task exited"
        task.last_status = task.desired_status = "STOPPED"

    def answer(self, url: str) -> str | None:
        at = {address_of(one): one for one in self.tasks("")}
        task = at.get(url.removeprefix("http://").partition(":")[0])
        return json.dumps({"service": "person", "image_digest": NEW}) if task else None


def address_of(task: Any) -> str:
    (attached,) = task.attachments
    return next(one["value"] for one in attached["details"] if one["name"] == "privateIPv4Address")


@pytest.fixture(scope="module")
def server() -> Generator[Ecs]:
    with moto_ecs() as ecs, pytest.MonkeyPatch.context() as patch:
        for key, value in ecs.environ.items():
            patch.setenv(key, value)
        patch.delenv("AWS_PROFILE", raising=False)
        boto3.client("logs", region_name=REGION).create_log_group(logGroupName=LOG)
        yield ecs


@pytest.fixture(scope="module")
def groups(server: Ecs) -> dict[str, str]:
    """The security groups of the service and of the load balancer, by whose they are; and a subnet."""
    ec2 = boto3.client("ec2", region_name=REGION)
    made = {
        name: ec2.create_security_group(GroupName=f"gatehouse-test-{name}", Description=name)["GroupId"]
        for name in ("person", "edge")
    }
    return made | {"subnet": ec2.describe_subnets()["Subnets"][0]["SubnetId"]}


@pytest.fixture(scope="module")
def ecs(server: Ecs, groups: dict[str, str]) -> Any:
    """A client, where person runs in two tasks."""
    client = boto3.client("ecs", region_name=REGION)
    options = {"awslogs-group": LOG, "awslogs-region": REGION, "awslogs-stream-prefix": "person"}
    person = {
        "name": "person",
        "image": f"example/person@{NEW}",
        "memory": 256,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    definition = client.register_task_definition(
        family=f"{CLUSTER}-person", networkMode="awsvpc", containerDefinitions=[person]
    )["taskDefinition"]["taskDefinitionArn"]
    own = {"subnets": [groups["subnet"]], "securityGroups": [groups["person"]], "assignPublicIp": "ENABLED"}
    network: Any = {"awsvpcConfiguration": own}
    client.create_service(
        cluster=CLUSTER,
        serviceName="person",
        taskDefinition=definition,
        desiredCount=2,
        networkConfiguration=network,
    )
    client.run_task(
        cluster=CLUSTER,
        taskDefinition=definition,
        count=2,
        group="service:person",
        launchType="FARGATE",
        networkConfiguration=network,
    )
    return client


@pytest.fixture
def inside(ecs: Any) -> Generator[Inside]:
    playing = Inside()
    playing.start()
    yield playing
    playing.stopping.set()
    playing.join()


def seen(tmp_path: Path, patience: float = 20.0) -> EcsRuntime:
    repository = OneTree(TREE)
    probe = TaskVersionProbe(patience=patience, poll=0.02)
    return EcsRuntime(Session(), Deployer(tmp_path, repository, {}), repository, probe)


def test_every_task_is_asked_by_one_that_runs_beside_them(inside: Inside, groups: dict[str, str], tmp_path: Path):
    runtime = seen(tmp_path)
    found = runtime.running("test", "person")
    assert isinstance(found, RunningService)
    assert found.answered == (NEW, NEW)
    (command,) = inside.commands
    assert command[0] == "ask"
    assert sorted(command[1:]) == sorted(f"http://{address_of(one)}:8402/version" for one in inside.tasks(""))
    asker = inside.tasks(STARTED_BY)[-1]
    allowed = asker.network_configuration["awsvpcConfiguration"]["securityGroups"]
    assert allowed == [groups["person"], groups["edge"]]
    # A task doesn't become another: it isn't asked again.
    assert runtime.running("test", "person") == found
    assert len(inside.commands) == 1


def test_a_task_that_ends_without_a_word_is_told(inside: Inside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(version_probe_task, "LOG_PATIENCE_SECONDS", 0.3)
    inside.silent = True
    with pytest.raises(PortFailed, match=r"said nothing: Essential container in task exited.*Task: arn"):
        seen(tmp_path).running("test", "person")


def test_a_task_that_does_not_end_is_stopped(inside: Inside, tmp_path: Path):
    inside.stuck = True
    with pytest.raises(PortFailed, match=r"took more than 0\.2 s and was stopped"):
        seen(tmp_path, patience=0.2).running("test", "person")
    assert inside.tasks(STARTED_BY)[-1].last_status == "STOPPED"


def test_both_ends_know_the_line_by_the_same_mark():
    assert version_probe_task.MARK == MARK
