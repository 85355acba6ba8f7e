"""What each task may do is derived here from the catalog on its own, and compared: no statement grants more."""

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase, translate
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gatehouse_catalog import Service, load_catalog
from gatehouse_platform.components.access.github_access import apply_policy, subject, trust
from gatehouse_platform.components.access.provider_reads import AUDITED, READS, plan_reads
from gatehouse_platform.config.settings import ENVIRONMENTS, RepositoryIds
from gatehouse_platform.config.stack_config import read_config
from gatehouse_platform.offline.graph import Graph
from gatehouse_platform.policies.iam_reference import calls, document_problems, known_action, unknown_grants

Graphs = Callable[[str], Graph]
Grants = dict[str, set[str]]
ACCOUNT, REGION = "111122223333", "eu-central-1"
REPOSITORY = "agile-learning-institute/gatehouse"
PULL = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
    "ecr:GetDownloadUrlForLayer",
}
SHELL = {f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")}
MASTER = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!db-00000000-0000-0000-0000-000000000000-AbCdEf"


def granted(graph: Graph, role: str) -> Grants:
    """Action -> resources of everything that a role may do."""
    found: Grants = {}
    for policy in graph.of_type("aws:iam/rolePolicy:RolePolicy"):
        if policy.properties["role"] == role:
            for statement in json.loads(policy.properties["policy"])["Statement"]:
                for action in statement["Action"]:
                    found.setdefault(action, set()).update(statement["Resource"])
    return found


def starting(stack: str, log: str, image: str, secrets: set[str]) -> Grants:
    """What it takes to start one container."""
    found: Grants = {"ecr:GetAuthorizationToken": {"*"}}
    found |= {action: {f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/ghcr/{REPOSITORY}/{image}"} for action in PULL}
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/gatehouse/{stack}/{log}:log-stream:*"
    found |= {"logs:CreateLogStream": {stream}, "logs:PutLogEvents": {stream}}
    if secrets:
        found |= {"secretsmanager:GetSecretValue": secrets, "kms:Decrypt": {key_arn()}}
    return found


def key_arn() -> str:
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/key-governance"


def secret(stack: str, service: Service, key: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:gatehouse-{stack}/{service.name}/{key}-AbCdEf"


def rehearsing(graph: Graph) -> dict[str, Grants]:
    """Of the task that rehearses a restore; under which conditions, test_rehearsal.py says."""
    name = f"gatehouse-{graph.stack}-restore-rehearsal"
    rds, logs = f"arn:aws:rds:{REGION}:{ACCOUNT}", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/gatehouse/{graph.stack}"
    copy, source = f"{rds}:db:{name}", f"{rds}:db:gatehouse-{graph.stack}"
    stands_in = {str(graph.of_type("aws:rds/parameterGroup:ParameterGroup")[0].outputs["arn"])}
    stands_in |= {f"{rds}:og:default:postgres-17", f"{rds}:subgrp:gatehouse-{graph.stack}"}
    key = {f"arn:aws:kms:{REGION}:{ACCOUNT}:key/key-governance"}
    task = str(graph.named("aws:ecs/taskDefinition:TaskDefinition", "restore-rehearsal").outputs["arn"])
    return {
        name: {
            "rds:DescribeDBInstances": {source, copy},
            "rds:RestoreDBInstanceToPointInTime": {source, copy, *stands_in},
            **{f"rds:{call}": {copy} for call in ("AddTagsToResource", "DeleteDBInstance", "ModifyDBInstance")},
            "kms:CreateGrant": key,
            "kms:DescribeKey": key,
            "logs:FilterLogEvents": {f"{logs}/identity:*", f"{logs}/restore-rehearsal:*"},
        },
        f"{name}-start": starting(graph.stack, "restore-rehearsal", "identity", set()),
        f"{name}-schedule": {
            "ecs:RunTask": {task},
            "iam:PassRole": {f"arn:aws:iam::{ACCOUNT}:role/{each}" for each in (name, f"{name}-start")},
        },
    }


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_each_role_may_do_what_its_task_needs_and_no_more(
    root: Path, graph: Graphs, groups: Callable[[str], dict[str, str]], stack: str
):
    found = graph(stack)
    expected: dict[str, Grants] = {}

    def expect(role: str, grants: Grants) -> None:
        """Services of a group have one role, which may do what any of them may."""
        known = expected.setdefault(role, {})
        for action, resources in grants.items():
            known[action] = known.get(action, set()) | resources

    for service in load_catalog(root):
        prefix = f"gatehouse-{stack}-{groups(stack)[service.name]}"
        alone = f"gatehouse-{stack}-{service.name}"
        own = {secret(stack, service, key) for key, setting in service.settings.items() if setting.secret}
        if service.has_events:
            own.add(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:gatehouse-{stack}/peer-key-AbCdEf")
        expect(prefix, {} if stack == "production" else {action: {"*"} for action in SHELL})
        if service.sends_mail:
            domain = read_config(root, stack)["gatehouse:dns"]["name"]
            here = f"arn:aws:ses:{REGION}:{ACCOUNT}"
            sent = {f"{here}:identity/{domain}", f"{here}:configuration-set/gatehouse-{stack}"}
            expect(prefix, {"ses:SendEmail": sent, "ses:SendRawEmail": sent})
        if service.seals_keys:
            sealing = {f"arn:aws:kms:{REGION}:{ACCOUNT}:key/key-{service.name}-keys"}
            expect(prefix, {"kms:Decrypt": sealing, "kms:Encrypt": sealing})
        if service.database is not None:
            keys = f"arn:aws:s3:::gatehouse-{stack}-history-keys-{ACCOUNT}"
            expect(prefix, {f"s3:{verb}Object": {f"{keys}/{service.name}/*"} for verb in ("Delete", "Get", "Put")})
            expect(prefix, {"s3:ListBucket": {keys}})
            shared = f"secret:gatehouse-{stack}/{groups(stack)[service.name]}/databases-AbCdEf"
            sign_ins = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:{shared}"
            own.add(sign_ins)
            image = f"{service.name}-database"
            both = {MASTER, sign_ins}
            expected[f"{alone}-database-start"] = starting(stack, service.name, image, both)
        expect(f"{prefix}-start", starting(stack, service.name, service.name, own))
    workspace = f"arn:aws:aps:{REGION}:{ACCOUNT}:workspace/ws-monitoring"
    here = [f"arn:aws:ecs:{REGION}:{ACCOUNT}:{kind}/gatehouse-{stack}/*" for kind in ("task", "service")]
    expected[f"gatehouse-{stack}-collector"] = {
        "aps:RemoteWrite": {workspace},
        **{f"ecs:Describe{kind}s": set(here) for kind in ("Task", "Service")},
        # Only of its own cluster: a condition says so.
        **{action: {"*"} for action in ("ecs:ListTasks", "ecs:ListServices", "ecs:DescribeTaskDefinition")},
    }
    # The probe beside it runs on the Python of the front's image.
    expected[f"gatehouse-{stack}-collector-start"] = starting(stack, "collector", "portal", set())
    expected |= rehearsing(found) if stack == "production" else {}
    if stack != "production":
        database = {f"arn:aws:rds:{REGION}:{ACCOUNT}:db:gatehouse-{stack}"}
        expected[f"gatehouse-{stack}-nights"] = {"rds:StartDBInstance": database, "rds:StopDBInstance": database}
    roles = {role.properties["name"] for role in found.of_type("aws:iam/role:Role")}
    assert roles == set(expected)
    assert {role: granted(found, role) for role in roles} == expected
    assert found.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment") == ()


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_the_boundary_allows_what_the_roles_need(root: Path, graph: Graphs, stack: str):
    """Or a role could do less than its own policy says, which shows only in AWS."""
    (policy,) = [one for one in graph("foundation").of_type("aws:iam/policy:Policy") if one.name == f"{stack}-boundary"]
    allowed: Grants = {}
    for statement in json.loads(policy.properties["policy"])["Statement"]:
        for action in statement["Action"]:
            allowed.setdefault(action, set()).update(statement["Resource"])
    for role in graph(stack).of_type("aws:iam/role:Role"):
        assert role.properties["permissionsBoundary"] == policy.outputs["arn"]
        for action, resources in granted(graph(stack), role.properties["name"]).items():
            for resource in resources:
                assert any(fnmatchcase(resource, limit) for limit in allowed[action]), f"{action} {resource}"


def test_github_gets_in_for_one_repository_and_one_environment_only(graph: Graphs):
    roles = {
        role.name: json.loads(role.properties["assumeRolePolicy"])["Statement"]
        for role in graph("foundation").of_type("aws:iam/role:Role")
        if role.properties["name"].startswith("gatehouse-github-") and not role.name.endswith("-look")
    }
    assert set(roles) == {f"{stack}-{what}" for stack in ENVIRONMENTS for what in ("plan", "apply")}
    for name, (statement,) in roles.items():
        stack, what = name.split("-")
        conditions = statement["Condition"]["StringEquals"]
        at_github = stack if what == "apply" else f"{stack}-plan"
        said = conditions["token.actions.githubusercontent.com:sub"]
        assert said == f"repo:{REPOSITORY}:environment:{at_github}"
        assert conditions["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        assert "*" not in json.dumps(statement)


def test_only_the_next_environment_looks_at_one(graph: Graphs):
    roles = {role.name: role for role in graph("foundation").of_type("aws:iam/role:Role")}
    looks = {name: role for name, role in roles.items() if name.endswith("-look")}
    assert set(looks) == {"dev-look", "test-look", "staging-look"}
    for source, target in pairwise(ENVIRONMENTS):
        (statement,) = json.loads(looks[f"{source}-look"].properties["assumeRolePolicy"])["Statement"]
        assert statement["Principal"] == {"AWS": roles[f"{target}-apply"].outputs["arn"]}


def test_looking_at_an_environment_changes_nothing_and_reaches_no_other(graph: Graphs):
    """It runs a task of the environment's own, and may do no more there than look."""
    for stack in ENVIRONMENTS[:-1]:
        may = granted(graph("foundation"), f"gatehouse-github-{stack}-look")
        changing = {action for action in may if not action.partition(":")[2].startswith(("Describe", "List", "Get"))}
        assert changing == {"ecs:RunTask", "ecs:StopTask", "iam:PassRole"}
        narrow = {one for action, resources in may.items() for one in resources if one != "*"}
        assert all(f"gatehouse-{stack}" in one or f"/gatehouse/{stack}/" in one for one in narrow), narrow


def test_a_plan_role_changes_nothing(graph: Graphs):
    reading = ("Get", "List", "Decrypt", "Describe", "View")
    for stack in ENVIRONMENTS:
        for action in granted(graph("foundation"), f"gatehouse-github-{stack}-plan"):
            assert action.partition(":")[2].startswith(reading), action


def test_an_apply_role_makes_roles_only_within_its_boundary(graph: Graphs):
    (policy,) = [
        json.loads(one.properties["policy"])["Statement"]
        for one in graph("foundation").of_type("aws:iam/rolePolicy:RolePolicy")
        if one.name == "dev-apply"
    ]
    by_sid = {statement["Sid"]: statement for statement in policy}
    limit = by_sid["ChangeRoles"]["Condition"]["StringEquals"]["iam:PermissionsBoundary"]
    assert limit == f"arn:aws:iam::{ACCOUNT}:policy/gatehouse-dev-boundary"
    assert by_sid["ChangeRoles"]["Resource"] == [f"arn:aws:iam::{ACCOUNT}:role/gatehouse-dev-*"]
    assert all("/dev" in file for file in by_sid["KeepState"]["Resource"])


@pytest.mark.parametrize("stack", ["foundation", *ENVIRONMENTS])
def test_every_action_and_condition_key_exists(graph: Graphs, stack: str):
    assert list(unknown_grants(graph(stack))) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ({"Action": ["s3:GetObjekt"]}, "there is no action s3:GetObjekt"),
        ({"Action": ["sss:GetObject"]}, "there is no action sss:GetObject"),
        ({"Action": ["kms:Dekrypt*"]}, "there is no action kms:Dekrypt*"),
        ({"Action": [], "Condition": {"StringEqual": {"aws:SourceArn": ""}}}, "the operator StringEqual"),
        ({"Action": [], "Condition": {"StringEquals": {"aws:SourceAcount": ""}}}, "the condition key aws:SourceAcount"),
    ],
)
def test_a_misspelt_name_is_found(statement: dict[str, Any], said: str):
    assert said in "".join(document_problems({"Sid": "X", **statement}))


def test_botocore_knows_the_calls_that_the_table_needs_not_have():
    assert known_action("secretsmanager:GetSecretValue")
    assert "RunTask" in calls("ecs")
    assert calls("nonsense") == frozenset()


def test_an_apply_role_uses_the_foundation_and_leaves_it_as_it_is(graph: Graphs):
    """All carries its stack's tag: without this, the key of Pulumi's own state would be another environment's."""
    policy = apply_policy(ACCOUNT, REGION, "state", "arn:aws:kms:::key/state", "dev", "")
    by_sid = {one["Sid"]: one for one in policy["Statement"]}
    (others,) = by_sid["NotOtherEnvironments"]["Condition"]["StringNotEquals"].values()
    assert others == ["dev", "foundation"]
    left = by_sid["NotTheFoundation"]
    assert left["Effect"] == "Deny"
    assert list(left["Condition"]["StringEquals"].values()) == ["foundation"]
    assert {"kms:Decrypt", "kms:GenerateDataKey", "grafana:CreateWorkspaceServiceAccountToken"} <= set(
        left["NotAction"]
    )
    changing = ("Put", "Delete", "Update", "Schedule", "Disable", "Create")
    allowed = {"s3:PutObject", "s3:DeleteObject"}  # of its own state; the others' is refused by name
    risky = {one for one in left["NotAction"] if one.partition(":")[2].startswith(changing)} - allowed
    assert all("ServiceAccount" in one for one in risky)


def test_trust_names_the_provider_of_its_account():
    (statement,) = trust(ACCOUNT, subject("a/b", None, "dev"))["Statement"]
    assert statement["Principal"]["Federated"].startswith(f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions")


def test_a_repository_with_immutable_subjects_is_trusted_by_its_ids_alone():
    """As GitHub's changelog of 2026-04-23 writes them: a name that somebody else takes over isn't enough."""
    ids = RepositoryIds(owner=123456, repository=456789)
    found = subject("octocat/my-repo", ids, "dev")
    assert found == "repo:octocat@123456/my-repo@456789:environment:dev"
    (statement,) = trust(ACCOUNT, found)["Statement"]
    assert statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == found


@cache
def audit() -> re.Pattern[str]:
    """What AWS's own SecurityAudit allows; moto has a copy of the policy, among megabytes of others."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    policy = json.loads(aws_managed_policies_data)["SecurityAudit"]["Document"]
    lists = [statement["Action"] for statement in policy["Statement"]]
    patterns = [each for actions in lists for each in ([actions] if isinstance(actions, str) else actions)]
    return re.compile("|".join(translate(pattern.lower()) for pattern in patterns))


def audited(action: str) -> bool:
    return audit().match(action.lower()) is not None


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_a_plan_role_can_read_every_type_of_its_environment(graph: Graphs, stack: str):
    """`gate drift` refreshes: one type that can't be read ends it."""
    types = {each.type for each in graph(stack).resources if each.type.startswith("aws:")}
    assert sorted(types - AUDITED.keys() - READS.keys()) == []
    assert [call for kind in types for call in AUDITED.get(kind, "").split() if not audited(call)] == []
    grants = granted(graph("foundation"), f"gatehouse-github-{stack}-plan")
    needed = {action for kind in types for action in READS.get(kind, ())}
    assert {action for action in needed if not audited(action)} <= grants.keys()
    assert grants["secretsmanager:GetSecretValue"] == {
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:gatehouse-{stack}/*"
    }


def test_what_is_granted_beside_the_audit_is_what_it_lacks():
    reads = plan_reads(ACCOUNT, REGION, "dev").values()
    assert [action for actions, _ in reads for action in actions if audited(action)] == []
    assert not audited("secretsmanager:GetSecretValue")
    assert audited("rds:DescribeDBInstances")
