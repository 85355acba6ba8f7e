"""The roles that GitHub's workflows assume, and the boundary of all roles of an environment.

Each environment has a `plan` role (previews), an `apply` role (deployments) and a `look` role, with which the next
environment verifies that what it promotes is running. Roles are assumed by OpenID Connect, for one repository and one
GitHub environment; there are no keys. GitHub decides who may use an environment (its reviewers), AWS what they may do.

Pure documents first, then the component.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pulumi
from pulumi_aws import iam

from gatehouse_platform.components.access.deployer_policies import deployer_documents
from gatehouse_platform.components.access.provider_reads import SECRET_VALUE, plan_reads
from gatehouse_platform.components.base import as_json, boundary_arn, child_of, foundation_of
from gatehouse_platform.components.iam_documents import (
    ECR_IMPORT,
    ECR_PULL,
    KEY_ACTIONS,
    SEAL_KEYS,
    SEND_MAIL,
    SHELL,
    WRITE_TRACES,
    Document,
    allow,
    document,
    find_tasks,
    rehearsing,
)
from gatehouse_platform.components.keys.sealing_key import SEALING_CONTEXT
from gatehouse_platform.config.settings import FOUNDATION, Dns, RepositoryIds, Stack

GITHUB = "token.actions.githubusercontent.com"
# Reads configuration, no data; what `preview --refresh` needs besides is in provider_reads.py.
SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
PASS_ROLE_SERVICES = ("ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "scheduler.amazonaws.com")
SERVICE_LINKED = (
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
)
# What ECS needs to move a listener rule to another target group (blue/green).
BLUE_GREEN_ACTIONS = (
    "elasticloadbalancing:DeregisterTargets",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:ModifyListener",
    "elasticloadbalancing:ModifyRule",
    "elasticloadbalancing:RegisterTargets",
)
# As long as a job that deploys may take (timeout-minutes): an update whose credentials end leaves its lock behind.
SESSION_SECONDS = 7200
TAG = "aws:ResourceTag/gatehouse:environment"
# What an `up` may do with the foundation's resources: use the state's bucket and key, and get a token of Grafana.
GRAFANA = (
    "grafana:CreateWorkspaceServiceAccount",
    "grafana:CreateWorkspaceServiceAccountToken",
    "grafana:DeleteWorkspaceServiceAccountToken",
    "grafana:DescribeWorkspace",
    "grafana:ListWorkspaceServiceAccounts",
)
STATE_KEY = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
FOUNDATION_ACTIONS = (
    *GRAFANA,
    *STATE_KEY,
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    # The role with which it verifies the environment that it promotes from.
    "sts:AssumeRole",
)
ROLE_CHANGES = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy")
ROLE_UPKEEP = (
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListInstanceProfilesForRole",
    "iam:ListRolePolicies",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
)


def boundary(account: str, region: str, stack: str, domain: str) -> Document:
    """The permissions boundary of this environment's roles; each role is granted far less (see service.py)."""
    here = f"{region}:{account}"
    by_secrets_manager = {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}}
    return document(
        allow("SignInToRegistry", ["ecr:GetAuthorizationToken"], ["*"]),
        allow("PullImages", [*ECR_PULL, *ECR_IMPORT], [f"arn:aws:ecr:{here}:repository/ghcr/*"]),
        allow(
            "WriteLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [f"arn:aws:logs:{here}:log-group:/gatehouse/{stack}/*"],
        ),
        allow(
            "ReadSecrets",
            ["secretsmanager:GetSecretValue"],
            [
                f"arn:aws:secretsmanager:{here}:secret:gatehouse-{stack}/*",
                f"arn:aws:secretsmanager:{here}:secret:rds!db-*",
            ],
        ),
        allow("DecryptSecrets", ["kms:Decrypt"], [f"arn:aws:kms:{here}:key/*"], conditions=by_secrets_manager),
        allow(
            "SealKeys",
            SEAL_KEYS,
            [f"arn:aws:kms:{here}:key/*"],
            conditions={"StringEquals": {SEALING_CONTEXT: stack}},
        ),
        allow("OpenShell", SHELL, ["*"]),
        allow("KeepHistoryKeys", KEY_ACTIONS, [f"arn:aws:s3:::gatehouse-{stack}-history-keys-{account}/*"]),
        allow("TellGoneFromForbidden", ["s3:ListBucket"], [f"arn:aws:s3:::gatehouse-{stack}-history-keys-{account}"]),
        allow(
            "SendMail",
            SEND_MAIL,
            [f"arn:aws:ses:{here}:identity/{domain}", f"arn:aws:ses:{here}:configuration-set/gatehouse-{stack}"],
        ),
        allow("WriteMetrics", ["aps:RemoteWrite"], [f"arn:aws:aps:{here}:workspace/*"]),
        allow("WriteTraces", WRITE_TRACES, ["*"]),
        *find_tasks(f"arn:aws:ecs:{here}:cluster/gatehouse-{stack}"),
        allow(
            "StopAndStart",
            ["rds:StartDBInstance", "rds:StopDBInstance"],
            [f"arn:aws:rds:{here}:db:gatehouse-{stack}"],
        ),
        *rehearsing(
            here=here,
            prefix=f"gatehouse-{stack}",
            environment=stack,
            groups=[f"arn:aws:rds:{here}:{kind}" for kind in (f"subgrp:gatehouse-{stack}", "pg:*", "og:default:*")],
            key=f"arn:aws:kms:{here}:key/*",
            logs=[f"/gatehouse/{stack}/*"],
        ),
        allow("StartRehearsal", ["ecs:RunTask"], [f"arn:aws:ecs:{here}:task-definition/gatehouse-{stack}-*"]),
        allow(
            "PassItsRoles",
            ["iam:PassRole"],
            [f"arn:aws:iam::{account}:role/gatehouse-{stack}-*"],
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        allow("SwitchBlueGreen", BLUE_GREEN_ACTIONS, ["*"]),
    )


def subject(repository: str, ids: RepositoryIds | None, environment: str) -> str:
    """How GitHub names a job of an environment: by names, or by names and ids where the repository has immutable ones.

    https://docs.github.com/actions/concepts/security/openid-connect
    """
    if ids is not None:
        owner, _, name = repository.partition("/")
        repository = f"{owner}@{ids.owner}/{name}@{ids.repository}"
    return f"repo:{repository}:environment:{environment}"


def trust(account: str, job: str) -> Document:
    """Lets only jobs with this subject assume a role."""
    return document(
        allow(
            "GitHub",
            ["sts:AssumeRoleWithWebIdentity"],
            [],
            principal={"Federated": f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"},
            conditions={
                "StringEquals": {
                    f"{GITHUB}:aud": "sts.amazonaws.com",
                    f"{GITHUB}:sub": job,
                }
            },
        )
    )


def state_files(bucket: str, stack: str) -> list[str]:
    """The objects of one stack in the state bucket."""
    kinds = ("stacks", "locks", "history", "backups")
    return [f"arn:aws:s3:::{bucket}/.pulumi/{kind}/gatehouse/{stack}{end}" for kind in kinds for end in (".*", "/*")]


def plan_policy(account: str, region: str, bucket: str, key: Any, stack: str) -> Document:
    """Beside SecurityAudit: what a preview with `--refresh` reads of AWS, and the stack's state.

    That includes the values of this environment's secrets, which the provider compares with those of the state; whoever
    can decrypt the state knows them already.
    """
    here = f"{region}:{account}"
    own_key = {"StringEquals": {TAG: stack, "kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}}
    return document(
        *(allow(sid, actions, arns) for sid, (actions, arns) in plan_reads(account, region, stack).items()),
        allow("CompareSecrets", [SECRET_VALUE], [f"arn:aws:secretsmanager:{here}:secret:gatehouse-{stack}/*"]),
        allow("DecryptSecrets", ["kms:Decrypt"], [f"arn:aws:kms:{here}:key/*"], conditions=own_key),
        allow("FindState", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"]),
        allow("ReadState", ["s3:GetObject"], [*state_files(bucket, stack), f"arn:aws:s3:::{bucket}/.pulumi/meta.yaml"]),
        allow("DecryptState", ["kms:Decrypt"], [key]),
    )


def apply_policy(account: str, region: str, bucket: str, key: Any, stack: str, before: str) -> Document:
    """Beside SecurityAudit and deployer_policies.py: an update's own reads, its state, and roles within the boundary.

    `before`: the environment that promotions come from, or nothing.
    """
    here, roles = f"{region}:{account}", [f"arn:aws:iam::{account}:role/gatehouse-{stack}-*"]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn(account, stack)}}
    linked = {"StringEquals": {"iam:AWSServiceName": list(SERVICE_LINKED)}}
    passed = {"StringEquals": {"iam:PassedToService": PASS_ROLE_SERVICES}}
    looks = [f"arn:aws:iam::{account}:role/gatehouse-github-{before}-look"] if before else []
    return document(
        *(allow(sid, actions, arns) for sid, (actions, arns) in plan_reads(account, region, stack).items()),
        *(each for each in verify_policy(account, region, stack)["Statement"] if each["Sid"] != "PassRoles"),
        allow("ChangeRoles", ROLE_CHANGES, roles, conditions=bounded),
        allow("KeepRoles", ROLE_UPKEEP, roles),
        allow("PassRoles", ["iam:PassRole"], roles, conditions=passed),
        allow(
            "LinkServices",
            ["iam:CreateServiceLinkedRole"],
            [f"arn:aws:iam::{account}:role/aws-service-role/*"],
            conditions=linked,
        ),
        allow("FindState", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"]),
        allow("ReadMeta", ["s3:GetObject"], [f"arn:aws:s3:::{bucket}/.pulumi/meta.yaml"]),
        allow("KeepState", ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], state_files(bucket, stack)),
        allow("EncryptState", STATE_KEY, [key]),
        allow("WriteDashboards", GRAFANA, [f"arn:aws:grafana:{here}:/workspaces/*"]),
        *([allow("LookBefore", ["sts:AssumeRole"], looks)] if looks else []),
        allow(
            "NotOtherEnvironments",
            ["*"],
            ["*"],
            conditions={
                "Null": {TAG: "false"},
                "StringNotEquals": {TAG: [stack, FOUNDATION]},
            },
            effect="Deny",
        ),
        # The foundation's resources may be used, never changed.
        allow(
            "NotTheFoundation",
            FOUNDATION_ACTIONS,
            ["*"],
            conditions={"StringEquals": {TAG: FOUNDATION}},
            effect="Deny",
            all_but=True,
        ),
        allow("NotTheBoundary", ["iam:DeleteRolePermissionsBoundary"], ["*"], effect="Deny"),
    )


def verify_trust(apply_role: Any) -> Document:
    """Lets the apply role of the next environment (its ARN) assume a role."""
    return document(allow("NextEnvironment", ["sts:AssumeRole"], [], principal={"AWS": apply_role}))


def verify_policy(account: str, region: str, stack: str) -> Document:
    """What a promotion reads of its source environment: ECS's view, and the output of a task that reads /version.

    That task is a service's own definition with another command (gatehouse_release.adapters.version_probe_task).
    """
    here, cluster = f"{region}:{account}", f"arn:aws:ecs:{region}:{account}:cluster/gatehouse-{stack}"
    passed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    return document(
        *find_tasks(cluster),
        allow("FindSecurityGroup", ["ec2:DescribeSecurityGroups"], ["*"]),
        allow(
            "AskByTask",
            ["ecs:RunTask"],
            [f"arn:aws:ecs:{here}:task-definition/gatehouse-{stack}-*"],
            conditions={"ArnEquals": {"ecs:cluster": cluster}},
        ),
        allow("StopAsking", ["ecs:StopTask"], [f"arn:aws:ecs:{here}:task/gatehouse-{stack}/*"]),
        allow("PassRoles", ["iam:PassRole"], [f"arn:aws:iam::{account}:role/gatehouse-{stack}-*"], conditions=passed),
        allow("ReadAnswers", ["logs:GetLogEvents"], [f"arn:aws:logs:{here}:log-group:/gatehouse/{stack}/*"]),
    )


class GithubAccess(pulumi.ComponentResource):
    """GitHub's roles for every environment of the account."""

    def __init__(
        self,
        name: str,
        stack: Stack,
        *,
        bucket: str,
        key_arn: pulumi.Input[str],
        dns: Mapping[str, Dns],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("gatehouse:platform:Access", name, None, opts)
        settings = foundation_of(stack)
        iam.OpenIdConnectProvider(
            "github", url=f"https://{GITHUB}", client_id_lists=["sts.amazonaws.com"], opts=child_of(self)
        )
        apply_roles: dict[str, pulumi.Output[str]] = {}
        before = {target: source for source, target in pairwise(settings.environments)}
        for environment in settings.environments:
            iam.Policy(
                f"{environment}-boundary",
                name=f"gatehouse-{environment}-boundary",
                description=f"The most that a role of {environment} may do",
                policy=as_json(boundary(settings.account, stack.region, environment, dns[environment].name)),
                opts=child_of(self),
            )
            account, region = settings.account, stack.region
            documents = {
                "plan": plan_policy(account, region, bucket, key_arn, environment),
                "apply": apply_policy(account, region, bucket, key_arn, environment, before.get(environment, "")),
            }
            for use, policy in documents.items():
                github_environment = environment if use == "apply" else f"{environment}-plan"
                job = subject(settings.repository, settings.repository_ids, github_environment)
                trusted = trust(settings.account, job)
                role = self._role(f"{environment}-{use}", trusted, policy)
                iam.RolePolicyAttachment(
                    f"{environment}-{use}", role=role.name, policy_arn=SECURITY_AUDIT, opts=child_of(self)
                )
                if use == "apply":
                    apply_roles[environment] = role.arn
                    self._deployer(role, deployer_documents(account, region, environment, dns[environment]))
        for source, target in pairwise(settings.environments):
            policy = verify_policy(settings.account, stack.region, source)
            self._role(f"{source}-look", verify_trust(apply_roles[target]), policy)
        self.register_outputs({})

    def _deployer(self, role: iam.Role, documents: Mapping[str, Document]) -> None:
        """What the role may change, in as many policies as AWS's limit of length asks for."""
        for part, content in documents.items():
            name = f"{role._name}-{part}"
            policy = iam.Policy(name, name=f"gatehouse-github-{name}", policy=as_json(content), opts=child_of(self))
            iam.RolePolicyAttachment(name, role=role.name, policy_arn=policy.arn, opts=child_of(self))

    def _role(self, name: str, trusted: Document, policy: Document) -> iam.Role:
        role = iam.Role(
            name,
            name=f"gatehouse-github-{name}",
            assume_role_policy=as_json(trusted),
            max_session_duration=SESSION_SECONDS,
            opts=child_of(self),
        )
        iam.RolePolicy(name, name="may", role=role.name, policy=as_json(policy), opts=child_of(self))
        return role
