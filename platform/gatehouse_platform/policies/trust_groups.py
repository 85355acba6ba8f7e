"""What a task may reach is its own group's: computed from roles, secrets and containers."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from gatehouse_platform.offline.graph import Graph, RecordedResource, is_known
from gatehouse_platform.policies.grants import ROLE, ROLE_POLICY, statements
from gatehouse_platform.policies.tasks import TASK_DEFINITION, containers_of
from gatehouse_platform.policies.violation import Violation, violation

NAME = "groups keep to themselves"
GROUP, MEMBER = "gatehouse:platform:TaskGroup", "gatehouse:platform:Service"
KEY = "aws:kms/key:Key"
SECRET, DATABASE = "aws:secretsmanager/secret:Secret", "aws:rds/instance:Instance"
# In the ARN of an object that a service's history is sealed with: `BUCKET/SERVICE/*`.
KEYS = "history-keys"
FIX = "Put both services into one group of the stack file, or take it away."


def groups_keep_to_themselves(graph: Graph) -> Iterable[Violation]:
    """No task reaches a secret, a sign-in to the database, a history key or a sealing key of a service outside its
    group.
    """
    owners = {
        str(secret.outputs.get("arn")): group
        for secret in graph.of_type(SECRET)
        if (group := _group(graph, secret)) is not None
    }
    members = {
        part.name: group
        for part in graph.resources
        if part.type == MEMBER and (group := _group(graph, part)) is not None
    }
    masters = {
        str(secret["secretArn"])
        for instance in graph.of_type(DATABASE)
        for secret in instance.outputs.get("masterUserSecrets") or ()
        if isinstance(secret, dict) and is_known(secret.get("secretArn"))
    }
    sealing = {
        str(key.outputs.get("arn")): owner
        for key in graph.of_type(KEY)
        if (owner := _group(graph, key)) is not None and is_known(key.outputs.get("arn"))
    }
    for task in graph.of_type(TASK_DEFINITION):
        group = _group(graph, task)
        others = {arn: owner for arn, owner in owners.items() if owner != group and is_known(arn)}
        # A schema's task, which stands below its service, signs in as the master.
        if (part := graph.component_of(task)) is not None and part.type == GROUP:
            others |= dict.fromkeys(masters, "the database's master")
        yield from _named(task, others)
        for key, resource in _reached(graph, task, "secretsmanager:"):
            for arn, owner in sorted(others.items()):
                if fnmatchcase(arn, resource):
                    yield violation(NAME, task, key, f"may read {arn}, of {owner}.", FIX)
        for key, resource in _reached(graph, task, "kms:"):
            for arn, owner in sorted(sealing.items()):
                if owner != group and fnmatchcase(arn, resource):
                    yield violation(NAME, task, key, f"may use {arn}, of {owner}.", FIX)
        for key, resource in _reached(graph, task, "s3:"):
            if KEYS in resource and (foreign := _foreign(resource, group, members)):
                yield violation(NAME, task, key, f"may use the history keys of {foreign}.", FIX)


def _named(task: RecordedResource, others: dict[str, str]) -> Iterator[Violation]:
    for container in containers_of(task):
        for secret in container.get("secrets", []):
            arn = ":".join(str(secret["valueFrom"]).split(":")[:7])
            if arn in others:
                where = f"containerDefinitions.{container['name']}.secrets.{secret['name']}"
                yield violation(NAME, task, where, f"is a secret of {others[arn]}.", FIX)


def _reached(graph: Graph, task: RecordedResource, service: str) -> Iterator[tuple[str, str]]:
    """(the property that names the role, a resource on which the role may call that service of AWS)"""
    for key in ("executionRoleArn", "taskRoleArn"):
        wanted = task.properties.get(key)
        for role in graph.of_type(ROLE):
            if wanted is None or not is_known(wanted) or role.outputs.get("arn") != wanted:
                continue
            for policy in graph.of_type(ROLE_POLICY):
                if policy.properties.get("role") == role.id:
                    for _, statement in statements(policy):
                        if statement["Effect"] == "Allow" and _calls(statement, service):
                            yield from ((key, str(each)) for each in statement.get("Resource", []))


def _calls(statement: dict[str, Any], service: str) -> bool:
    """Whether a statement is about that service; NotAction allows nearly everything."""
    return any(str(each).startswith((service, "*")) for each in statement.get("Action", ["*"]))


def _foreign(resource: str, group: str | None, members: dict[str, str]) -> str:
    """Whose keys a resource of the bucket means, if they aren't the group's; empty for the bucket itself."""
    _, _, path = resource.rpartition(":")
    service = path.partition("/")[2].partition("/")[0]
    if "/" not in path:
        return ""
    return "" if service in members and members[service] == group else service or "everybody"


def _group(graph: Graph, resource: RecordedResource) -> str | None:
    """The group of tasks that a resource stands in."""
    part = graph.component_of(resource)
    while part is not None and part.type != GROUP:
        part = graph.component_of(part)
    return part.name if part is not None else None
