"""Runs one ECS task to its end and says how it ended. Plain boto3; knows no Pulumi.

A task can fail in six ways, each with an error of its own here: the exit code isn't 0, it never started, AWS stopped
it, it takes too long, it is gone, or ECS refused to run it.
"""

import time
from collections.abc import Callable
from typing import Any

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

LAST_LINES = 20
# Image pulled, network attached, started: two to three minutes at worst. db-manager itself waits 60 s for its lock.
PATIENCE_SECONDS = 1800.0
POLL_SECONDS = 3.0
# A task that just started may not be listed yet.
UNLISTED_POLLS = 5


class TaskRun(msgspec.Struct, frozen=True, kw_only=True):
    """One task to run."""

    region: str
    cluster: str
    task_definition: str
    container: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    public_address: bool
    log_group: str
    patience_seconds: float = PATIENCE_SECONDS
    # Only tests set these: moto's server, and how often it is asked.
    endpoint: str | None = None
    poll_seconds: float = POLL_SECONDS


class SchemaTaskError(Exception):
    """The schema isn't known to be in place. The message says why, and what to do."""


class NotRun(SchemaTaskError):
    """ECS refused to run the task."""


class NeverStarted(SchemaTaskError):
    """The container never ran: image, network, secret or capacity."""


class Failed(SchemaTaskError):
    """db-manager ended with another exit code than 0."""


class StoppedByAws(SchemaTaskError):
    """Somebody or something else ended the task."""


class TookTooLong(SchemaTaskError):
    """The task still runs."""


class Gone(SchemaTaskError):
    """ECS doesn't know the task any more."""


def run_to_end(run: TaskRun, *, started: Callable[[str], object] = lambda _: None) -> str:
    """Runs the task and gives its ARN once it ended with exit code 0. Raises a SchemaTaskError otherwise.

    `started` is called with the ARN as soon as there is one.
    """
    ecs = boto3.client("ecs", region_name=run.region, endpoint_url=run.endpoint)
    task = _start(ecs, run)
    started(task)
    ended = _wait(ecs, run, task)
    container = next((one for one in ended.get("containers", []) if one["name"] == run.container), {})
    code = container.get("exitCode")
    if code == 0:
        return task
    why = "; ".join(filter(None, (ended.get("stoppedReason"), container.get("reason")))) or "ECS gives no reason"
    if code is None and "startedAt" not in ended:
        raise NeverStarted(
            f"{_of(run)} never started: {why}. Fix: check whether the image, its secrets and a way out exist; then up "
            f"again. Task: {task}"
        )
    if code is None or ended.get("stopCode") not in {None, "EssentialContainerExited"}:
        raise StoppedByAws(
            f"{_of(run)} was stopped from outside ({ended.get('stopCode')}): {why}. Nothing half done stays: up again. "
            f"Task: {task}{_said(run, task)}"
        )
    raise Failed(f"{_of(run)} ended with exit code {code}: {why}. Task: {task}{_said(run, task)}")


def _of(run: TaskRun) -> str:
    return f"The schema task {run.task_definition.rpartition('/')[2]}"


def _start(ecs: Any, run: TaskRun) -> str:
    try:
        answer = ecs.run_task(
            cluster=run.cluster,
            taskDefinition=run.task_definition,
            count=1,
            # On demand: Spot would stop a migration with two minutes' warning.
            launchType="FARGATE",
            startedBy="gatehouse-schema",
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": list(run.subnets),
                    "securityGroups": list(run.security_groups),
                    "assignPublicIp": "ENABLED" if run.public_address else "DISABLED",
                }
            },
        )
    except (ClientError, BotoCoreError) as error:
        raise NotRun(f"{_of(run)} can't be run: {error}") from error
    if not answer["tasks"]:
        reasons = ", ".join(failure.get("reason", "unknown") for failure in answer.get("failures", []))
        raise NotRun(f"{_of(run)} can't be run: ECS says {reasons or 'nothing'}. Up again when that is fixed.")
    return answer["tasks"][0]["taskArn"]


def _wait(ecs: Any, run: TaskRun, task: str) -> dict[str, Any]:
    """The task when it has stopped."""
    deadline = time.monotonic() + run.patience_seconds
    unlisted = 0
    while True:
        found = ecs.describe_tasks(cluster=run.cluster, tasks=[task])["tasks"]
        unlisted = 0 if found else unlisted + 1
        if unlisted > UNLISTED_POLLS:
            said = _said(run, task)
            raise Gone(f"{_of(run)} is gone: ECS doesn't know {task}. Look at its log, then up again.{said}")
        if found and found[0]["lastStatus"] in {"STOPPED", "DELETED"}:
            return found[0]
        if time.monotonic() > deadline:
            state = found[0]["lastStatus"] if found else "unlisted"
            raise TookTooLong(
                f"{_of(run)} takes more than {run.patience_seconds:g} s and is {state}. It is left running: an index "
                f"may be on its way. When it has ended, up again. Task: {task}{_said(run, task)}"
            )
        time.sleep(run.poll_seconds)


def _said(run: TaskRun, task: str) -> str:
    """The task's last log lines, for the error; a log that can't be read doesn't hide the error."""
    stream = f"{run.container}/{run.container}/{task.rpartition('/')[2]}"
    try:
        logs = boto3.client("logs", region_name=run.region, endpoint_url=run.endpoint)
        events = logs.get_log_events(
            logGroupName=run.log_group, logStreamName=stream, limit=LAST_LINES, startFromHead=False
        )["events"]
    except (ClientError, BotoCoreError) as error:
        return f"\nIts log ({run.log_group} {stream}) can't be read: {error}"
    if not events:
        return f"\nIts log ({run.log_group} {stream}) is empty."
    return "\n" + "\n".join(f"    {event['message'].rstrip()}" for event in events)
