"""What runs, as moto's ECS and the tasks themselves say it. Deployments are set up here as ECS would leave them."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from gatehouse_release.adapters import ecs
from gatehouse_release.model import RunningService
from gatehouse_release.ports import NotConfigured, PortFailed, Runtime
from gatehouse_release.testing.ecs import REGION, Ecs, moto_ecs

OLD, NEW = "sha256:" + "1" * 64, "sha256:" + "2" * 64
CLUSTER = "gatehouse-test"
TREE = {
    "stacks/Pulumi.test.yaml": f"config:\n  aws:region: {REGION}\n",
    "services/person/service.toml": 'name = "person"\nport = 8402\n',
}


class OneTree:
    """A repository that stands still."""

    def __init__(self, tree: Mapping[str, str]) -> None:
        self.tree = tree

    def read(self) -> tuple[str, Mapping[str, str]]:
        return "0" * 40, self.tree


@pytest.fixture(scope="module")
def server() -> Generator[Ecs]:
    with moto_ecs() as server:
        yield server


@pytest.fixture
def client(server: Ecs, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client, in an account where nothing runs yet."""
    for key, value in server.environ.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    server.answers.clear()
    client = boto3.client("ecs", region_name=REGION)
    client.create_cluster(clusterName=CLUSTER)
    for arn in client.list_tasks(cluster=CLUSTER)["taskArns"]:
        client.stop_task(cluster=CLUSTER, task=arn)
    for service in client.list_services(cluster=CLUSTER)["serviceArns"]:
        client.delete_service(cluster=CLUSTER, service=service, force=True)
    return client


@pytest.fixture
def runtime(server: Ecs, tmp_path: Path) -> Runtime:
    return ecs.connect(tmp_path, server.environ, OneTree(TREE))


def defined(client: Any, digest: str) -> str:
    """A new revision of the task definition, as `pulumi up` registers one. The proxy's image is none of ours."""
    person = {
        "name": "person",
        "image": f"example/person@{digest}",
        "memory": 256,
        "environment": [{"name": "GATEHOUSE_IMAGE_DIGEST", "value": digest}],
    }
    made = client.register_task_definition(family=f"{CLUSTER}-person", containerDefinitions=[person])
    return made["taskDefinition"]["taskDefinitionArn"]


def serving(client: Any, definition: str, tasks: int = 2) -> None:
    """The service runs that definition, in so many tasks."""
    client.create_service(cluster=CLUSTER, serviceName="person", taskDefinition=definition, desiredCount=tasks)
    start(client, definition, tasks)


def start(client: Any, definition: str, tasks: int = 1, group: str = "service:person") -> None:
    client.run_task(cluster=CLUSTER, taskDefinition=definition, count=tasks, group=group, launchType="FARGATE")


def seen(runtime: Runtime) -> RunningService:
    found = runtime.running("test", "person")
    assert found is not None
    return found


def test_a_service_that_is_not_there_is_none(client: Any, runtime: Runtime):
    assert runtime.running("test", "person") is None


def test_a_service_that_runs_as_meant_says_so_in_every_task(client: Any, runtime: Runtime):
    definition = defined(client, NEW)
    serving(client, definition, tasks=3)
    assert seen(runtime) == RunningService(
        task_definition=definition, meant_task_definition=definition, digest=NEW, answered=(NEW,) * 3
    )


def test_a_rollback_of_the_breaker_is_seen_though_nobody_reports_it(client: Any, server: Ecs, runtime: Runtime):
    old = defined(client, OLD)
    serving(client, old)
    new = defined(client, NEW)  # the update registered it, ECS tried it and went back
    server.rolls_back("test", "person")
    found = seen(runtime)
    assert (found.task_definition, found.meant_task_definition) == (old, new)
    assert found.rolled_back
    assert found.digest == OLD


def test_a_rollback_that_is_over_is_no_rollback(client: Any, server: Ecs, runtime: Runtime):
    """ECS keeps its events for long; what runs is what was meant by now."""
    serving(client, defined(client, NEW))
    server.rolls_back("test", "person")
    assert not seen(runtime).rolled_back


def test_another_definition_without_a_rollback_was_put_there_by_hand(client: Any, runtime: Runtime):
    old = defined(client, OLD)
    new = defined(client, NEW)
    serving(client, old)
    found = seen(runtime)
    assert (found.task_definition, found.meant_task_definition, found.rolled_back) == (old, new, False)


def test_a_service_that_answers_the_old_digest_is_told(client: Any, server: Ecs, runtime: Runtime):
    serving(client, defined(client, NEW))
    server.answers["person"] = OLD
    assert seen(runtime).answered == (OLD, OLD)


def test_a_task_that_does_not_answer_is_not_left_out(client: Any, server: Ecs, runtime: Runtime):
    serving(client, defined(client, NEW))
    server.answers["person"] = ""
    assert seen(runtime).answered == ("", "")


def test_a_task_of_an_older_definition_that_still_runs_proves_nothing(client: Any, runtime: Runtime):
    """Both definitions hold the same image: only the definition tells them apart."""
    old = defined(client, NEW)
    new = defined(client, NEW)
    serving(client, new)
    start(client, old)
    assert sorted(seen(runtime).answered) == ["", NEW, NEW]


def test_tasks_of_others_and_stopped_ones_are_not_asked(client: Any, runtime: Runtime):
    definition = defined(client, NEW)
    serving(client, definition, tasks=1)
    start(client, definition, group="family:schema")
    start(client, definition)
    last = client.list_tasks(cluster=CLUSTER, desiredStatus="RUNNING")["taskArns"][-1]
    client.stop_task(cluster=CLUSTER, task=last)
    assert seen(runtime).answered == (NEW,)


def test_an_environment_that_does_not_exist_yet_is_told(client: Any, server: Ecs, tmp_path: Path):
    tree = {**TREE, "stacks/Pulumi.elsewhere.yaml": TREE["stacks/Pulumi.test.yaml"]}
    with pytest.raises(PortFailed, match=r"ECS in eu-central-1 can't be asked: .*Cluster"):
        ecs.connect(tmp_path, server.environ, OneTree(tree)).running("elsewhere", "person")


def test_a_stack_file_without_a_region_is_named(server: Ecs, tmp_path: Path):
    with pytest.raises(PortFailed, match=r"Pulumi\.dev\.yaml names no aws:region"):
        ecs.connect(tmp_path, server.environ, OneTree(TREE)).running("dev", "person")


def test_somebody_without_credentials_is_told(client: Any, runtime: Runtime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    with pytest.raises(NotConfigured, match=r"wants credentials.*sign in"):
        runtime.running("test", "person")


GROUPED = {
    **TREE,
    "stacks/Pulumi.test.yaml": TREE["stacks/Pulumi.test.yaml"]
    + "  gatehouse:groups:\n    members: {services: [person, topics, partner]}\n",
    "services/topics/service.toml": 'name = "topics"\nport = 8404\n',
}


def grouped(client: Any, **digests: str) -> str:
    """A new revision of the group's task definition. `partner` was never released."""
    containers = [
        {
            "name": name,
            "image": f"example/{name}@{digest}",
            "memory": 256,
            "environment": [{"name": "GATEHOUSE_IMAGE_DIGEST", "value": digest}],
        }
        for name, digest in digests.items()
    ]
    made = client.register_task_definition(family=f"{CLUSTER}-members", containerDefinitions=containers)
    return made["taskDefinition"]["taskDefinitionArn"]


def test_services_of_a_group_are_each_looked_at_in_its_tasks(client: Any, server: Ecs, tmp_path: Path):
    definition = grouped(client, person=NEW, topics=OLD)
    client.create_service(cluster=CLUSTER, serviceName="members", taskDefinition=definition, desiredCount=2)
    start(client, definition, 2, group="service:members")
    runtime = ecs.connect(tmp_path, server.environ, OneTree(GROUPED))
    person, topics = (runtime.running("test", name) for name in ("person", "topics"))
    assert person
    assert topics
    assert (person.digest, person.answered, person.group, person.siblings) == (NEW, (NEW, NEW), "members", ("topics",))
    assert (topics.digest, topics.answered, topics.siblings) == (OLD, (OLD, OLD), ("person",))
    assert runtime.running("test", "partner") is None


def test_a_rollback_of_a_group_names_whose_image_was_new(client: Any, server: Ecs, tmp_path: Path):
    old = grouped(client, person=OLD, topics=OLD)
    client.create_service(cluster=CLUSTER, serviceName="members", taskDefinition=old, desiredCount=1)
    start(client, old, 1, group="service:members")
    grouped(client, person=NEW, topics=OLD)
    server.rolls_back("test", "members")
    found = ecs.connect(tmp_path, server.environ, OneTree(GROUPED)).running("test", "topics")
    assert found
    assert (found.rolled_back, found.group, found.culprits) == (True, "members", ("person",))


def test_the_container_that_ended_is_told_from_those_that_were_stopped_with_it():
    def task(**codes: int | None) -> dict[str, Any]:
        return {"containers": [{"name": name, "exitCode": code} for name, code in codes.items()]}

    assert ecs.ended_with_an_error([task(person=1, topics=143, partner=0), task(person=3, topics=137)]) == ("person",)
    assert ecs.ended_with_an_error([task(person=None)]) == ()
    killed = {"containers": [{"name": "topics", "exitCode": 137, "reason": "OutOfMemoryError: Container killed"}]}
    assert ecs.ended_with_an_error([killed, task(person=0)]) == ("topics",)
