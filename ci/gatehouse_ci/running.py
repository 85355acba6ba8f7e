"""What really runs: ECS's own view of a service, and what every one of its tasks answers at /version.

"Done means observed": Pulumi reports a breaker's rollback as success (pulumi-aws #4487, awsx #1848), so the running
task definition is compared with the newest one of its family, which is the one that Pulumi registered last.
"""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatehouse_ci.asking import Asking, FromHere, Task
from gatehouse_ci.deploying import Deployer
from gatehouse_ci.files import service_toml, stack_config
from gatehouse_ci.ports import NotConfigured, PortFailed, Repository, Runtime, Tree
from gatehouse_ci.structs import Running

if TYPE_CHECKING:
    from botocore.client import BaseClient

ADDRESS = "GATEHOUSE_VERSION_ADDRESS"
DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")
# As ECS writes it into a deployment's rolloutStateReason and into a service's events.
ROLLED_BACK = re.compile(r"roll(?:ed|ing) back|circuit breaker|deployment failed", re.IGNORECASE)
DESCRIBED_AT_ONCE = 100  # tasks, by ECS's own limit
RECENT_EVENTS = 10
REMEMBERED_SECONDS = 30.0


def connect(root: Path, environ: Mapping[str, str], repository: Repository) -> Runtime:
    """AWS as the stack files name it. Credentials are found as boto3 does.

    GATEHOUSE_VERSION_ADDRESS says where a task answers when this machine stands in the environment's network; without
    it, a task is run there that asks.
    """
    address = environ.get(ADDRESS, "")
    if not address:
        raise NotConfigured(
            "Nobody can ask the tasks for their /version.",
            f"Mend: set {ADDRESS} (http://{{address}}:{{port}}/version) on a machine in the environment's network.",
        )
    return EcsRuntime(Deployer(root, repository, environ), repository, FromHere(address))


class EcsRuntime:
    """The environments in ECS: deploys to them and looks at them."""

    def __init__(self, deployer: Deployer, repository: Repository, asking: Asking) -> None:
        self._deployer = deployer
        self._repository = repository
        self._asking = asking
        self._clients: dict[str, BaseClient] = {}
        self._read: tuple[float, Tree] = (float("-inf"), {})

    def deploy(self, environment: str, revision: str) -> None:
        self._deployer.deploy(environment, revision)

    def running(self, environment: str, service: str) -> Running | None:
        tree = self._tree()
        region = stack_config(tree, environment).get("aws:region")
        if not region:
            raise PortFailed(f"stacks/Pulumi.{environment}.yaml names no aws:region.")
        with _AwsErrors(f"ECS in {region}"):
            return self._running(environment, service, str(region), service_toml(tree, service).get("port", 0))

    def _tree(self) -> Tree:
        """For regions and ports, which hardly ever change: a look at each of many services fetches main once."""
        if time.monotonic() - self._read[0] > REMEMBERED_SECONDS:
            self._read = (time.monotonic(), self._repository.read()[1])
        return self._read[1]

    def _running(self, environment: str, service: str, region: str, port: int) -> Running | None:
        ecs, cluster = self._client(region), f"gatehouse-{environment}"
        found = ecs.describe_services(cluster=cluster, services=[service])["services"]
        active = [one for one in found if one["status"] != "INACTIVE"]
        if not active:
            return None
        (described,) = active
        current = _task_definition(described)
        newest = _definition(ecs, f"gatehouse-{environment}-{service}")
        runs = newest if newest["taskDefinitionArn"] == current else _definition(ecs, current)
        tasks = _tasks(ecs, cluster, service, environment, port)
        answers = self._asking.ask(tasks)
        return Running(
            task_definition=current,
            meant_task_definition=newest["taskDefinitionArn"],
            digest=_digest(runs["containerDefinitions"], service),
            # A task of another definition is no proof of this one, whatever it answers: it may be on its way out.
            answered=tuple(answers.get(task.id, "") if task.task_definition == current else "" for task in tasks),
            rolled_back=runs is not newest and _rolled_back(described),
        )

    def _client(self, region: str) -> Any:
        if region not in self._clients:
            try:
                import boto3  # noqa: PLC0415 - the group `platform` installs it
            except ImportError as error:
                raise NotConfigured("boto3 isn't installed.", "Mend: uv sync --group platform") from error
            self._clients[region] = boto3.session.Session(region_name=region).client("ecs")
        return self._clients[region]


class _AwsErrors:
    """Turns what boto3 raises into what the core knows."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or not type(error).__module__.startswith("botocore"):
            return
        if type(error).__name__ in {"NoCredentialsError", "PartialCredentialsError"}:
            mend = "Mend: sign in (aws sso login), or let the workflow do this."
            raise NotConfigured(f"{self._what} wants credentials: {error}.", mend) from error
        raise PortFailed(
            f"{self._what} can't be asked: {error}. Mend: try again; is this the right account?"
        ) from error


def _task_definition(service: Mapping[str, Any]) -> str:
    """Of the deployment that is meant to stay; a rollback makes a new one with the old task definition."""
    primary = [one for one in service.get("deployments", []) if one.get("status") == "PRIMARY"]
    return str(primary[0]["taskDefinition"] if primary else service["taskDefinition"])


def _definition(ecs: Any, name: str) -> dict[str, Any]:
    """By ARN, or the newest active one of a family."""
    return ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]


def _digest(containers: Sequence[Mapping[str, Any]], service: str) -> str:
    """Of the service's own container; a collector's or a proxy's doesn't count."""
    image = next((one["image"] for one in containers if one["name"] == service), "")
    found = DIGEST.search(image)
    return found[1] if found else ""


def _rolled_back(service: Mapping[str, Any]) -> bool:
    deployments = service.get("deployments", [])
    failed = any(one.get("rolloutState") == "FAILED" for one in deployments)
    said = [one.get("rolloutStateReason", "") for one in deployments]
    said += [event.get("message", "") for event in service.get("events", [])[:RECENT_EVENTS]]
    return failed or any(ROLLED_BACK.search(text) for text in said)


def _tasks(ecs: Any, cluster: str, service: str, environment: str, port: int) -> list[Task]:
    """The service's running tasks. Those that were told to stop aren't listed: they finish their last requests."""
    pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, serviceName=service, desiredStatus="RUNNING")
    arns = [arn for page in pages for arn in page["taskArns"]]
    described = []
    for start in range(0, len(arns), DESCRIBED_AT_ONCE):
        some = arns[start : start + DESCRIBED_AT_ONCE]
        described += ecs.describe_tasks(cluster=cluster, tasks=some)["tasks"]
    return [
        Task(
            id=one["taskArn"].rpartition("/")[2],
            service=service,
            environment=environment,
            address=_address(one),
            port=port,
            task_definition=one["taskDefinitionArn"],
        )
        for one in described
        if one.get("group") == f"service:{service}" and one["lastStatus"] == "RUNNING"
    ]


def _address(task: Mapping[str, Any]) -> str:
    details = (detail for part in task.get("attachments", []) for detail in part.get("details", []))
    return next((str(one["value"]) for one in details if one["name"] == "privateIPv4Address"), "")
