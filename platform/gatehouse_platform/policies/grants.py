"""Permissions: no wildcard and no managed policy that isn't listed here with its reason."""

from collections.abc import Iterable, Iterator
from typing import Any

from gatehouse_platform.offline.graph import Graph, RecordedResource, is_known
from gatehouse_platform.policies.tasks import TASK_DEFINITION, containers_of
from gatehouse_platform.policies.violation import Violation, violation

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
POLICY = "aws:iam/policy:Policy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
KEY = "aws:kms/key:Key"

# Why a statement (Sid, wildcard) can't be narrower. Deny statements may be as wide as they like.
ALLOWED_WILDCARDS = {
    ("SignInToRegistry", "*"): "ecr:GetAuthorizationToken has no resource (service authorization reference)",
    ("WriteTraces", "*"): "X-Ray has no resource for what is put (service authorization reference)",
    ("OpenShell", "*"): "ssmmessages has no resources; only outside production, and in the boundary",
    ("ListWorkspaces", "*"): "aps:ListWorkspaces has no resource",
    ("ListTasks", "*"): "ecs lists by cluster; bound to ours by a condition",
    ("ReadTaskDefinitions", "*"): "ecs:DescribeTaskDefinition has no resource",
    ("ReadNamespaceTags", "*"): "servicediscovery:ListTagsForResource has no resource",
    ("FindSecurityGroup", "*"): "ec2:DescribeSecurityGroups has no resource",
    ("SwitchBlueGreen", "*"): "only a boundary: Describe calls of load balancing have no resource",
    ("OwnByTag", "*"): "bound to the environment's tag by a condition",
    ("NewByTag", "*"): "what has no tag yet, and gets the environment's: two conditions",
    ("Everywhere", "*"): "calls without resource and condition: provider_writes.EVERYWHERE has the reason of each",
    ("AccountDecides", "kms:*"): "a key's own policy: without it nobody could ever change the key again",
    ("EncryptLogs", "kms:Decrypt*"): "as CloudWatch Logs documents it; bound to our log groups by a condition",
    ("EncryptLogs", "kms:Encrypt*"): "the same",
    ("EncryptLogs", "kms:GenerateDataKey*"): "the same",
    ("EncryptLogs", "kms:ReEncrypt*"): "the same",
    ("SendAlerts", "kms:GenerateDataKey*"): "as SNS documents it; bound to this account by a condition",
    ("EncryptTrail", "kms:GenerateDataKey*"): "as CloudTrail documents it; bound to our trail by a condition",
}
# Managed policies that may be attached, and why.
ALLOWED_MANAGED_POLICIES = {
    "arn:aws:iam::aws:policy/SecurityAudit": "plan and apply roles read configuration, no data",
    "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers": "blue/green, as ECS documents it",
}


def statements(resource: RecordedResource) -> Iterator[tuple[str, dict[str, Any]]]:
    """(property, statement) of every IAM document of a resource."""
    for name, content in resource.documents():
        if isinstance(content, dict) and "Statement" in content:
            for statement in content["Statement"]:
                yield name, statement


def narrow_permissions(graph: Graph) -> Iterable[Violation]:
    """No wildcard action or resource, and no managed policy, unless it is listed with a reason."""
    name = "narrow permissions"
    for resource in graph.resources:
        for prop, statement in statements(resource):
            if statement["Effect"] != "Allow":
                continue
            sid = statement.get("Sid", "")
            # NotAction would allow whatever AWS adds tomorrow.
            wide = [action for action in statement.get("Action", ["NotAction *"]) if "*" in action]
            # In a key's own policy `*` is that key.
            wide += [one for one in statement.get("Resource", []) if one == "*" and resource.type != KEY]
            for wildcard in wide:
                if (sid, wildcard) not in ALLOWED_WILDCARDS:
                    fix = "Name what is used, or list it with its reason in policies/grants.py."
                    yield violation(name, resource, f"{prop}.{sid}", f"allows {wildcard}.", fix)
    # The stack's own policies were read above.
    own = {policy.outputs.get("arn") for policy in graph.of_type(POLICY)}
    for attachment in graph.of_type(ATTACHMENT):
        arn = attachment.properties["policyArn"]
        if arn not in ALLOWED_MANAGED_POLICIES and arn not in own and is_known(arn):
            fix = "Write what is used, or list it with its reason in policies/grants.py."
            yield violation(name, attachment, "policyArn", "isn't a listed managed policy.", fix)


def roles_are_bounded(graph: Graph) -> Iterable[Violation]:
    """Every role of an environment has its boundary, and no trust policy allows everybody."""
    name = "roles are bounded"
    for role in graph.of_type(ROLE):
        if graph.stack != "foundation" and not role.properties.get("permissionsBoundary"):
            yield violation(name, role, "permissionsBoundary", "is missing.", "Create it with base.role.")
        for prop, statement in statements(role):
            if prop == "assumeRolePolicy" and "*" in str(statement.get("Principal")):
                yield violation(name, role, prop, "lets anybody assume it.", "Name a principal.")


def secrets_are_granted_exactly(graph: Graph) -> Iterable[Violation]:
    """A task's execution role may read every secret that the task names, and no others."""
    name = "secrets are granted exactly"
    roles = {str(role.outputs.get("arn")): role for role in graph.of_type(ROLE)}
    granted: dict[str, set[str]] = {}
    unknown = {
        str(policy.properties["role"]) for policy in graph.of_type(ROLE_POLICY) if not is_known(policy.properties)
    }
    for policy in graph.of_type(ROLE_POLICY):
        for _, statement in statements(policy):
            if "secretsmanager:GetSecretValue" in statement.get("Action", ()) and statement["Effect"] == "Allow":
                granted.setdefault(str(policy.properties["role"]), set()).update(statement["Resource"])
    for task in graph.of_type(TASK_DEFINITION):
        followed = [task.properties["containerDefinitions"], task.properties.get("executionRoleArn")]
        if not is_known([*followed, *roles, *unknown]):
            continue
        named = {
            ":".join(secret["valueFrom"].split(":")[:7])
            for container in containers_of(task)
            for secret in container.get("secrets", [])
        }
        role = roles.get(str(task.properties.get("executionRoleArn")))
        if role is not None and role.id in unknown:
            continue
        allowed = granted.get(role.id, set()) if role else set()
        for secret in sorted(named - allowed):
            yield violation(name, task, "executionRoleArn", f"can't read {secret}.", "Grant it to that role.")
        for secret in sorted(allowed - named):
            yield violation(name, task, "executionRoleArn", f"may read {secret}, unused.", "Remove it from that role.")
