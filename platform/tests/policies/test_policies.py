"""Every policy is broken here, each in the ways it is for, and each breach is caught, by that policy alone."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gatehouse_platform.config.settings import STACKS
from gatehouse_platform.offline.graph import UNKNOWN, Graph, RecordedResource
from gatehouse_platform.policies import POLICIES, violations
from gatehouse_platform.policies.tasks import containers_of

Graphs = Callable[[str], Graph]
Change = Callable[..., Graph]

# (policy, stack, kind, name, properties that break it, a word of what is said)
BREACHES: list[tuple[str, str, str, str, dict[str, Any], str]] = [
    (
        "open only at the edge",
        "dev",
        "SecurityGroupIngressRule",
        "edge-to-ledger",
        {"cidrIpv4": "0.0.0.0/0"},
        "internet in",
    ),
    ("open only at the edge", "dev", "SecurityGroupIngressRule", "edge-to-ledger", {"cidrIpv6": "::/0"}, "internet in"),
    (
        "open only at the edge",
        "dev",
        "SecurityGroupIngressRule",
        "edge-from-internet-443",
        {"fromPort": 22, "toPort": 22},
        "internet in",
    ),
    (
        "open only at the edge",
        "dev",
        "SecurityGroupEgressRule",
        "ledger-to-internet",
        {"fromPort": 80, "toPort": 80},
        "more than TLS",
    ),
    (
        "open only at the edge",
        "dev",
        "SecurityGroupEgressRule",
        "ledger-to-database",
        {"toPort": 5433},
        "more than one",
    ),
    (
        "open only at the edge",
        "dev",
        "SecurityGroupIngressRule",
        "ledger-to-database",
        {"ipProtocol": "-1"},
        "more than one",
    ),
    (
        "open only at the edge",
        "dev",
        "SecurityGroup",
        "ledger",
        {"ingress": [{"cidrBlocks": ["0.0.0.0/0"]}]},
        "inside the group",
    ),
    (
        "open only at the edge",
        "dev",
        "DefaultSecurityGroup",
        "network",
        {"egress": [{"protocol": "-1"}]},
        "inside the group",
    ),
    ("balancers speak TLS", "dev", "Listener", "edge-0", {"defaultActions": [{"type": "forward"}]}, "without TLS"),
    ("balancers speak TLS", "dev", "Listener", "edge-1", {"sslPolicy": "ELBSecurityPolicy-2016-08"}, "old TLS"),
    ("databases are private", "dev", "Instance", "database", {"publiclyAccessible": True}, "isn't false"),
    ("databases are private", "dev", "SubnetGroup", "database", {"subnetIds": ["public-0-id"]}, "a route out"),
    ("storage is encrypted", "dev", "Instance", "database", {"storageEncrypted": False}, "isn't true"),
    ("storage is encrypted", "dev", "Instance", "database", {"kmsKeyId": None}, "not given"),
    ("storage is encrypted", "dev", "LogGroup", "ledger", {"kmsKeyId": None}, "not given"),
    ("storage is encrypted", "dev", "Secret", "ledger-databases", {"kmsKeyId": None}, "not given"),
    ("storage is encrypted", "dev", "Topic", "alerts", {"kmsMasterKeyId": None}, "not given"),
    ("storage is encrypted", "dev", "Workspace", "monitoring", {"kmsKeyArn": None}, "not given"),
    ("storage is encrypted", "foundation", "Trail", "trail", {"kmsKeyId": None}, "not given"),
    (
        "storage is encrypted",
        "dev",
        "BucketServerSideEncryptionConfiguration",
        "logs",
        {"bucket": "other"},
        "isn't configured",
    ),
    ("buckets are private", "dev", "BucketPublicAccessBlock", "logs", {"blockPublicAcls": False}, "in full"),
    ("logs end", "dev", "LogGroup", "ledger", {"retentionInDays": None}, "not given"),
    ("roles are bounded", "dev", "Role", "ledger", {"permissionsBoundary": None}, "missing"),
    (
        "narrow permissions",
        "foundation",
        "RolePolicyAttachment",
        "",
        {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        "listed",
    ),
    (
        "secrets are granted exactly",
        "dev",
        "TaskDefinition",
        "ledger",
        {"executionRoleArn": "arn:aws:iam::1:role/other"},
        "can't read",
    ),
    ("everything is tagged", "dev", "Bucket", "logs", {"tags": {"gatehouse:environment": "production"}}, "overrides"),
    ("state is protected", "production", "Instance", "database", {"deletionProtection": False}, "isn't true"),
    ("state is protected", "production", "Instance", "database", {"skipFinalSnapshot": True}, "isn't false"),
    ("state is protected", "production", "Instance", "database", {"backupRetentionPeriod": 1}, "too short"),
    ("production is spread", "production", "Service", "ledger", {"desiredCount": 1}, "below 2"),
    (
        "production is spread",
        "production",
        "Service",
        "ledger",
        {"networkConfiguration": {"subnets": ["private-0-id"]}},
        "one zone",
    ),
    (
        "production is spread",
        "production",
        "Service",
        "ledger",
        {"capacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 1}]},
        "all on Spot",
    ),
    ("production is spread", "production", "Instance", "database", {"multiAz": False}, "isn't true"),
    ("tasks are confined", "production", "Service", "ledger", {"enableExecuteCommand": True}, "shell"),
    ("options agree", "dev", "Instance", "database", {"blueGreenUpdate": {"enabled": True}}, "excludes"),
    ("options agree", "dev", "Service", "ledger", {"forceNewDeployment": None}, "isn't true"),
    ("options agree", "production", "Service", "collector", {"forceNewDeployment": False}, "isn't true"),
    ("options agree", "dev", "Instance", "database", {"backupWindow": "01:00-02:00"}, "have stopped it"),
    ("options agree", "test", "Instance", "database", {"backupWindow": "15:50-16:50"}, "have stopped it"),
    ("options agree", "staging", "Instance", "database", {"maintenanceWindow": "sun:02:30-sun:03:30"}, "have stopped"),
    ("options agree", "dev", "Schedule", "database-start", {"scheduleExpression": "cron(0 8 ? * MON-FRI *)"}, "is up"),
    ("options agree", "dev", "ScheduledAction", "ledger-start", {"schedule": "cron(40 7 ? * MON-FRI *)"}, "is up"),
    (
        "bounces come back",
        "dev",
        "ConfigurationSet",
        "mail",
        {"deliveryOptions": {"tlsPolicy": "OPTIONAL"}},
        "plain",
    ),
    ("bounces come back", "dev", "ConfigurationSet", "mail", {"configurationSetName": "other"}, "doesn't tell"),
    (
        "bounces come back",
        "dev",
        "ConfigurationSetEventDestination",
        "mail",
        {"eventDestination": {"matchingEventTypes": ["BOUNCE"], "enabled": True, "snsDestination": {}}},
        "doesn't tell",
    ),
]
# These compare ids, which a preview doesn't know while the resource is new.
COMPARE_IDS = {
    ("ConfigurationSet", "configurationSetName"),
    ("BucketPublicAccessBlock", "blockPublicAcls"),
    ("BucketServerSideEncryptionConfiguration", "bucket"),
    ("Service", "networkConfiguration"),
    ("SubnetGroup", "subnetIds"),
    ("TaskDefinition", "executionRoleArn"),
    # The schedules' target, of which a recording says only as a whole that it follows a role's ARN.
    ("Instance", "backupWindow"),
    ("Instance", "maintenanceWindow"),
    ("Schedule", "scheduleExpression"),
    ("ScheduledAction", "schedule"),
}


def caught(graph: Graph) -> set[str]:
    return {found.policy for found in violations(graph)}


@pytest.mark.parametrize(
    "breach",
    BREACHES,
    ids=[f"{breach[0]}: {breach[2]}.{next(iter(breach[4]))}" for breach in BREACHES],
)
def test_a_breach_is_caught_by_its_policy(graph: Graphs, breach: tuple[str, str, str, str, dict[str, Any], str]):
    policy, stack, kind, name, properties, said = breach
    of = graph(stack)
    # ECS services and Cloud Map's are both called Service; the one with these properties is meant.
    target = next(one for one in of.resources if one.kind == kind and name in {one.name, ""} and _fits(one, kind))
    merged = {key: value for key, value in {**target.properties, **properties}.items() if value is not None}
    broken = _with(of, target, msgspec.structs.replace(target, properties=merged))
    found = [one for one in violations(broken) if said in one.message]
    assert {one.policy for one in found} == {policy}
    assert caught(broken) == {policy}
    assert all(one.fix for one in found)


def previewed(graph: Graph) -> Graph:
    """As the first preview of a stack sees it: nothing is there, so every id and all that is made of one is unknown."""
    return msgspec.structs.replace(
        graph,
        resources=tuple(
            msgspec.structs.replace(
                resource,
                id=UNKNOWN,
                outputs={},
                properties=resource.properties
                | {key: UNKNOWN for key, sources in resource.property_sources.items() if sources},
            )
            for resource in graph.resources
        ),
    )


@pytest.mark.parametrize("name", STACKS)
def test_a_first_preview_of_a_good_stack_breaks_nothing(graph: Graphs, name: str):
    assert violations(previewed(graph(name))) == []


@pytest.mark.parametrize(
    "breach",
    [breach for breach in BREACHES if (breach[2], next(iter(breach[4]))) not in COMPARE_IDS],
    ids=lambda breach: f"{breach[0]}: {breach[2]}.{next(iter(breach[4]))}",
)
def test_a_breach_in_known_values_is_caught_in_the_preview(graph: Graphs, breach):
    policy, stack, kind, name, properties, said = breach
    of = previewed(graph(stack))
    target = next(one for one in of.resources if one.kind == kind and name in {one.name, ""} and _fits(one, kind))
    merged = {key: value for key, value in {**target.properties, **properties}.items() if value is not None}
    broken = _with(of, target, msgspec.structs.replace(target, properties=merged))
    assert policy in {one.policy for one in violations(broken) if said in one.message}


def _fits(resource: RecordedResource, kind: str) -> bool:
    if kind == "Service":
        return resource.type.startswith("aws:ecs")
    return resource.type.startswith("aws:")


def _with(graph: Graph, old: RecordedResource, *new: RecordedResource) -> Graph:
    return msgspec.structs.replace(graph, resources=(*(one for one in graph.resources if one is not old), *new))


@pytest.mark.parametrize("kind", ["Instance", "Key", "Bucket", "Secret"])
def test_what_holds_data_is_protected_in_production(graph: Graphs, kind: str):
    of = graph("production")
    target = next(one for one in of.resources if one.kind == kind)
    assert caught(_with(of, target, msgspec.structs.replace(target, protect=False))) == {"state is protected"}


def container(graph: Graph, **changes: Any) -> Graph:
    """The graph with the first container of a service changed."""
    task = graph.named("aws:ecs/taskDefinition:TaskDefinition", "ledger")
    (definition,) = containers_of(task)
    text = json.dumps([{**definition, **changes}])
    properties = {**task.properties, "containerDefinitions": text}
    return _with(graph, task, msgspec.structs.replace(task, properties=properties))


@pytest.mark.parametrize(
    ("policy", "changes"),
    [
        ("images by digest", {"image": "ghcr.io/a/b:latest"}),
        ("images by digest", {"image": "ghcr.io/a/b@sha256:abc"}),
        ("tasks are confined", {"readonlyRootFilesystem": False}),
        ("tasks are confined", {"privileged": True}),
        ("tasks are confined", {"essential": False}),
        ("tasks are confined", {"user": "0:0"}),
        ("tasks are confined", {"user": "root"}),
        ("tasks are confined", {"linuxParameters": {"initProcessEnabled": False, "capabilities": {"drop": ["ALL"]}}}),
        ("tasks are confined", {"linuxParameters": {"initProcessEnabled": True}}),
        ("tasks are confined", {"logConfiguration": {"logDriver": "awslogs", "options": {}}}),
        ("secrets are granted exactly", {"secrets": []}),
    ],
)
def test_a_container_that_could_do_more_is_caught(graph: Graphs, policy: str, changes: dict):
    assert caught(container(graph("dev"), **changes)) == {policy}


def test_a_secret_that_isnt_granted_is_caught(graph: Graphs):
    stolen = [{"name": "X", "valueFrom": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:other-AbCdEf"}]
    task = graph("dev").named("aws:ecs/taskDefinition:TaskDefinition", "ledger")
    (definition,) = containers_of(task)
    broken = container(graph("dev"), secrets=definition["secrets"] + stolen)
    assert [one.message for one in violations(broken)] == [f"can't read {stolen[0]['valueFrom']}."]


@pytest.mark.parametrize(
    ("role", "allowed", "said"),
    [
        (
            "ledger-start",
            "arn:aws:secretsmanager:eu-central-1:111122223333:secret:gatehouse-dev/members/*",
            "of members",
        ),
        ("members-start", "secret:gatehouse-dev/ledger/databases-AbCdEf", "databases-AbCdEf, of ledger"),
        ("pages-start", "secret:rds!db-00000000-0000-0000-0000-000000000000-AbCdEf", "of the database's master"),
        ("ledger", "arn:aws:s3:::gatehouse-dev-history-keys-111122223333/person/*", "the history keys of person"),
        ("ledger", "arn:aws:s3:::gatehouse-dev-history-keys-111122223333/*", "the history keys of"),
        ("ledger", "arn:aws:kms:eu-central-1:111122223333:key/key-identity-keys", "key-identity-keys, of identity."),
    ],
)
def test_what_another_group_has_is_out_of_reach(graph: Graphs, changed: Change, role: str, allowed: str, said: str):
    of = graph("dev")
    old = json.loads(of.named("aws:iam/rolePolicy:RolePolicy", role).properties["policy"])
    arn = allowed if allowed.startswith("arn:") else f"arn:aws:secretsmanager:eu-central-1:111122223333:{allowed}"
    known = {"s3": "s3:GetObject", "kms": "kms:Decrypt"}
    actions = [known.get(arn.split(":")[2], "secretsmanager:GetSecretValue")]
    more = {"Sid": "More", "Effect": "Allow", "Action": actions, "Resource": [arn]}
    policy = json.dumps({**old, "Statement": [*old["Statement"], more]})
    found = violations(changed(of, "RolePolicy", role, {"policy": policy}))
    kept = [one for one in found if one.policy == "groups keep to themselves"]
    assert kept
    assert all(said in one.message for one in kept)


def test_a_container_names_no_secret_of_another_group(graph: Graphs):
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:gatehouse-dev/members/databases-AbCdEf"
    stolen = [{"name": "X", "valueFrom": f"{arn}:url::"}]
    found = [one for one in violations(container(graph("dev"), secrets=stolen)) if one.policy.startswith("groups")]
    assert [one.message for one in found] == ["is a secret of members."]


@pytest.mark.parametrize(
    "statement",
    [
        {"Sid": "X", "Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::a"]},
        {"Sid": "X", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]},
        {"Sid": "WriteLog", "Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": ["*"]},
        {"Sid": "X", "Effect": "Allow", "NotAction": ["s3:GetObject"], "Resource": ["arn:aws:s3:::a"]},
    ],
)
def test_a_wildcard_that_isnt_listed_is_caught(graph: Graphs, changed: Change, statement: dict):
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    broken = changed(graph("dev"), "RolePolicy", "collector", {"policy": policy})
    assert caught(broken) == {"narrow permissions"}


def test_a_wildcard_in_a_refusal_is_fine(graph: Graphs, changed: Change):
    refusal = {"Sid": "X", "Effect": "Deny", "Action": ["*"], "Resource": ["*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [refusal]})
    assert caught(changed(graph("dev"), "RolePolicy", "collector", {"policy": policy})) == set()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Condition": {}}, "may send from any address."),
        ({"Condition": {"StringEquals": {"ses:FromAddress": "hello@gatehouse.example"}}}, "may send from any address."),
        ({"Resource": ["arn:aws:ses:eu-central-1:111122223333:identity/gatehouse.example"]}, "sends for arn:aws:ses"),
    ],
)
def test_a_sender_that_could_be_somebody_else_is_caught(graph: Graphs, changed: Change, change: dict, said: str):
    of = graph("dev")
    (policy,) = [one for one in of.of_type("aws:iam/rolePolicy:RolePolicy") if "ses:SendEmail" in str(one.properties)]
    content = json.loads(policy.properties["policy"])
    (send,) = [each for each in content["Statement"] if each["Sid"] == "SendMail"]
    send.update(change)
    (found,) = violations(changed(of, "RolePolicy", policy.name, {"policy": json.dumps(content)}))
    assert (found.policy, said in found.message) == ("mails come from our domain", True)


def test_a_role_that_anybody_may_take_is_caught(graph: Graphs, changed: Change):
    trust = {"Sid": "X", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"AWS": "*"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    assert caught(changed(graph("dev"), "Role", "ledger", {"assumeRolePolicy": policy})) == {"roles are bounded"}


def test_tags_that_are_missing_and_another_provider_are_caught(graph: Graphs, changed: Change):
    of = graph("dev")
    assert caught(changed(of, "aws", "aws", {"defaultTags": "{}"})) == {"everything is tagged"}
    assert caught(changed(of, "Vpc", "network", {}, provider="urn:pulumi:dev::gatehouse::x::y::1")) == {
        "everything is tagged"
    }


def test_a_scaling_that_goes_below_two_in_production_is_caught(graph: Graphs):
    of = graph("production")
    target = RecordedResource(
        urn="urn:x",
        type="aws:appautoscaling/target:Target",
        name="x",
        id="x",
        properties={"minCapacity": 1},
        provider=next(one for one in of.resources if one.kind == "Vpc").provider,
    )
    assert caught(msgspec.structs.replace(of, resources=(*of.resources, target))) == {"production is spread"}


def test_rules_of_the_old_kind_are_caught(graph: Graphs):
    of = graph("dev")
    rule = RecordedResource(
        urn="urn:x",
        type="aws:ec2/securityGroupRule:SecurityGroupRule",
        name="x",
        id="x",
        provider=next(one for one in of.resources if one.kind == "Vpc").provider,
    )
    assert caught(msgspec.structs.replace(of, resources=(*of.resources, rule))) == {"open only at the edge"}


def test_every_policy_is_broken_somewhere_above():
    elsewhere = {"images by digest", "tasks are confined", "narrow permissions", "mails come from our domain"}
    elsewhere |= {"groups keep to themselves"}
    tested = {breach[0] for breach in BREACHES} | elsewhere
    assert tested == {getattr(policy, "__name__", "").replace("_", " ").replace("tls", "TLS") for policy in POLICIES}
