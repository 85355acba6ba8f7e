"""The schema resource against moto's ECS: every way in which a task can end, and when it runs again.

moto starts tasks and keeps their log; how a task ends is set in moto's own state, as AWS would set it.
"""

import dataclasses
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Generator
from typing import Any

import boto3
import msgspec
import pytest

from gatehouse_platform.components import schema_resource, schema_task
from gatehouse_platform.components.grafana import DashboardsProvider
from gatehouse_platform.components.schema_resource import SchemaProvider
from gatehouse_platform.components.schema_task import (
    Failed,
    Gone,
    NeverStarted,
    NotRun,
    SchemaTaskError,
    StoppedByAws,
    TaskRun,
    TookTooLong,
    run_to_end,
)

REGION, CONTAINER, LOG_GROUP = "eu-central-1", "demo-database", "/gatehouse/dev/demo"


def _backend() -> Any:
    """moto's own state of ECS. Imported late: moto reads AWS's regions and instance types for a second, and every
    worker of a test run imports this module."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.ecs.models import ecs_backends

    return ecs_backends[DEFAULT_ACCOUNT_ID][REGION]


@dataclasses.dataclass(frozen=True)
class World:
    """A cluster with a task definition, and the run that is asked for."""

    run: TaskRun
    clients: dict[str, Any]

    def task(self, arn: str) -> Any:
        return _backend().tasks["gatehouse-dev"][arn]

    def end(self, arn: str, **how: Any) -> None:
        """Ends a task as AWS would: `code`, `reason`, `stop_code`, `stopped_reason`, `started`."""
        task = self.task(arn)
        container = task.containers[0]
        container.name = CONTAINER
        container.exitCode, container.reason = how.get("code"), how.get("reason")
        for key, value in {
            "stop_code": how.get("stop_code", "EssentialContainerExited"),
            "stopped_reason": how.get("stopped_reason", "Essential container in task exited"),
            "started_at": time.time() if how.get("started", True) else None,
        }.items():
            setattr(task, key, value)
        task.last_status = "STOPPED"

    def log(self, arn: str, *lines: str) -> None:
        stream = f"{CONTAINER}/{CONTAINER}/{arn.rpartition('/')[2]}"
        self.clients["logs"].create_log_stream(logGroupName=LOG_GROUP, logStreamName=stream)
        now = int(time.time() * 1000)
        events = [{"timestamp": now + number, "message": line} for number, line in enumerate(lines)]
        self.clients["logs"].put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=events)


@pytest.fixture(scope="module")
def server() -> Generator[str]:
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


def _moto(server: str, what: str, content: Any) -> None:
    """Asks moto's own interface."""
    body = json.dumps(content).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/{what}", body, headers, method="POST")):
        pass


@pytest.fixture(scope="module")
def world(server: str) -> Generator[World]:
    with pytest.MonkeyPatch.context() as patch:
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(key, "testing")
        patch.setenv("AWS_ENDPOINT_URL", server)
        patch.delenv("AWS_PROFILE", raising=False)
        yield a_cluster(server)


def a_cluster(server: str) -> World:
    session = boto3.session.Session(region_name=REGION)
    clients = {name: session.client(name, endpoint_url=server) for name in ("ecs", "ec2", "logs")}
    # A task stays as it is until a test ends it.
    transition = {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1_000_000}}
    _moto(server, "state-manager/set-transition", transition)
    clients["ecs"].create_cluster(clusterName="gatehouse-dev")
    clients["logs"].create_log_group(logGroupName=LOG_GROUP)
    definition = clients["ecs"].register_task_definition(
        family="gatehouse-dev-demo-database",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": CONTAINER, "image": "a@sha256:b", "memory": 512}],
    )["taskDefinition"]["taskDefinitionArn"]
    subnet = clients["ec2"].describe_subnets()["Subnets"][0]
    group = clients["ec2"].describe_security_groups()["SecurityGroups"][0]["GroupId"]
    run = TaskRun(
        region=REGION,
        cluster="gatehouse-dev",
        task_definition=definition,
        container=CONTAINER,
        subnets=(subnet["SubnetId"],),
        security_groups=(group,),
        public_address=False,
        log_group=LOG_GROUP,
        endpoint=server,
        poll_seconds=0.02,
        patience_seconds=20,
    )
    return World(run, clients)


def ended(world: World, how: Callable[[str], object], **changes: Any) -> str:
    """Runs the task to its end; `how` happens to it once it was started."""
    return run_to_end(msgspec.structs.replace(world.run, **changes), started=how)


def test_a_task_that_succeeds_is_waited_for(world: World):
    """It ends only while it is waited for, in another thread."""
    arns = []

    def later(arn: str) -> None:
        arns.append(arn)
        threading.Timer(0.2, lambda: world.end(arn, code=0)).start()

    assert ended(world, later) == arns[0]
    (listed,) = world.clients["ecs"].describe_tasks(cluster="gatehouse-dev", tasks=arns)["tasks"]
    assert (listed["startedBy"], listed["launchType"]) == ("gatehouse-schema", "FARGATE")


def test_a_task_that_fails_fails_the_update_with_its_last_log_lines(world: World):
    def fail(arn: str) -> None:
        world.log(arn, *(f"line {number}" for number in range(30)), "refused: person.email has duplicates")
        world.end(arn, code=3)

    with pytest.raises(Failed) as caught:
        ended(world, fail)
    said = str(caught.value)
    assert "gatehouse-dev-demo-database:1 ended with exit code 3" in said
    assert said.endswith("    refused: person.email has duplicates")
    assert ("line 12" in said, "line 1\n" in said) == (True, False)


def test_a_task_without_a_log_still_says_why(world: World):
    with pytest.raises(Failed, match=r"exit code 1(.|\n)*can't be read"):
        ended(world, lambda arn: world.end(arn, code=1))


def test_a_task_that_never_started_says_what_was_missing(world: World):
    reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s)"

    def stuck(arn: str) -> None:
        world.end(arn, code=None, reason=reason, stop_code="TaskFailedToStart", stopped_reason="", started=False)

    with pytest.raises(NeverStarted, match="never started: CannotPullContainerError"):
        ended(world, stuck)


def test_a_task_that_aws_stops_is_told_from_one_that_fails(world: World):
    def stopped(arn: str) -> None:
        world.log(arn, "step 2 of 5")
        world.end(arn, code=137, stop_code="ServiceSchedulerInitiated", stopped_reason="Fargate is patched")

    with pytest.raises(StoppedByAws, match=r"\(ServiceSchedulerInitiated\): Fargate is patched(.|\n)*step 2 of 5"):
        ended(world, stopped)


def test_a_task_that_takes_too_long_is_left_running_and_said(world: World):
    arns: list[str] = []
    with pytest.raises(TookTooLong, match=r"takes more than 0\.1 s and is RUNNING"):
        ended(world, arns.append, patience_seconds=0.1)
    assert world.task(arns[0]).last_status == "RUNNING"


def test_a_task_that_is_deleted_meanwhile_is_said(world: World):
    def deleted(arn: str) -> None:
        del _backend().tasks["gatehouse-dev"][arn]

    with pytest.raises(Gone, match="ECS doesn't know arn:aws:ecs"):
        ended(world, deleted)


@pytest.mark.parametrize("changes", [{"cluster": "elsewhere"}, {"task_definition": "nothing:1"}])
def test_what_ecs_refuses_to_run_is_said(world: World, changes: dict):
    with pytest.raises(NotRun, match="can't be run"):
        ended(world, lambda arn: None, **changes)


def test_every_failure_is_one_kind_of_error_with_the_fix():
    kinds = {Failed, Gone, NeverStarted, NotRun, StoppedByAws, TookTooLong}
    assert set(SchemaTaskError.__subclasses__()) == kinds


# The resource around it


def properties(world: World, **changes: Any) -> dict[str, Any]:
    run = world.run
    return {
        "digest": "sha256:1",
        "configuration": "{}",
        "region": run.region,
        "cluster": run.cluster,
        "family": "gatehouse-dev-demo-database",
        "task_definition": run.task_definition,
        "container": run.container,
        "subnets": list(run.subnets),
        "security_groups": list(run.security_groups),
        "public_address": False,
        "log_group": run.log_group,
        "patience_seconds": 20,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "runs"),
    [
        ({}, False),
        ({"digest": "sha256:2"}, True),
        ({"configuration": '{"a": 1}'}, True),
        ({"task_definition": "another:2", "subnets": ["subnet-2"], "security_groups": []}, False),
        ({"task": "the last one"}, False),
    ],
)
def test_it_runs_again_only_when_the_digest_or_the_configuration_changed(world: World, changes: dict, runs: bool):
    old = properties(world)
    assert SchemaProvider().diff("id", old, {**old, **changes}).changes is runs


def ends_with(world: World, monkeypatch: pytest.MonkeyPatch, code: int) -> list[str]:
    """Every task that is started from now on ends with that exit code."""
    started: list[str] = []

    def end(arn: str) -> None:
        started.append(arn)
        world.end(arn, code=code)

    def run(asked: TaskRun) -> str:
        return run_to_end(msgspec.structs.replace(asked, poll_seconds=0.02), started=end)

    monkeypatch.setattr(schema_resource, "run_to_end", run)
    return started


def test_creating_and_updating_run_the_task_and_keep_its_arn(world: World, monkeypatch: pytest.MonkeyPatch):
    started = ends_with(world, monkeypatch, 0)
    made = SchemaProvider().create(properties(world))
    assert (made.id, made.outs and made.outs["task"]) == ("gatehouse-dev/gatehouse-dev-demo-database", started[0])
    changed = SchemaProvider().update(made.id, made.outs or {}, properties(world, digest="sha256:2"))
    assert changed.outs
    assert (changed.outs["task"], changed.outs["digest"]) == (started[1], "sha256:2")


def test_a_failed_run_leaves_nothing_recorded_so_that_the_next_up_runs_it_again(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    ends_with(world, monkeypatch, 3)
    with pytest.raises(Failed):
        SchemaProvider().update("id", properties(world), properties(world, digest="sha256:2"))
    ends_with(world, monkeypatch, 0)
    assert SchemaProvider().diff("id", properties(world), properties(world, digest="sha256:2")).changes


def test_deleting_a_service_drops_no_schema(world: World, monkeypatch: pytest.MonkeyPatch):
    started = ends_with(world, monkeypatch, 0)
    SchemaProvider().delete("id", properties(world))
    assert started == []


def test_pulumi_can_carry_the_provider_to_its_own_process_and_it_stays_the_same():
    """It is pickled by name: an equal program gives an equal text, or every up would run every schema again."""
    from pulumi.dynamic.dynamic import serialize_provider

    for provider in (SchemaProvider, DashboardsProvider):
        once = serialize_provider(provider())
        assert once == serialize_provider(provider())
        assert len(once) < 500


def test_the_time_to_wait_outlasts_what_db_manager_waits():
    assert schema_task.PATIENCE_SECONDS > 600
