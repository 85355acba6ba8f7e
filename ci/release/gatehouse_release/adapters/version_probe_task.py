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

from gatehouse_release.adapters.version_probe import RunningTask, TaskNetwork, digest_of
from gatehouse_release.ports import PortFailed

STARTED_BY = "gatehouse-verify"
# As gatehouse_chassis.ask.MARK; promotion doesn't import the chassis.
MARK = "gatehouse-answers "
# A task takes 30 to 60 s from image to exit; Fargate may be out of places for longer.
PATIENCE_SECONDS = 300.0
POLL_SECONDS = 3.0
# CloudWatch shows a line some seconds after it was written.
LOG_PATIENCE_SECONDS = 30.0


class TaskVersionProbe:
    """A task never answers another digest later: what was answered is remembered."""

    def __init__(self, *, patience: float = PATIENCE_SECONDS, poll: float = POLL_SECONDS) -> None:
        self._patience = patience
        self._poll = poll
        # By task and service: services of a group answer at ports of one task.
        self._known: dict[tuple[str, str], str] = {}

    def probe(
        self, tasks: Sequence[RunningTask], others: Sequence[RunningTask], network: TaskNetwork
    ) -> Mapping[str, str]:
        """Asks `others` in the same go, because each go takes a minute."""
        if any((task.id, task.service) not in self._known for task in tasks):
            unknown = [
                task for task in [*tasks, *others] if (task.id, task.service) not in self._known and task.address
            ]
            addresses = {f"http://{task.address}:{task.port}/version": task for task in unknown}
            for address, answer in self._answers(network, sorted(addresses)).items():
                task = addresses.get(address)
                digest = digest_of((answer or "").encode(), task.service) if task else ""
                if task and digest:
                    self._known[task.id, task.service] = digest
        return {task.id: self._known.get((task.id, task.service), "") for task in tasks}

    def _answers(self, network: TaskNetwork, addresses: list[str]) -> dict[str, str | None]:
        ecs = network.session.client("ecs", region_name=network.region)
        arn = self._start(ecs, network, addresses)
        ended = self._wait(ecs, network, arn)
        said = self._log(network, arn)
        if said is None:
            container = next((one for one in ended.get("containers", []) if one["name"] == network.service), {})
            why = (
                "; ".join(filter(None, (ended.get("stoppedReason"), container.get("reason")))) or "ECS gives no reason"
            )
            raise PortFailed(
                f"The task that asks for /version in {network.environment} said nothing: {why}. Task: {arn}"
            )
        return said

    def _start(self, ecs: Any, network: TaskNetwork, addresses: list[str]) -> str:
        joined = dict(network.configuration["awsvpcConfiguration"])
        joined["securityGroups"] = [*joined.get("securityGroups", []), *self._let_in(network)]
        command = {"name": network.service, "command": ["ask", *addresses]}
        answer = ecs.run_task(
            cluster=network.cluster,
            taskDefinition=network.task_definition,
            count=1,
            launchType="FARGATE",
            startedBy=STARTED_BY,
            overrides={"containerOverrides": [command]},
            networkConfiguration={"awsvpcConfiguration": joined},
        )
        if not answer["tasks"]:
            reasons = ", ".join(one.get("reason", "unknown") for one in answer.get("failures", []))
            raise PortFailed(
                f"{network.environment} has no place for a task that asks for /version: {reasons}. Try again."
            )
        return answer["tasks"][0]["taskArn"]

    def _let_in(self, network: TaskNetwork) -> list[str]:
        """The load balancer's security group (platform's components/edge.py), whose members every service lets in."""
        ec2 = network.session.client("ec2", region_name=network.region)
        named = [{"Name": "group-name", "Values": [f"gatehouse-{network.environment}-edge"]}]
        return [one["GroupId"] for one in ec2.describe_security_groups(Filters=named)["SecurityGroups"]]

    def _wait(self, ecs: Any, network: TaskNetwork, arn: str) -> dict[str, Any]:
        deadline = time.monotonic() + self._patience
        while True:
            found = ecs.describe_tasks(cluster=network.cluster, tasks=[arn])["tasks"]
            if found and found[0]["lastStatus"] in {"STOPPED", "DELETED"}:
                return found[0]
            if time.monotonic() > deadline:
                ecs.stop_task(cluster=network.cluster, task=arn, reason="took too long")
                raise PortFailed(
                    f"The task that asks for /version in {network.environment} took more than {self._patience:g} s and "
                    f"was stopped. Fix: try again; does it find its image? Task: {arn}"
                )
            time.sleep(self._poll)

    def _log(self, network: TaskNetwork, arn: str) -> dict[str, str | None] | None:
        """What `ask` printed; None when it printed nothing."""
        logs = network.session.client("logs", region_name=network.region)
        prefix = network.log.get("awslogs-stream-prefix", network.service)
        stream = f"{prefix}/{network.service}/{arn.rpartition('/')[2]}"
        deadline = time.monotonic() + min(LOG_PATIENCE_SECONDS, self._patience)
        while True:
            try:
                group = network.log.get("awslogs-group", "")
                events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
            except logs.exceptions.ResourceNotFoundException:
                events = []
            lines = [one["message"].strip() for one in events if one["message"].startswith(MARK)]
            if lines or time.monotonic() > deadline:
                return json.loads(lines[-1].removeprefix(MARK)) if lines else None
            time.sleep(self._poll)
