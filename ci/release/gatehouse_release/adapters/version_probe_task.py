"""Asks tasks for their /version from within their own network: by a task that is run there for it.

A workflow's machine can't reach a task, and the load balancer doesn't route /version. So the service's own task
definition, proven to start by then, is run once more with `ask` as its command (gatehouse_chassis.ask), in the
service's subnets and security groups, and in the load balancer's group, which every service lets in. It ends by itself
within a minute, and its log has the answers.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gatehouse_release.adapters.version_probe import RunningTask, digest_of
from gatehouse_release.ports import PortFailed

STARTED_BY = "gatehouse-verify"
# As gatehouse_chassis.ask.MARK; promotion doesn't import the chassis.
MARK = "gatehouse-answers "
# A task takes 30 to 60 s from image to exit; Fargate may be out of places for longer.
PATIENCE_SECONDS = 300.0
POLL_SECONDS = 3.0
# CloudWatch shows a line some seconds after it was written.
LOG_PATIENCE_SECONDS = 30.0


class TaskNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service's tasks run, as ECS and its task definition say it; `session` (boto3's) may look there."""

    session: Any
    region: str
    cluster: str
    environment: str
    service: str
    task_definition: str
    network: Mapping[str, Any]
    log: Mapping[str, str]


class FromInside:
    """A task never answers another digest later: what was answered is remembered."""

    def __init__(self, *, patience: float = PATIENCE_SECONDS, poll: float = POLL_SECONDS) -> None:
        self._patience = patience
        self._poll = poll
        self._known: dict[str, str] = {}

    def ask(self, tasks: Sequence[RunningTask], others: Sequence[RunningTask], place: TaskNetwork) -> Mapping[str, str]:
        """Asks `others` in the same go, because each go takes a minute."""
        if any(task.id not in self._known for task in tasks):
            unknown = [task for task in [*tasks, *others] if task.id not in self._known and task.address]
            addresses = {f"http://{task.address}:{task.port}/version": task for task in unknown}
            for address, answer in self._answers(place, sorted(addresses)).items():
                task = addresses.get(address)
                digest = digest_of((answer or "").encode(), task.service) if task else ""
                if task and digest:
                    self._known[task.id] = digest
        return {task.id: self._known.get(task.id, "") for task in tasks}

    def _answers(self, place: TaskNetwork, addresses: list[str]) -> dict[str, str | None]:
        ecs = place.session.client("ecs", region_name=place.region)
        arn = self._start(ecs, place, addresses)
        ended = self._wait(ecs, place, arn)
        said = self._log(place, arn)
        if said is None:
            container = next((one for one in ended.get("containers", []) if one["name"] == place.service), {})
            why = (
                "; ".join(filter(None, (ended.get("stoppedReason"), container.get("reason")))) or "ECS gives no reason"
            )
            raise PortFailed(f"The task that asks for /version in {place.environment} said nothing: {why}. Task: {arn}")
        return said

    def _start(self, ecs: Any, place: TaskNetwork, addresses: list[str]) -> str:
        network = dict(place.network["awsvpcConfiguration"])
        network["securityGroups"] = [*network.get("securityGroups", []), *self._let_in(place)]
        command = {"name": place.service, "command": ["ask", *addresses]}
        answer = ecs.run_task(
            cluster=place.cluster,
            taskDefinition=place.task_definition,
            count=1,
            launchType="FARGATE",
            startedBy=STARTED_BY,
            overrides={"containerOverrides": [command]},
            networkConfiguration={"awsvpcConfiguration": network},
        )
        if not answer["tasks"]:
            reasons = ", ".join(one.get("reason", "unknown") for one in answer.get("failures", []))
            raise PortFailed(
                f"{place.environment} has no place for a task that asks for /version: {reasons}. Try again."
            )
        return answer["tasks"][0]["taskArn"]

    def _let_in(self, place: TaskNetwork) -> list[str]:
        """The load balancer's security group (platform's components/edge.py), whose members every service lets in."""
        ec2 = place.session.client("ec2", region_name=place.region)
        named = [{"Name": "group-name", "Values": [f"gatehouse-{place.environment}-edge"]}]
        return [one["GroupId"] for one in ec2.describe_security_groups(Filters=named)["SecurityGroups"]]

    def _wait(self, ecs: Any, place: TaskNetwork, arn: str) -> dict[str, Any]:
        deadline = time.monotonic() + self._patience
        while True:
            found = ecs.describe_tasks(cluster=place.cluster, tasks=[arn])["tasks"]
            if found and found[0]["lastStatus"] in {"STOPPED", "DELETED"}:
                return found[0]
            if time.monotonic() > deadline:
                ecs.stop_task(cluster=place.cluster, task=arn, reason="took too long")
                raise PortFailed(
                    f"The task that asks for /version in {place.environment} took more than {self._patience:g} s and "
                    f"was stopped. Fix: try again; does it find its image? Task: {arn}"
                )
            time.sleep(self._poll)

    def _log(self, place: TaskNetwork, arn: str) -> dict[str, str | None] | None:
        """What `ask` printed; None when it printed nothing."""
        logs = place.session.client("logs", region_name=place.region)
        prefix = place.log.get("awslogs-stream-prefix", place.service)
        stream = f"{prefix}/{place.service}/{arn.rpartition('/')[2]}"
        deadline = time.monotonic() + min(LOG_PATIENCE_SECONDS, self._patience)
        while True:
            try:
                group = place.log.get("awslogs-group", "")
                events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
            except logs.exceptions.ResourceNotFoundException:
                events = []
            lines = [one["message"].strip() for one in events if one["message"].startswith(MARK)]
            if lines or time.monotonic() > deadline:
                return json.loads(lines[-1].removeprefix(MARK)) if lines else None
            time.sleep(self._poll)
