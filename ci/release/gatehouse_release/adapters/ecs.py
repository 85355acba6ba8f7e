"""What really runs: ECS's own view of a service, and what every one of its tasks answers at /version.

"Done means observed": Pulumi reports a breaker's rollback as success (pulumi-aws #4487, awsx #1848), so the running
task definition is compared with the newest one of its family, which is the one that Pulumi registered last.
"""

import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gatehouse_release.adapters.aws_session import Looking
from gatehouse_release.adapters.pulumi_up import Deployer
from gatehouse_release.adapters.version_probe import DirectVersionProbe, RunningTask, TaskNetwork, VersionProbe
from gatehouse_release.adapters.version_probe_task import TaskVersionProbe
from gatehouse_release.git.files import Main, group_of, members_of, service_toml, stack_config
from gatehouse_release.model import RunningService
from gatehouse_release.ports import NotConfigured, PortFailed, Runtime, Tree

ADDRESS = "GATEHOUSE_VERSION_ADDRESS"
DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})$")
# As ECS writes it into a deployment's rolloutStateReason and into a service's events.
ROLLED_BACK = re.compile(r"roll(?:ed|ing) back|circuit breaker|deployment failed", re.IGNORECASE)
SERVICE_GROUP = "service:"  # begins the group of a task that ECS started for a service
DESCRIBED_AT_ONCE = 100  # tasks, by ECS's own limit
RECENT_EVENTS = 10
# 128 + SIGTERM, and + SIGKILL: what ECS sends to the others when one container of a task has ended.
BY_SIGNAL = (143, 137)
REMEMBERED_SECONDS = 30.0
LISTED_SECONDS = 1.0


def connect(root: Path, environ: Mapping[str, str], repository: Main) -> Runtime:
    """AWS as the stack files name it. Credentials are found as boto3 does.

    GATEHOUSE_VERSION_ADDRESS (`http://{address}:{port}/version`) says where a task answers when this machine stands in
    the environment's network; without it, a task is run there that asks. Raises NotConfigured without boto3.
    """
    try:
        from boto3.session import Session  # noqa: PLC0415 - the group `platform` installs it
    except ImportError as error:
        raise NotConfigured("boto3 isn't installed.", "Fix: uv sync --group platform") from error
    session, address = Session(), environ.get(ADDRESS, "")
    probe: VersionProbe = DirectVersionProbe(address) if address else TaskVersionProbe()
    return EcsRuntime(session, Deployer(root, repository, environ), repository, probe)


class EcsRuntime:
    """The environments in ECS: deploys to them and looks at them."""

    def __init__(
        self, session: Any, deployer: Deployer, repository: Main, probe: VersionProbe, *, listed: float = LISTED_SECONDS
    ) -> None:
        self._looking = Looking(session, self._account)
        self._deployer = deployer
        self._repository = repository
        self._probe = probe
        self._clients: dict[tuple[str, str], Any] = {}
        self._listed_seconds = listed
        self._listed: dict[str, tuple[float, list[RunningTask]]] = {}
        # Of each task definition, which never changes.
        self._containers: dict[str, set[str]] = {}
        self._read: tuple[float, Tree] = (float("-inf"), {})

    def deploy(self, environment: str, revision: str) -> None:
        self._deployer.deploy(environment, revision)
        self._listed.clear()
        self._read = (float("-inf"), {})  # a deployment can put a service into other tasks

    def running(self, environment: str, service: str) -> RunningService | None:
        tree = self._tree()
        region = stack_config(tree, environment).get("aws:region")
        if not region:
            raise PortFailed(f"stacks/Pulumi.{environment}.yaml names no aws:region.")
        group, members = group_of(tree, environment, service)
        with _AwsErrors(f"ECS in {region}"):
            return self._running(environment, service, str(region), group, members)

    def _tree(self) -> Tree:
        """For regions, ports and groups, which change by a deployment if at all: a look at each of many services
        fetches main once."""
        if time.monotonic() - self._read[0] > REMEMBERED_SECONDS:
            self._read = (time.monotonic(), self._repository.read()[1])
        return self._read[1]

    def _running(
        self, environment: str, service: str, region: str, group: str, members: tuple[str, ...]
    ) -> RunningService | None:
        ecs, cluster = self._client(environment, region), f"gatehouse-{environment}"
        found = ecs.describe_services(cluster=cluster, services=[group])["services"]
        active = [one for one in found if one["status"] != "INACTIVE"]
        if not active:
            return None
        (described,) = active
        current = _task_definition(described)
        newest = _definition(ecs, f"gatehouse-{environment}-{group}")
        runs = newest if newest["taskDefinitionArn"] == current else _definition(ecs, current)
        if not _container(runs, service) and not _container(newest, service):
            return None
        everything = self._tasks(ecs, cluster, environment)
        tasks = [task for task in everything if task.service == service]
        container = _container(runs, service)
        network = TaskNetwork(
            session=self._looking.session(environment, region),
            region=region,
            cluster=cluster,
            environment=environment,
            service=service,
            task_definition=current,
            configuration=described.get("networkConfiguration") or {},
            log=(container.get("logConfiguration") or {}).get("options") or {},
        )
        others = [task for task in everything if task.service != service]
        rolled_back = runs is not newest and _rolled_back(described)
        answers = self._probe.probe(tasks, others, network) if tasks else {}
        return RunningService(
            task_definition=current,
            meant_task_definition=newest["taskDefinitionArn"],
            digest=_digest(container),
            # A task of another definition is no proof of this one, whatever it answers: it may be on its way out.
            answered=tuple(answers.get(task.id, "") if task.task_definition == current else "" for task in tasks),
            rolled_back=rolled_back,
            group=group if len(members) > 1 else "",
            siblings=tuple(sorted(each for each in members if each != service and _container(runs, each))),
            culprits=self._culprits(ecs, cluster, group, runs, newest) if rolled_back and len(members) > 1 else (),
        )

    def _culprits(
        self, ecs: Any, cluster: str, group: str, runs: Mapping[str, Any], newest: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Whose container ended with an error; where none did, whose image is another one than before."""
        stopped = ecs.list_tasks(cluster=cluster, serviceName=group, desiredStatus="STOPPED")["taskArns"]
        described = ecs.describe_tasks(cluster=cluster, tasks=stopped[:DESCRIBED_AT_ONCE])["tasks"] if stopped else []
        tried = [one for one in described if one["taskDefinitionArn"] == newest["taskDefinitionArn"]]
        return ended_with_an_error(tried) or changed_images(runs, newest)

    def _tasks(self, ecs: Any, cluster: str, environment: str) -> list[RunningTask]:
        """All services' running tasks, listed once for a look at each of them."""
        at, tasks = self._listed.get(cluster, (float("-inf"), []))
        if time.monotonic() - at >= self._listed_seconds:
            tasks = self._list(ecs, cluster, environment)
            self._listed[cluster] = (time.monotonic(), tasks)
        return tasks

    def _list(self, ecs: Any, cluster: str, environment: str) -> list[RunningTask]:
        """Those that were told to stop aren't listed: they finish their last requests."""
        pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus="RUNNING")
        arns = [arn for page in pages for arn in page["taskArns"]]
        described = []
        for start in range(0, len(arns), DESCRIBED_AT_ONCE):
            some = arns[start : start + DESCRIBED_AT_ONCE]
            described += ecs.describe_tasks(cluster=cluster, tasks=some)["tasks"]
        tree = self._tree()
        return [
            RunningTask(
                id=one["taskArn"].rpartition("/")[2],
                service=service,
                environment=environment,
                address=_address(one),
                port=service_toml(tree, service).get("port", 0),
                task_definition=one["taskDefinitionArn"],
            )
            for one in described
            if one.get("group", "").startswith(SERVICE_GROUP) and one["lastStatus"] == "RUNNING"
            for service in self._services_of(ecs, one, members_of(tree, environment, _group_of_task(one)))
        ]

    def _services_of(self, ecs: Any, task: Mapping[str, Any], members: tuple[str, ...]) -> list[str]:
        """The services of a group that have a container in this task: one that was never released has none."""
        if len(members) == 1:
            return [*members]
        arn = str(task["taskDefinitionArn"])
        if arn not in self._containers:
            self._containers[arn] = {one["name"] for one in _definition(ecs, arn)["containerDefinitions"]}
        return [name for name in members if name in self._containers[arn]]

    def _client(self, environment: str, region: str) -> Any:
        if (environment, region) not in self._clients:
            session = self._looking.session(environment, region)
            self._clients[environment, region] = session.client("ecs", region_name=region)
        return self._clients[environment, region]

    def _account(self, environment: str) -> str:
        return str(stack_config(self._tree(), environment).get("gatehouse:account", ""))


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
            fix = "Fix: sign in (aws sso login), or let the workflow do this."
            raise NotConfigured(f"{self._what} wants credentials: {error}.", fix) from error
        raise PortFailed(f"{self._what} can't be asked: {error}. Fix: try again; is this the right account?") from error


def _task_definition(service: Mapping[str, Any]) -> str:
    """Of the deployment that is meant to stay; a rollback makes a new one with the old task definition."""
    primary = [one for one in service.get("deployments", []) if one.get("status") == "PRIMARY"]
    return str(primary[0]["taskDefinition"] if primary else service["taskDefinition"])


def _definition(ecs: Any, name: str) -> dict[str, Any]:
    """By ARN, or the newest active one of a family."""
    return ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]


def _container(definition: Mapping[str, Any], service: str) -> dict[str, Any]:
    """The service's own container; a collector's or a proxy's doesn't count."""
    return next((one for one in definition["containerDefinitions"] if one["name"] == service), {})


def _group_of_task(task: Mapping[str, Any]) -> str:
    return str(task["group"]).removeprefix(SERVICE_GROUP)


def ended_with_an_error(tasks: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The containers that ended tasks; those that ECS stopped with them ended by its signal, or well."""
    ended = {
        str(one["name"])
        for task in tasks
        for one in task.get("containers", [])
        if one.get("exitCode") not in (None, 0, *BY_SIGNAL) or "OutOfMemory" in str(one.get("reason", ""))
    }
    return tuple(sorted(ended))


def changed_images(runs: Mapping[str, Any], newest: Mapping[str, Any]) -> tuple[str, ...]:
    """The containers whose image isn't the same in both task definitions."""
    before, after = (
        {one["name"]: one.get("image", "") for one in definition["containerDefinitions"]}
        for definition in (runs, newest)
    )
    return tuple(sorted(name for name in after if after[name] != before.get(name)))


def _digest(container: Mapping[str, Any]) -> str:
    found = DIGEST.search(container.get("image", ""))
    return found[1] if found else ""


def _rolled_back(service: Mapping[str, Any]) -> bool:
    deployments = service.get("deployments", [])
    failed = any(one.get("rolloutState") == "FAILED" for one in deployments)
    said = [one.get("rolloutStateReason", "") for one in deployments]
    said += [event.get("message", "") for event in service.get("events", [])[:RECENT_EVENTS]]
    return failed or any(ROLLED_BACK.search(text) for text in said)


def _address(task: Mapping[str, Any]) -> str:
    details = (detail for part in task.get("attachments", []) for detail in part.get("details", []))
    return next((str(one["value"]) for one in details if one["name"] == "privateIPv4Address"), "")
