#!/usr/bin/env python3
"""Stands for `pulumi` where its engine can't be had: what the stack file says of releases comes to be in moto's ECS.

It is no Pulumi: no plan, no state, no other resource. It does what the tests need of an `up`: a new revision of each
changed service's task definition, the service moved to it, and tasks of it in the place of the old ones. As the real
one does, it reports success when the breaker has rolled back (pulumi-aws #4487). Files in $STAND_IN say what goes
wrong: `breaks` names such a service (ENVIRONMENT/SERVICE), `fails` makes an update fail with its text, `locked` says
once that another update runs. It asks moto by HTTP, without boto3, which would take a second to load in every run.
"""

import argparse
import json
import os
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

TARGET = "AmazonEC2ContainerServiceV20141113"
REGION = "eu-central-1"
# moto reads service and region from it; nobody checks it.
SIGNATURE = f"AWS4-HMAC-SHA256 Credential=testing/20260101/{REGION}/ecs/aws4_request, SignedHeaders=host, Signature=0"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet"], "securityGroups": ["group"]}}
TASKS = 2


def ecs(action: str, **content: Any) -> dict[str, Any]:
    headers = {
        "X-Amz-Target": f"{TARGET}.{action}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": SIGNATURE,
    }
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"], json.dumps(content).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def place(name: str) -> Path:
    return Path(os.environ["STAND_IN"]) / name


def told(name: str) -> str | None:
    return place(name).read_text() if place(name).exists() else None


def definition(environment: str, service: str, release: dict[str, Any], port: int) -> str:
    container = {
        "name": service,
        "image": f"example/{service}@{release['digest']}",
        "memory": 512,
        "environment": [{"name": "GATEHOUSE_IMAGE_DIGEST", "value": release["digest"]}],
        "portMappings": [{"containerPort": port}],
    }
    family = f"gatehouse-{environment}-{service}"
    made = ecs("RegisterTaskDefinition", family=family, containerDefinitions=[container], networkMode="bridge")
    return made["taskDefinition"]["taskDefinitionArn"]


def runs_as_meant(environment: str, service: str, digest: str) -> bool:
    """Whether the service runs the newest definition, and that has the image; as a refresh would find."""
    found = ecs("DescribeServices", cluster=f"gatehouse-{environment}", services=[service])["services"]
    if not found or found[0]["status"] == "INACTIVE":
        return False
    newest = ecs("DescribeTaskDefinition", taskDefinition=f"gatehouse-{environment}-{service}")["taskDefinition"]
    image = newest["containerDefinitions"][0]["image"]
    return (found[0]["taskDefinition"], image) == (newest["taskDefinitionArn"], f"example/{service}@{digest}")


def roll_out(environment: str, service: str, arn: str) -> None:
    """moto's UpdateService leaves the deployment as it was, so the service is made anew; and it starts no tasks."""
    cluster = f"gatehouse-{environment}"
    if ecs("DescribeServices", cluster=cluster, services=[service])["services"]:
        ecs("DeleteService", cluster=cluster, service=service, force=True)
    ecs("CreateService", cluster=cluster, serviceName=service, taskDefinition=arn, desiredCount=TASKS)
    tasks = ecs("ListTasks", cluster=cluster)["taskArns"]
    described = ecs("DescribeTasks", cluster=cluster, tasks=tasks)["tasks"] if tasks else []
    for task in described:
        if task["group"] == f"service:{service}" and task["desiredStatus"] == "RUNNING":
            ecs("StopTask", cluster=cluster, task=task["taskArn"], reason="replaced")
    group, launch = f"service:{service}", "FARGATE"
    ecs("RunTask", cluster=cluster, taskDefinition=arn, count=TASKS, group=group, launchType=launch)


def up(environment: str, root: Path) -> None:
    config = YAML(typ="safe").load(root / "stacks" / f"Pulumi.{environment}.yaml")["config"]
    broken = told("breaks")
    releases = config.get("gatehouse:releases") or {}
    cluster = f"gatehouse-{environment}"
    for arn in ecs("ListServices", cluster=cluster)["serviceArns"]:
        if arn.rpartition("/")[2] not in releases:
            ecs("DeleteService", cluster=cluster, service=arn.rpartition("/")[2], force=True)
    for service, release in releases.items():
        if runs_as_meant(environment, service, release["digest"]):
            continue
        entry = tomllib.loads((root / "services" / service / "service.toml").read_text())
        arn = definition(environment, service, release, entry.get("port", 0))
        if f"{environment}/{service}" == broken:
            place("breaks").unlink()
            print(f"{service}: the breaker rolled back, and nobody says so")
        else:
            roll_out(environment, service, arn)
            print(f"{service}: {arn}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["install", "up"])
    parser.add_argument("--stack")
    parser.add_argument("--message")
    for flag in ("--refresh", "--yes", "--non-interactive"):
        parser.add_argument(flag, action="store_true")
    given = parser.parse_args()
    if given.command == "install":
        return
    assert given.yes, "nobody is there to answer"
    assert given.non_interactive
    assert given.refresh, "what was rolled back would be believed to run"
    if (why := told("fails")) is not None:
        sys.exit(f"error: update failed\n{why}")
    if told("locked") is not None:
        place("locked").unlink()
        sys.exit("error: the stack is currently locked by 1 lock(s).")
    up(given.stack, Path.cwd())


if __name__ == "__main__":
    main()
