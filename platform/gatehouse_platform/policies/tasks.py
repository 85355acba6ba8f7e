"""Tasks run images by digest, in containers without privileges."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from gatehouse_platform.offline.graph import Graph, RecordedResource, is_known
from gatehouse_platform.policies.violation import Violation, violation

TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
SERVICE = "aws:ecs/service:Service"
BY_DIGEST = re.compile(r"^[^@\s]+@sha256:[0-9a-f]{64}$")
# The value that each setting must have, and the fix.
CONTAINER_SETTINGS = {
    "readonlyRootFilesystem": (True, "Mount a volume where it must write."),
    "privileged": (False, "Nothing of ours needs it."),
    "essential": (True, "A task without it would seem healthy."),
}


def containers_of(task: RecordedResource) -> list[dict[str, Any]]:
    """The container definitions of a task definition; none while they aren't known."""
    definitions = task.properties["containerDefinitions"]
    return json.loads(definitions) if is_known(definitions) else []


def _each(graph: Graph) -> Iterator[tuple[RecordedResource, dict[str, Any]]]:
    for task in graph.of_type(TASK_DEFINITION):
        for container in containers_of(task):
            yield task, container


def images_by_digest(graph: Graph) -> Iterable[Violation]:
    """A tag can be moved to another image; a digest can't."""
    for task, container in _each(graph):
        if not BY_DIGEST.match(container["image"]):
            where = f"containerDefinitions.{container['name']}.image = {container['image']}"
            yield violation("images by digest", task, where, "isn't a digest.", "Write NAME@sha256:...")


def tasks_are_confined(graph: Graph) -> Iterable[Violation]:
    """Read-only, not root, without capabilities, with an init process and a log; no shell in production."""
    name = "tasks are confined"
    for task, container in _each(graph):
        where = f"containerDefinitions.{container['name']}"
        for key, (wanted, fix) in CONTAINER_SETTINGS.items():
            if container.get(key) is not wanted:
                yield violation(name, task, f"{where}.{key}", f"isn't {str(wanted).lower()}.", fix)
        if container.get("user", "0").split(":")[0] in {"0", "root", ""}:
            yield violation(name, task, f"{where}.user", "is root.", "Name the image's own user.")
        linux = container.get("linuxParameters", {})
        if linux.get("initProcessEnabled") is not True or linux.get("capabilities", {}).get("drop") != ["ALL"]:
            fix = "Enable the init process and drop ALL capabilities."
            yield violation(name, task, f"{where}.linuxParameters", "confine too little.", fix)
        if "awslogs-group" not in container.get("logConfiguration", {}).get("options", {}):
            yield violation(name, task, f"{where}.logConfiguration", "has no log group.", "Name one.")
    if graph.stack == "production":
        for service in graph.of_type(SERVICE):
            if service.properties.get("enableExecuteCommand"):
                fix = "Set shell_in_tasks: false."
                yield violation(name, service, "enableExecuteCommand", "opens a shell in production.", fix)
