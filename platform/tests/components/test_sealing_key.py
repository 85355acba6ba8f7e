"""Who may use the key that identity's signing keys are sealed with, by its policy and by the roles' own."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gatehouse_catalog.structs import SEALING_KEY_VARIABLE
from gatehouse_platform.components.keys.sealing_key import SEALING_CONTEXT
from gatehouse_platform.offline.graph import Graph

from .access.iam_evaluation import allowed

Graphs = Callable[[str], Graph]
ARN = "arn:aws:kms:eu-central-1:111122223333:key/key-identity-keys"
ROLES = "arn:aws:iam::111122223333:role"


def own(graph: Graph, role: str) -> list[dict[str, Any]]:
    return json.loads(graph.named("aws:iam/rolePolicy:RolePolicy", role).properties["policy"])["Statement"]


def policy(graph: Graph) -> list[dict[str, Any]]:
    return json.loads(graph.named("aws:kms/key:Key", "identity-keys").properties["policy"])["Statement"]


@pytest.mark.parametrize("stack", ["dev", "production"])
def test_only_identitys_tasks_use_it_and_only_for_their_environment(graph: Graphs, stack: str):
    found = graph(stack)
    of_key, of_role = policy(found), own(found, "identity")

    def may(call: str, role: str = f"gatehouse-{stack}-identity", **context: str) -> bool:
        asked = {"aws:PrincipalArn": f"{ROLES}/{role}", **context}
        mine = of_role if role.endswith("-identity") else [{"Effect": "Allow", "Action": ["kms:*"], "Resource": ["*"]}]
        return allowed(of_key, f"kms:{call}", ARN, asked) and allowed(mine, f"kms:{call}", ARN, asked)

    here = {SEALING_CONTEXT: stack}
    for call in ("Decrypt", "Encrypt"):
        assert may(call, **here)
        assert not may(call), "without a context"
        assert not may(call, **{SEALING_CONTEXT: "another"})
        for other in (f"gatehouse-{stack}-members", f"gatehouse-{stack}-identity-start", "gatehouse-github-dev-apply"):
            assert not may(call, other, **here), "whatever its own policies allow"
        # The key's policy alone, should somebody widen the role's.
        mine = {"aws:PrincipalArn": f"{ROLES}/gatehouse-{stack}-identity"}
        assert allowed(of_key, f"kms:{call}", ARN, {**mine, **here})
        assert not allowed(of_key, f"kms:{call}", ARN, {**mine, SEALING_CONTEXT: "another"})
    assert not may("GenerateDataKey", **here)
    assert not may("CreateGrant", "admin", **here)
    # Who manages the account still changes and deletes it.
    assert all(may(call, "admin") for call in ("PutKeyPolicy", "ScheduleKeyDeletion", "DescribeKey"))


def test_who_seals_keys_and_nobody_else_is_told_of_a_key_of_their_own(graph: Graphs):
    tasks = graph("dev").of_type("aws:ecs/taskDefinition:TaskDefinition")
    told = {
        each["name"]: one["value"]
        for task in tasks
        for each in json.loads(task.properties["containerDefinitions"])
        for one in each["environment"]
        if one["name"] == SEALING_KEY_VARIABLE
    }
    aliases = {
        service: graph("dev").named("aws:kms/alias:Alias", f"{service}-keys").properties["name"]
        for service in ("credential", "identity")
    }
    assert told == {service: f"arn:aws:kms:eu-central-1:111122223333:{alias}" for service, alias in aliases.items()}
    assert len(set(aliases.values())) == 2
