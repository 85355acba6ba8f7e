"""IAM documents as plain data in a fixed order. A resource may be an Output; `as_json` resolves it."""

from collections.abc import Mapping, Sequence
from typing import Any

from gatehouse_catalog.rehearsal import REHEARSAL_TAG

Statement = dict[str, Any]
Document = dict[str, Any]


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[Any],
    *,
    principal: Mapping[str, Any] | None = None,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    effect: str = "Allow",
    all_but: bool = False,
) -> Statement:
    """One statement; `sid` says what it is for. `all_but`: it covers every action except these (NotAction)."""
    statement: Statement = {"Sid": sid, "Effect": effect, "NotAction" if all_but else "Action": sorted(actions)}
    if principal is not None:
        statement["Principal"] = dict(principal)
    if resources:
        statement["Resource"] = list(resources)
    if conditions:
        statement["Condition"] = {operator: dict(tests) for operator, tests in sorted(conditions.items())}
    return statement


def document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def merged(statements: Sequence[Statement]) -> list[Statement]:
    """Statements of several services of one role: those that differ in their resources only become one. IAM wants a
    `Sid` once in a policy.
    """
    found: dict[str, Statement] = {}
    for statement in statements:
        same = found.get(statement["Sid"])
        if same is None:
            found[statement["Sid"]] = statement
            continue
        if {**same, "Resource": []} != {**statement, "Resource": []}:
            raise ValueError(f"two statements are called {statement['Sid']} and allow different calls")
        resources = [each for each in statement["Resource"] if not any(each is other for other in same["Resource"])]
        new = [each for each in resources if not isinstance(each, str) or each not in same["Resource"]]
        found[statement["Sid"]] = {**same, "Resource": [*same["Resource"], *new]}
    return list(found.values())


def assumed_by(service: str, account: str, source: str = "") -> Document:
    """Lets one AWS service assume a role for this account (and resource) only, against the confused deputy problem."""
    conditions: dict[str, dict[str, Any]] = {"StringEquals": {"aws:SourceAccount": account}}
    if source:
        conditions["ArnLike"] = {"aws:SourceArn": source}
    trust = allow("Assume", ["sts:AssumeRole"], [], principal={"Service": service}, conditions=conditions)
    return document(trust)


# Statements of one task

ECR_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
# The first pull of an image through the cache creates its repository and fetches it from upstream.
ECR_IMPORT = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
WRITE_TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")  # X-Ray has no ARN for it
# What a task does with the keys that its history is sealed to.
KEY_ACTIONS = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
# What a service does with the key of KMS that it seals its own keys with.
SEAL_KEYS = ("kms:Decrypt", "kms:Encrypt")
# For a raw message, SES asks for both (anymail/django-anymail #384).
SEND_MAIL = ("ses:SendEmail", "ses:SendRawEmail")
# What follows the environment's name in that of a restored copy.
COPY = "-restore-rehearsal"
COPY_ACTIONS = ("rds:DeleteDBInstance", "rds:ModifyDBInstance")
SHELL = (
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


def execution(
    *, repositories: Sequence[Any], log_groups: Sequence[Any], secrets: Sequence[Any], keys: Sequence[Any], region: str
) -> Document:
    """What ECS may do to start a task: pull its images, write its logs, read its secrets."""
    statements = [
        allow("SignInToRegistry", ["ecr:GetAuthorizationToken"], ["*"]),
        allow("PullImage", [*ECR_PULL, *ECR_IMPORT], repositories),
        allow("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], log_groups),
    ]
    if secrets:
        by_secrets_manager = {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}}
        statements += [
            allow("ReadSecrets", ["secretsmanager:GetSecretValue"], secrets),
            allow("DecryptSecrets", ["kms:Decrypt"], keys, conditions=by_secrets_manager),
        ]
    return document(*statements)


def find_tasks(cluster: str) -> list[Statement]:
    """What the collector needs to find the tasks of one cluster (its ARN), by the calls of contrib's ecsobserver."""
    tasks, services = (cluster.replace(":cluster/", f":{kind}/") + "/*" for kind in ("task", "service"))
    here = {"ArnEquals": {"ecs:cluster": cluster}}
    return [
        allow("ListTasks", ["ecs:ListServices", "ecs:ListTasks"], ["*"], conditions=here),
        allow("ReadTasks", ["ecs:DescribeServices", "ecs:DescribeTasks"], [tasks, services]),
        allow("ReadTaskDefinitions", ["ecs:DescribeTaskDefinition"], ["*"]),
    ]


def rehearsing(
    *,
    here: str,
    prefix: str,
    environment: str,
    groups: Sequence[Any],
    key: Any,
    logs: Sequence[str],
) -> list[Statement]:
    """What the rehearsal of a restore does: one source, one copy, and the copy only with its tag.

    `here`: region and account. `groups`: ARNs of the groups that the source stands in.
    """
    source, target = (f"arn:aws:rds:{here}:db:{name}" for name in (prefix, prefix + COPY))
    given = {"StringEquals": {f"aws:RequestTag/{REHEARSAL_TAG}": environment}}
    tagged = {"StringEquals": {f"aws:ResourceTag/{REHEARSAL_TAG}": environment}}
    by_rds = {"StringEquals": {"kms:ViaService": f"rds.{here.partition(':')[0]}.amazonaws.com"}}
    return [
        allow("SeeSourceAndCopy", ["rds:DescribeDBInstances"], [source, target]),
        allow("RestoreToCopy", ["rds:RestoreDBInstanceToPointInTime"], [source, target, *groups], conditions=given),
        allow("TagCopy", ["rds:AddTagsToResource"], [target], conditions=given),
        allow("ChangeAndDeleteCopy", COPY_ACTIONS, [target], conditions=tagged),
        allow("SeeKey", ["kms:DescribeKey"], [key], conditions=by_rds),
        allow(
            "LetRdsUseKey",
            ["kms:CreateGrant"],
            [key],
            conditions={**by_rds, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        allow("ReadDecisions", ["logs:FilterLogEvents"], [f"arn:aws:logs:{here}:log-group:{each}:*" for each in logs]),
    ]


def shell() -> Document:
    """What a task needs for `ecs execute-command`."""
    return document(allow("OpenShell", SHELL, ["*"]))
