"""Who may change an environment from GitHub: two roles each, and the boundary that no role inside it exceeds.

A third role lets the next environment look: what is promoted must be seen running where it comes from.

Pure documents first. A workflow gets a role by OpenID Connect, for one repository and one GitHub environment; there are
no keys. GitHub decides who may use an environment (its reviewers), AWS what can be done from it.
"""

from itertools import pairwise
from typing import Any

import pulumi
from pulumi_aws import iam

from gatehouse_platform.components.base import as_json, below, boundary_arn, foundation_of
from gatehouse_platform.components.iam_documents import (
    ECR_IMPORT,
    ECR_PULL,
    SHELL,
    Document,
    allow,
    document,
    find_tasks,
)
from gatehouse_platform.config.settings import FOUNDATION, Stack

GITHUB = "token.actions.githubusercontent.com"
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"
# Reads configuration, no data: enough for `preview --refresh`.
SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
PASSED_TO = ("ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "scheduler.amazonaws.com")
LINKED = (
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
)
# What ECS needs to switch a listener rule between two target groups (blue/green).
SWITCH = (
    "elasticloadbalancing:DeregisterTargets",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "elasticloadbalancing:ModifyListener",
    "elasticloadbalancing:ModifyRule",
    "elasticloadbalancing:RegisterTargets",
)
TAG = "aws:ResourceTag/gatehouse:environment"
# Of what carries the foundation's tag, an `up` uses the key of Pulumi's state, and signs in to Grafana for a moment.
OF_THE_FOUNDATION = (
    "grafana:CreateWorkspaceServiceAccount",
    "grafana:CreateWorkspaceServiceAccountToken",
    "grafana:DeleteWorkspaceServiceAccountToken",
    "grafana:DescribeWorkspace",
    "grafana:ListWorkspaceServiceAccounts",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    # The role by which it looks at the environment that it promotes from.
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


def boundary(account: str, region: str, stack: str) -> Document:
    """The most that a role of this environment may ever do; what each may is far less (see service.py)."""
    here = f"{region}:{account}"
    via = {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}}
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
        allow("DecryptSecrets", ["kms:Decrypt"], [f"arn:aws:kms:{here}:key/*"], conditions=via),
        allow("OpenShell", SHELL, ["*"]),
        allow("WriteMetrics", ["aps:RemoteWrite"], [f"arn:aws:aps:{here}:workspace/*"]),
        *find_tasks(f"arn:aws:ecs:{here}:cluster/gatehouse-{stack}"),
        allow(
            "StopAndStart",
            ["rds:StartDBInstance", "rds:StopDBInstance"],
            [f"arn:aws:rds:{here}:db:gatehouse-{stack}"],
        ),
        allow("SwitchBlueGreen", SWITCH, ["*"]),
    )


def trust(account: str, repository: str, environment: str) -> Document:
    """Lets jobs of one GitHub environment of one repository take a role, and no others."""
    return document(
        allow(
            "GitHub",
            ["sts:AssumeRoleWithWebIdentity"],
            [],
            principal={"Federated": f"arn:aws:iam::{account}:oidc-provider/{GITHUB}"},
            conditions={
                "StringEquals": {
                    f"{GITHUB}:aud": "sts.amazonaws.com",
                    f"{GITHUB}:sub": f"repo:{repository}:environment:{environment}",
                }
            },
        )
    )


def state_files(bucket: str, stack: str) -> list[str]:
    """What Pulumi keeps of one stack in the state bucket."""
    kinds = ("stacks", "locks", "history", "backups")
    return [f"arn:aws:s3:::{bucket}/.pulumi/{kind}/gatehouse/{stack}{end}" for kind in kinds for end in (".*", "/*")]


def plan_may(bucket: str, key: Any, stack: str) -> Document:
    """A preview: reads the stack's state. Configuration in AWS is read by SecurityAudit."""
    return document(
        allow("FindState", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"]),
        allow("ReadState", ["s3:GetObject"], [*state_files(bucket, stack), f"arn:aws:s3:::{bucket}/.pulumi/meta.yaml"]),
        allow("DecryptState", ["kms:Decrypt"], [key]),
    )


def apply_may(account: str, stack: str, bucket: str, others: list[str]) -> Document:
    """Beside PowerUserAccess: roles of this environment, only within the boundary; and nothing of other stacks."""
    roles = [f"arn:aws:iam::{account}:role/gatehouse-{stack}-*"]
    limit = boundary_arn(account, stack)
    bounded = {"StringEquals": {"iam:PermissionsBoundary": limit}}
    linked = {"StringEquals": {"iam:AWSServiceName": list(LINKED)}}
    foreign = [file for other in others for file in state_files(bucket, other)]
    return document(
        allow("ChangeRoles", ROLE_CHANGES, roles, conditions=bounded),
        allow("KeepRoles", ROLE_UPKEEP, roles),
        allow("PassRoles", ["iam:PassRole"], roles, conditions={"StringEquals": {"iam:PassedToService": PASSED_TO}}),
        allow(
            "LinkServices",
            ["iam:CreateServiceLinkedRole"],
            [f"arn:aws:iam::{account}:role/aws-service-role/*"],
            conditions=linked,
        ),
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
        # What is the foundation's is used and stays as it is.
        allow(
            "NotTheFoundation",
            OF_THE_FOUNDATION,
            ["*"],
            conditions={"StringEquals": {TAG: FOUNDATION}},
            effect="Deny",
            all_but=True,
        ),
        allow("NotOtherState", ["s3:*"], foreign, effect="Deny"),
        allow("NotTheBoundary", ["iam:DeleteRolePermissionsBoundary"], ["*"], effect="Deny"),
    )


def look_trust(apply_role: Any) -> Document:
    """Lets the jobs that change the next environment take a role (`apply_role`: the ARN of theirs)."""
    return document(allow("NextEnvironment", ["sts:AssumeRole"], [], principal={"AWS": apply_role}))


def look_may(account: str, region: str, stack: str) -> Document:
    """What a promotion asks of where it comes from: ECS's view, and a task run there that asks /version.

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
    """The way from GitHub into each environment."""

    def __init__(
        self,
        name: str,
        stack: Stack,
        *,
        bucket: str,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("gatehouse:platform:Access", name, None, opts)
        settings = foundation_of(stack)
        iam.OpenIdConnectProvider(
            "github", url=f"https://{GITHUB}", client_id_lists=["sts.amazonaws.com"], opts=below(self)
        )
        applies: dict[str, pulumi.Output[str]] = {}
        for environment in settings.environments:
            iam.Policy(
                f"{environment}-boundary",
                name=f"gatehouse-{environment}-boundary",
                description=f"The most that a role of {environment} may do",
                policy=as_json(boundary(settings.account, stack.region, environment)),
                opts=below(self),
            )
            others = [other for other in [*settings.environments, stack.name] if other != environment]
            documents = {
                "plan": (SECURITY_AUDIT, plan_may(bucket, key_arn, environment)),
                "apply": (POWER_USER, apply_may(settings.account, environment, bucket, others)),
            }
            for what, (managed, may) in documents.items():
                at_github = environment if what == "apply" else f"{environment}-plan"
                made = self._role(f"{environment}-{what}", trust(settings.account, settings.repository, at_github), may)
                iam.RolePolicyAttachment(f"{environment}-{what}", role=made.name, policy_arn=managed, opts=below(self))
                if what == "apply":
                    applies[environment] = made.arn
        for source, target in pairwise(settings.environments):
            may = look_may(settings.account, stack.region, source)
            self._role(f"{source}-look", look_trust(applies[target]), may)
        self.register_outputs({})

    def _role(self, name: str, trusted: Document, may: Document) -> iam.Role:
        made = iam.Role(
            name,
            name=f"gatehouse-github-{name}",
            assume_role_policy=as_json(trusted),
            max_session_duration=3600,
            opts=below(self),
        )
        iam.RolePolicy(name, name="may", role=made.name, policy=as_json(may), opts=below(self))
        return made
